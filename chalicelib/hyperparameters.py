"""Hyper-parameters of a training run: typed, each with its default, its range and one line of help."""

from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields, replace
from typing import Any, Literal, NamedTuple, cast

from chalicelib.errors import InvalidHyperparameters

CELL = 8
"""Side in pixels of the square that one value of an activation map stands for."""
NO_ALIGNMENT, RETINA_ALIGNMENT = "none", "retina"
OUTPUTS, WEIGHTS = "outputs", "weights"
CROSS_VALIDATION = "cross"
KEPT = "kept"
RESNET = "resnet"
EFFICIENTNETS = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")
"""Architectures that start from ImageNet weights."""
RESNET_ONLY = frozenset({"width", "stem_stride", "normalization"})
"""Hyper-parameters without influence on other architectures."""

ALIASES: Mapping[str, str] = {
    "balance": "logit_adjustment",
    "erase": "random_erasing",
    "gradient_norm": "clip_grad_norm",
    "margin": "padding",
    "members": "ensemble_size",
    "normalisation": "normalization",
    "repeats": "num_seeds",
    "views": "tta",
    "warm_up": "warmup_fraction",
}
"""Names of release 0.1 and the names that replaced them. Requests, recipes and command lines accept both."""
CHOICE_ALIASES: Mapping[str, Mapping[str, str]] = {
    "tta": {"one": "none"},
    "validation": {"rotating": "cross"},
}
"""By hyper-parameter, choices of release 0.1 and those that replaced them."""

STREAMED: Mapping[str, int | float] = {"feature_views": 0, "head_epochs": 0, "outline_weight": 0.0}
"""What a training that streams its images switches off: what it would keep on the disk for each of them."""


