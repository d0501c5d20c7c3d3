"""What a classification task is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Fit = Literal["pad", "stretch"]
EndpointProtocol = Literal["negatoscope", "image-classification"]
ServingKind = Literal["embedded", "serverless", "provisioned"]

ENDPOINT_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
"""What SageMaker takes for an endpoint's name (API reference, CreateEndpoint)."""


@dataclass(frozen=True)
class ClassSpec:
    """One class an image can belong to."""

    name: str
    """Identifier, in lower-case kebab-case; also the folder name of its training images."""
    title: str
    """The words a person reads."""
    flips_to: str
    """Name of the class a left-right mirror image belongs to (itself where mirroring changes nothing)."""


@dataclass(frozen=True)
class InputSpec:
    """The array a model takes: uint8, (channels, height, width)."""

    width: int
    height: int
    channels: int
    """1 for grey, 3 for RGB."""
    fit: Fit
    """"pad" keeps the aspect ratio and centres the image on black; "stretch" fills the frame."""


@dataclass(frozen=True)
class ReviewRule:
    """When a person should look at the image as well."""

    min_probability: float
    """Below this probability of the predicted class the answer counts as unsure."""
    min_margin: float
    """Below this distance between the first and the second probability the two classes count as close."""


@dataclass(frozen=True)
class Augmentation:
    """Random changes to training images that keep (or, for the flip, predictably change) their class."""

    flip: bool
    """Left-right mirroring with probability 1/2; the label becomes the class's `flips_to`."""
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
    """Brightest black of a washed-out film, as a fraction of the range; half of the images keep theirs."""
    noise: float
    """Largest standard deviation of additive noise, as a fraction of the full range."""
    quarter_turns: bool
    """Rotations by 90, 180 and 270 degrees (tissue has no upright)."""
    colour: float
    """Largest relative change per colour channel; 0 for grey images."""


@dataclass(frozen=True)
class EndpointSpec:
    """A SageMaker endpoint that classifies for a task, in place of a bundled model."""

    name: str
    protocol: EndpointProtocol
    """"negatoscope": it serves a model package of this application. "image-classification": it takes an image
    as `application/x-image` and answers a JSON list of probabilities in the order of the task's classes, as
    SageMaker's built-in Image Classification algorithm does."""


@dataclass(frozen=True)
class Serving:
    """How models of a task that are deployed by a retraining are served; see CreateEndpointConfig."""

    kind: ServingKind = "serverless"
    """"embedded": in the Lambda that is asked, without an endpoint. "serverless": on an endpoint that costs
    nothing while nobody asks. "provisioned": on instances that are always there."""
    memory_mb: int = 3072
    """Of a serverless endpoint."""
    max_concurrency: int = 5
    """Requests that a serverless endpoint answers at the same time."""
    instance_type: str = "ml.c7i.large"
    instances: int = 1
    """How many are provisioned; two or more stand in different zones."""


@dataclass(frozen=True)
class Task:
    """A classification task, as its TOML file describes it."""

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
    """Lowest value of each test metric with which a new model may be deployed."""
    max_sensitivity_drop: float
    """The most that any class's sensitivity may fall below the deployed model's."""
    augmentation: Augmentation
    negative: str | None = None
    """Name of the class that means "nothing found"; None where no class does."""
    covers: tuple[str, ...] = ()
    """Names of other tasks whose images are familiar, because a class of this task is for them."""
    endpoint: EndpointSpec | None = None
    """Where to classify, unless the stage names another endpoint; None for the bundled model."""

    serving: Serving = Serving()

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names in the order of the model's outputs."""
        return tuple(spec.name for spec in self.classes)

    def shortfall(self, metrics: Mapping[str, Any]) -> dict[str, float | None]:
        """The metrics of the gate that are lower than it asks for, with their values; empty if none is.

        Args:
            metrics: of a model on its test part, as model.json has them. An undefined value is no proof of
                quality; what was not measured (None too, then) is none either.
        """
        values: dict[str, float | None] = {name: metrics.get(name, {}).get("value") for name in self.gate}
        return {name: value for name, value in values.items() if value is None or value < self.gate[name]}

    @property
    def flip_permutation(self) -> tuple[int, ...]:
        """For each class index, the index of the class its mirror image belongs to."""
        return tuple(self.class_names.index(spec.flips_to) for spec in self.classes)
