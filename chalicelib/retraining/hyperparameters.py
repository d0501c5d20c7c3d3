"""Every number that shapes a training run: typed, with its default, its range and one line of help."""

from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields, replace
from typing import Any, Literal, NamedTuple, cast

from chalicelib.errors import InvalidHyperparameters

CELL = 8
"""Pixels to a side of one value of the activation maps."""


class TuningRange(NamedTuple):
    """Where a search for a better value looks: both ends included, evenly on the scale."""

    low: float
    high: float
    scale: Literal["linear", "log"]


def _number(default: float, text: str, low: float, high: float, tune: TuningRange | None = None) -> Any:
    return field(default=default, metadata={"help": text, "low": low, "high": high, "tune": tune})


def _choice(text: str, *choices: str | int) -> Any:
    return field(default=choices[0], metadata={"help": text, "choices": choices})


@dataclass(frozen=True)
class Hyperparameters:
    """The hyper-parameters of one run; SageMaker's HyperParameters have the same names.

    What has a `TuningRange` is what a search varies. The weight of classes has none: the search judges by
    the loss over all images, which always wants rare classes to count for little.
    """

    seed: int = _number(0, "seed of weights, order and augmentation", 0, 2**31)
    repeats: int = _number(1, "trainings with seed, seed + 1, ...; the best on validation is kept", 1, 20)
    split_seed: int = _number(0, "seed of the split into train, validation and test", 0, 2**31)
    epochs: int = _number(30, "passes over the training images", 1, 1000)
    patience: int = _number(15, "stop after this many epochs without a gain on validation", 1, 1000)
    batch_size: int = _number(
        64, "images per optimiser step, over all processes", 2, 4096, TuningRange(16, 128, "log")
    )
    learning_rate: float = _number(
        2e-3, "peak of the one-cycle schedule", 1e-6, 1.0, TuningRange(3e-4, 1e-2, "log")
    )
    warm_up: float = _number(0.2, "share of all steps in which the learning rate still rises", 0.01, 0.9)
    weight_decay: float = _number(
        0.05,
        "AdamW weight decay of the convolution and linear weights",
        0.0,
        1.0,
        TuningRange(5e-3, 0.3, "log"),
    )
    gradient_norm: float = _number(5.0, "longer gradients are scaled down to this norm", 0.01, 1000.0)
    label_smoothing: float = _number(
        0.1, "share of each target spread evenly over all classes", 0.0, 0.5, TuningRange(0.0, 0.2, "linear")
    )
    class_weight_power: float = _number(
        0.5, "classes weigh (1 / frequency) to this power: 0 all images alike, 1 all classes alike", 0.0, 1.0
    )
    balance: float = _number(
        0.0, "how far answers favour rare classes: 0 by how frequent they are, 1 all classes alike", 0.0, 1.0
    )
    ema_decay: float = _number(0.99, "decay per step of the averaged weights: the model", 0.0, 0.9999)
    width: int = _number(32, "channels of the first stage; the network doubles them three times", 4, 128)
    stem_stride: int = _choice("reduction before the first stage: 4, or 2 for small images", 4, 2)
    margin: int = _number(0, "pixels of black around every image, a multiple of 8", 0, 64)
    normalisation: str = _choice(
        "of images: by each one's own mean and deviation, or by fixed numbers where colour matters",
        "image",
        "fixed",
    )
    dropout: float = _number(
        0.2, "share of pooled features dropped in training", 0.0, 0.9, TuningRange(0.0, 0.5, "linear")
    )
    mixup: float = _number(
        0.0, "chance that a batch's images are blended in pairs", 0.0, 1.0, TuningRange(0.0, 0.5, "linear")
    )
    cutmix: float = _number(
        0.0,
        "chance that a part of each image of a batch is another's",
        0.0,
        1.0,
        TuningRange(0.0, 0.5, "linear"),
    )
    erase: float = _number(
        0.25,
        "chance that a random rectangle of a training image is blanked",
        0.0,
        1.0,
        TuningRange(0.0, 0.6, "linear"),
    )
    members: int = _number(
        1, "networks in the package: the best of the repeats, their answers averaged", 1, 20
    )
    validation: str = _choice(
        "what validates: one part for all repeats, or for each another share of all images that do not test; "
        "then all repeats must be members, and weights to start from must not have learnt from these images",
        "fixed",
        "rotating",
    )
    views: str = _choice(
        "what the package looks at: the image, or all mirror images and turns that augmentation trains",
        "one",
        "all",
    )
    distance_quantile: float = _number(
        0.99, "share of validation images that must count as familiar; sets the distance threshold", 0.5, 1.0
    )
    bootstrap: int = _number(1000, "resamples behind each confidence interval", 10, 100_000)
    precision: str = _choice(
        "arithmetic of training; auto takes bfloat16 where the hardware has it", "auto", "float32", "bfloat16"
    )
    weights: str = _choice("how the package stores weights", "float16", "float32")

    def __post_init__(self) -> None:
        for spec in fields(self):
            _check(spec, getattr(self, spec.name))
        if self.margin % CELL:
            raise InvalidHyperparameters(
                f"margin must be a multiple of {CELL}, the side of a cell of the map, not {self.margin}."
            )
        if self.mixup + self.cutmix > 1:
            raise InvalidHyperparameters(
                "mixup and cutmix are chances of one draw; together they must not exceed 1."
            )
        if self.validation == "rotating" and not 1 < self.members == self.repeats:
            raise InvalidHyperparameters(
                "Where validation is rotating, each network leaves out other images, so they cannot be "
                "compared: members must equal repeats, and be at least 2."
            )
        if self.members > self.repeats:
            raise InvalidHyperparameters(
                f"members is {self.members}, but only {self.repeats} repeats are trained."
            )

    def to_dict(self) -> dict[str, int | float | str]:
        """Name and value of each, as JSON types."""
        return asdict(self)

    def updated(self, values: Mapping[str, Any]) -> "Hyperparameters":
        """A copy in which `values` replace what stood here.

        Raises:
            InvalidHyperparameters: if a name is unknown or a value is of the wrong type or out of its range.
        """
        check_values(values)
        return replace(self, **values)