class TuningRange(NamedTuple):
    """The range of a search, both ends included; `scale` is that on which it is uniform."""

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

    A search varies those that have a `TuningRange`. `class_weight_power` has none: the objective of a search
    is the loss over all images, which always favours a low weight of rare classes.
    """

    seed: int = _number(0, "seed of weights, order and augmentation", 0, 2**31)
    num_seeds: int = _number(
        1, "trainings with seed, seed + 1, ...; the package has the best on validation", 1, 20
    )
    split_seed: int = _number(0, "seed of the split into train, validation and test", 0, 2**31)
    epochs: int = _number(30, "passes over the training images", 1, 1000)
    patience: int = _number(15, "epochs without a lower validation loss after which training stops", 1, 1000)
    batch_size: int = _number(
        64, "images per optimiser step, over all processes", 2, 4096, TuningRange(16, 128, "log")
    )
    learning_rate: float = _number(
        2e-3, "peak of the one-cycle schedule", 1e-6, 1.0, TuningRange(3e-4, 1e-2, "log")
    )
    warmup_fraction: float = _number(
        0.2, "fraction of all steps in which the learning rate still rises", 0.01, 0.9
    )
    weight_decay: float = _number(
        0.05,
        "AdamW weight decay of the convolution and linear weights",
        0.0,
        1.0,
        TuningRange(5e-3, 0.3, "log"),
    )
    frozen_blocks: int = _number(
        0, "blocks of the network, counted from the image, that keep their starting weights", 0, 64
    )
    depthwise_filters: str = _choice(
        "filters of the depthwise convolutions of an EfficientNet-Lite: kept as they are, or trained, which "
        "takes about twice as long on a CPU",
        KEPT,
        "trained",
    )
    layer_decay: float = _number(
        1.0, "learning rate of each block as a share of that of the next one; 1: all alike", 0.1, 1.0
    )
    feature_views: int = _number(
        0,
        "augmented views of each training image for which the output of the frozen blocks is kept, one for "
        "each epoch until all have been used; 0: new views in every epoch",
        0,
        100,
    )
    head_epochs: int = _number(
        0, "epochs in which only the head is trained, before the blocks that are not frozen", 0, 1000
    )
    head_learning_rate: float = _number(1e-3, "learning rate of these epochs", 1e-6, 1.0)
    clip_grad_norm: float = _number(5.0, "norm to which longer gradients are clipped", 0.01, 1000.0)
    label_smoothing: float = _number(
        0.1,
        "share of each target that is spread evenly over all classes",
        0.0,
        0.5,
        TuningRange(0.0, 0.2, "linear"),
    )
    class_weight_power: float = _number(
        0.5,
        "class weights are (1 / frequency) to this power: 0 all images alike, 1 all classes alike",
        0.0,
        1.0,
    )
    logit_adjustment: float = _number(
        0.0,
        "how far logits are adjusted for class frequency: 0 keeps the data's frequencies, 1 equal classes",
        0.0,
        1.0,
    )
    ema_decay: float = _number(
        0.99, "decay per step of the averaged weights, which are the model", 0.0, 0.9999
    )
    architecture: str = _choice(
        "the network: a small residual network, or EfficientNet-Lite, which starts from ImageNet weights",
        RESNET,
        *EFFICIENTNETS,
    )
    width: int = _number(
        32, "channels of the first stage of a resnet; the network doubles them three times", 4, 128
    )
    stem_stride: int = _choice("reduction before the first stage of a resnet: 4, or 2 for small images", 4, 2)
    padding: int = _number(0, "pixels of black around every image, a multiple of 8", 0, 64)
    alignment: str = _choice(
        "of images: none, or that of OCT sections, in which the retina becomes straight, and what is far "
        "above and below it is cut off",
        NO_ALIGNMENT,
        RETINA_ALIGNMENT,
    )
    normalization: str = _choice(
        "of images in a resnet: by each image's mean and deviation, or by fixed numbers where colour matters",
        "image",
        "fixed",
    )
    dropout: float = _number(
        0.2,
        "share of the pooled features that are dropped in training",
        0.0,
        0.9,
        TuningRange(0.0, 0.5, "linear"),
    )
    mixup: float = _number(
        0.0,
        "probability that the images of a batch are blended in pairs",
        0.0,
        1.0,
        TuningRange(0.0, 0.5, "linear"),
    )
    cutmix: float = _number(
        0.0,
        "probability that a part of each image of a batch is replaced by a part of another",
        0.0,
        1.0,
        TuningRange(0.0, 0.5, "linear"),
    )
    outline_weight: float = _number(
        0.0,
        "weight of an extra loss that pulls activation maps into outlined findings; 0 switches it off",
        0.0,
        10.0,
    )
    random_erasing: float = _number(
        0.25,
        "probability that a random rectangle of a training image is blanked",
        0.0,
        1.0,
        TuningRange(0.0, 0.6, "linear"),
    )
    ensemble_size: int = _number(
        1, "networks that the package averages: the best of num_seeds on validation", 1, 20
    )
    ensemble_average: str = _choice(
        "what is averaged: the networks' outputs, or their weights, which makes one network and needs "
        "starting weights that all share; a network is added only if that lowers the validation loss",
        OUTPUTS,
        WEIGHTS,
    )
    validation: str = _choice(
        "one fixed validation part, or cross-validation: each network has a different fold of the images "
        "outside the test part; then ensemble_size must equal num_seeds, and starting weights must not come "
        "from these images",
        "fixed",
        CROSS_VALIDATION,
    )
    tta: str = _choice(
        "test-time augmentation: none, or those of the task's training augmentation: quarter turns, or all "
        "flips and turns",
        "none",
        "turns",
        "all",
    )
    distance_quantile: float = _number(
        0.99, "quantile of the distances on validation that is the out-of-distribution threshold", 0.5, 1.0
    )
    bootstrap: int = _number(1000, "bootstrap resamples of each confidence interval", 10, 100_000)
    precision: str = _choice(
        "precision of training; auto uses bfloat16 where the hardware supports it",
        "auto",
        "float32",
        "bfloat16",
    )
    weights: str = _choice(
        "precision of the weights in the package; int8: of convolutions, with a scale for each channel",
        "float16",
        "float32",
        "int8",
    )

    def __post_init__(self) -> None:
        for spec in fields(self):
            _check(spec, getattr(self, spec.name))
        if self.padding % CELL:
            raise InvalidHyperparameters(
                f"padding must be a multiple of {CELL}, a cell of the heat map, not {self.padding}."
            )
        if self.mixup + self.cutmix > 1:
            raise InvalidHyperparameters(
                "mixup and cutmix are probabilities of one draw; their sum must not exceed 1."
            )
        if self.outline_weight and self.mixup + self.cutmix >= 1:
            raise InvalidHyperparameters(
                "outline_weight has no effect on mixed images: lower mixup or cutmix, so that some batches "
                "are not mixed, or set outline_weight to 0."
            )
        if self.outline_weight and self.alignment != NO_ALIGNMENT:
            raise InvalidHyperparameters(
                "Outlines do not fit aligned images: set outline_weight to 0, or alignment to none."
            )
        if self.validation == CROSS_VALIDATION and not 1 < self.ensemble_size == self.num_seeds:
            raise InvalidHyperparameters(
                "In cross-validation each network is validated on different images, so their losses cannot "
                "be compared: ensemble_size must equal num_seeds, and be at least 2."
            )
        if self.validation == CROSS_VALIDATION and self.ensemble_average == WEIGHTS:
            raise InvalidHyperparameters(
                "After a cross-validation no image is left to validate an average of weights on: set "
                "ensemble_average to outputs, or validation to fixed."
            )
        if self.ensemble_size > self.num_seeds:
            raise InvalidHyperparameters(
                f"ensemble_size is {self.ensemble_size}, but only {self.num_seeds} networks are trained "
                "(num_seeds)."
            )

    def to_dict(self) -> dict[str, int | float | str]:
        """Name and value of each, as JSON types."""
        return asdict(self)

    def in_use(self) -> dict[str, int | float | str]:
        """Name and value of each that has an influence on the network, as JSON types."""
        unused = frozenset() if self.architecture == RESNET else RESNET_ONLY
        return {name: value for name, value in self.to_dict().items() if name not in unused}

    def updated(self, values: Mapping[str, Any]) -> "Hyperparameters":
        """A copy with `values` in place of the present ones.

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


