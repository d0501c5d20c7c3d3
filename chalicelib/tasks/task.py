"""The description of a classification task."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from chalicelib.json_schema import Schema

Fit = Literal["pad", "stretch"]
EndpointProtocol = Literal["negatoscope", "image-classification"]
ServingKind = Literal["embedded", "serverless", "provisioned"]

ENDPOINT_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
"""Endpoint names that SageMaker allows (API reference, CreateEndpoint)."""

ENGLISH = "en"
"""The language of all texts that are not translated."""


@dataclass(frozen=True)
class ClassSpec:
    """A class of images."""

    name: str
    """Identifier in lower-case kebab-case, also the folder of its training images."""
    title: str
    """The name shown to people."""
    flips_to: str
    """Name of the class of a left-right mirror image (the class itself if mirroring does not matter)."""


@dataclass(frozen=True)
class DisplayWindow:
    """A window to show images in: a share of the one they open with, or one in the values of a DICOM file."""

    name: str
    """Identifier in lower-case kebab-case."""
    title: str
    """The name shown to people."""
    black: float | None = None
    """Percent of the window with which an image opens; what is darker is shown black."""
    white: float | None = None
    """The same for what is shown white."""
    center: float | None = None
    """Of a window in the rescaled values of a DICOM file (PS3.3 C.11.2.1.2), such as Hounsfield units."""
    width: float | None = None


@dataclass(frozen=True)
class Wording:
    """What people read about a task, in one language."""

    title: str
    intended_use: str
    limits: tuple[str, ...]
    classes: Mapping[str, str]
    """Titles by the names of the classes."""
    windows: Mapping[str, str]
    """Titles by the names of the display windows."""


@dataclass(frozen=True)
class InputSpec:
    """A model's input array: uint8, shape (channels, height, width)."""

    width: int
    height: int
    channels: Annotated[int, Schema(enum=[1, 3])]
    """1 for grey, 3 for RGB."""
    fit: Fit
    """"pad" keeps the aspect ratio and centres the image on black; "stretch" fills the frame."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        return self.channels, self.height, self.width


@dataclass(frozen=True)
class ReviewRule:
    """When a person should review the image."""

    min_probability: float
    """Lowest probability of the predicted class without a review."""
    min_margin: float
    """Smallest difference between the first and the second probability without a review."""
    min_accuracy: float
    """Of the answers without a review on validation images. Training chooses a model's own threshold of the
    probability by it."""


@dataclass(frozen=True)
class Augmentation:
    """Random changes of training images that keep their class, or for the flip change it predictably."""

    flip: bool
    """Left-right mirroring with probability 1/2; the class becomes its `flips_to`."""
    rotate_degrees: float
    scale: float
    """Relative: 0.15 draws factors from 0.85 to 1.15."""
    shift: float
    """Fraction of the side length."""
    gamma: float
    """Exponents are drawn from exp(-gamma) to exp(gamma)."""
    contrast: float
    """Factors are drawn from exp(-contrast) to exp(contrast)."""
    fog: float
    """Largest black level of washed-out images, as a fraction of the range; applied to half of the images."""
    noise: float
    """Largest standard deviation of additive noise, as a fraction of the full range."""
    quarter_turns: bool
    """Rotations by 90, 180 and 270 degrees, for tissue without orientation."""
    colour: float
    """Largest relative change of each colour channel; 0 for grey images."""
    blur: float = 0.0
    """Largest standard deviation of a blur of half of the images, as a fraction of the longer side."""
    resolution: float = 1.0
    """Largest factor by which the resolution is reduced; applied to half of the images."""
    inversion: float = 0.0
    """Share of the images whose brightness is inverted."""
    markers: float = 0.0
    """Share of the images that get a bright or dark block near an edge, as burnt-in markers are."""
    stain: float = 0.0
    """Largest relative change of the concentration of each stain of an H&E image."""


@dataclass(frozen=True)
class EndpointSpec:
    """A SageMaker endpoint that classifies for a task instead of a bundled model."""

    name: str
    protocol: EndpointProtocol
    """"negatoscope": the endpoint serves a model package of this application. "image-classification": it
    takes an image as `application/x-image` and answers a JSON list of probabilities in the order of the
    task's classes, like SageMaker's built-in Image Classification algorithm."""


@dataclass(frozen=True)
class Serving:
    """How retrained models of a task are served; see CreateEndpointConfig."""

    kind: ServingKind = "embedded"
    """"embedded": in the Lambda, without an endpoint. "serverless": on an endpoint that costs nothing while
    idle. "provisioned": on instances that run all the time."""
    memory_mb: int = 3072
    """Memory of a serverless endpoint."""
    max_concurrency: int = 5
    """Concurrent requests of a serverless endpoint."""
    instance_type: str = "ml.c7i.large"
    instances: int = 1
    """Number of provisioned instances; two or more are in different zones."""


MAX_INSTANCES = 16
"""Instances of a job: more than the gradients of such small networks are worth waiting for."""


@dataclass(frozen=True)
class TrainingSpec:
    """On what a task is retrained, unless a request says otherwise."""

    instance_count: int = 1
    """Instances that train one network together."""
    preparation_instance_count: int = 1
    """Instances that read the images of the data set together."""
    stream: bool = False
    """Read each image whenever it is needed, and keep none on the disk."""


@dataclass(frozen=True)
class Task:
    """A classification task, as described by its TOML file."""

    name: str
    title: str
    modality: str
    """DICOM modality code (PS3.3 C.7.3.1.1.1), such as MG or OPT."""
    intended_use: str
    limits: tuple[str, ...]
    classes: tuple[ClassSpec, ...]
    input: InputSpec
    review: ReviewRule
    gate: Mapping[str, float]
    """The lowest test metrics of a new model that may be deployed."""
    max_sensitivity_drop: float
    """The most by which the sensitivity of any class may fall below that of the deployed model."""
    augmentation: Augmentation
    negative: str | None = None
    """Name of the class that means "nothing found"; None if there is none."""
    covers: tuple[str, ...] = ()
    """Names of other tasks whose images belong to a class of this task, so they are in distribution."""
    endpoint: EndpointSpec | None = None
    """The endpoint that classifies, unless the stage names another; None for the bundled model."""
    serving: Serving = Serving()
    training: TrainingSpec = TrainingSpec()
    windows: tuple[DisplayWindow, ...] = ()
    """Display windows for the images of this task, beside those that every image has."""
    translations: Mapping[str, Wording] = field(default_factory=dict)
    """By language, as in BCP 47, such as "de"; the other texts of a task are in English."""

    @property
    def wording(self) -> Wording:
        """What people read about the task, in English."""
        return Wording(
            title=self.title,
            intended_use=self.intended_use,
            limits=self.limits,
            classes={spec.name: spec.title for spec in self.classes},
            windows={window.name: window.title for window in self.windows},
        )

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names in the order of the model's outputs."""
        return tuple(spec.name for spec in self.classes)

    def shortfall(self, metrics: Mapping[str, Any]) -> dict[str, float | None]:
        """The metrics in which a model misses the gate, with their values; empty if it passes.

        Args:
            metrics: the model's test metrics, as in model.json. Undefined and missing metrics miss the gate,
                and their value is None.
        """
        values: dict[str, float | None] = {name: metrics.get(name, {}).get("value") for name in self.gate}
        return {name: value for name, value in values.items() if value is None or value < self.gate[name]}

    @property
    def flip_permutation(self) -> tuple[int, ...]:
        """For each class index, the index of the class of its mirror image."""
        return tuple(self.class_names.index(spec.flips_to) for spec in self.classes)