def json_schema() -> dict[str, Any]:
    """JSON Schema of an object that holds some hyper-parameters."""
    kinds: dict[Any, str] = {int: "integer", float: "number", str: "string"}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            spec.name: {"type": kinds[spec.type], "description": spec.metadata["help"]} | _bounds(spec)
            for spec in fields(Hyperparameters)
        },
    }


def _bounds(spec: Field[Any]) -> dict[str, Any]:
    if choices := spec.metadata.get("choices"):
        return {"enum": list(choices)}
    return {"minimum": spec.metadata["low"], "maximum": spec.metadata["high"]}


def searched() -> dict[str, Field[Any]]:
    """The hyper-parameters that a search varies, by name."""
    return {spec.name: spec for spec in fields(Hyperparameters) if spec.metadata.get("tune")}


def check_values(values: Mapping[str, Any]) -> None:
    """Check some hyper-parameters, each by itself: what they are together with others is not looked at.

    Raises:
        InvalidHyperparameters: if a name is unknown or a value is of the wrong type or out of its range.
    """
    specs = {spec.name: spec for spec in fields(Hyperparameters)}
    for name, value in values.items():
        if name not in specs:
            raise InvalidHyperparameters(f"There is no hyper-parameter '{name}'. Known: {', '.join(specs)}.")
        _check(specs[name], value)


def _check(spec: Field[Any], value: Any) -> None:
    # An int is a fine float, as in `dropout = 0`.
    kind = cast("type[int | float | str]", spec.type)
    if isinstance(value, bool) or not isinstance(value, (int, float) if kind is float else kind):
        raise InvalidHyperparameters(f"{spec.name} must be of type {kind.__name__}, not {value!r}.")
    choices = spec.metadata.get("choices")
    if choices:
        if value not in choices:
            known = ", ".join(map(str, choices))
            raise InvalidHyperparameters(f"{spec.name} must be one of {known}, not '{value}'.")
    elif not spec.metadata["low"] <= value <= spec.metadata["high"]:
        low, high = spec.metadata["low"], spec.metadata["high"]
        raise InvalidHyperparameters(f"{spec.name} must lie between {low:g} and {high:g}; it is {value:g}.")