def check_streamed(values: Mapping[str, Any]) -> None:
    """Check the hyper-parameters that are asked for in a training that streams its images.

    Raises:
        InvalidHyperparameters: if one of them is about what it would keep on the disk.
    """
    if kept := next((name for name in STREAMED if values.get(name)), None):
        raise InvalidHyperparameters(
            f"A training that streams its images keeps nothing of them on the disk: leave out {kept}, or the "
            "stream."
        )


def searched() -> dict[str, Field[Any]]:
    """The hyper-parameters that a search varies, by name."""
    return {spec.name: spec for spec in fields(Hyperparameters) if spec.metadata.get("tune")}


def current_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with the names and choices of release 0.1 replaced by today's.

    Raises:
        InvalidHyperparameters: if a hyper-parameter is given under both of its names.
    """
    current: dict[str, Any] = {}
    for given, value in values.items():
        name = ALIASES.get(given, given)
        if name in current:
            raise InvalidHyperparameters(f"{name} is given twice, once by its former name. Leave one out.")
        current[name] = CHOICE_ALIASES.get(name, {}).get(value, value) if isinstance(value, str) else value
    return current


def check_values(values: Mapping[str, Any]) -> None:
    """Check hyper-parameters one by one; how they combine is checked by `Hyperparameters`.

    Raises:
        InvalidHyperparameters: if a name is unknown or a value is of the wrong type or out of its range.
    """
    specs = {spec.name: spec for spec in fields(Hyperparameters)}
    for name, value in values.items():
        if name not in specs:
            raise InvalidHyperparameters(f"There is no hyper-parameter '{name}'. Known: {', '.join(specs)}.")
        _check(specs[name], value)


def _check(spec: Field[Any], value: Any) -> None:
    # An int is accepted as a float, as in `dropout = 0`.
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
        raise InvalidHyperparameters(f"{spec.name} must lie between {low:g} and {high:g}; it is {value}.")
