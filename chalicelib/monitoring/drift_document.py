"""Shapes of a task's drift document."""

from typing import Annotated, Literal, NotRequired, TypedDict

from chalicelib.json_schema import Schema

AspectName = Literal["labels", "confidence", "distance"]
MODERATE_PSI, LARGE_PSI = 0.1, 0.25
"""Population stability indices above which a shift is moderate or large, by the usual rule of thumb (Siddiqi,
Credit Risk Scorecards, Wiley 2006)."""
SIGNIFICANCE = 0.001
"""p-value below which a PSI is significant; low, because every task is tested every day."""

Share = Annotated[float, Schema(minimum=0, maximum=1)]


class DriftBin(TypedDict):
    """A class, or an interval between deciles of the validation images."""

    name: str
    expected: Share
    """Share of the validation images."""
    observed: Share
    """Share of the latest answers."""


class DriftAspect(TypedDict):
    """One property of the answers, compared with the validation images."""

    aspect: AspectName
    bins: list[DriftBin]
    answers: Annotated[int, Schema(minimum=1)]
    """How many were compared."""
    psi: Annotated[
        float,
        Schema(
            minimum=0,
            description="Population stability index: 0 without any difference, "
            f"above {LARGE_PSI} for a large one.",
        ),
    ]
    p_value: Share
    """Probability of a PSI this large, or larger, without drift."""
    drifted: Annotated[
        bool, Schema(description=f"Whether PSI is above {LARGE_PSI} and p_value below {SIGNIFICANCE}.")
    ]
    verdict: str
    """The same in words."""


class DriftReport(TypedDict):
    """The latest answers of a model, compared with its validation images."""

    drifted: bool
    """Whether any aspect has drifted."""
    answers: Annotated[int, Schema(minimum=1)]
    """How many of the latest answers were compared."""
    since: str
    """When the image of the oldest of them was received."""
    until: str
    """When the image of the newest of them was received."""
    validation_images: Annotated[int, Schema(minimum=1)]
    aspects: list[DriftAspect]


class DriftModel(TypedDict):
    """The model whose validation images are the reference; only its answers count."""

    version: str
    sha256: str
    """Of the package's graph."""


class DriftRetraining(TypedDict):
    """The latest retraining that drift has started; there is at most one for each model."""

    name: str
    """For GET /retrainings/{name}."""
    model: DriftModel
    reason: str
    started_at: str


class MissingReport(TypedDict):
    """Why there is no report, for programs."""

    code: Literal["not-checked", "no-package", "no-profile", "few-answers"]
    answers: int | None
    """How many images the model has classified, if they are too few."""
    needed: int | None


class DriftDocument(TypedDict):
    """The result of the latest daily check for drift."""

    task: str
    model: DriftModel | None
    report: DriftReport | None
    reason: str | None
    """Why there is no report; null if there is one."""
    missing: NotRequired[MissingReport | None]
    """The same for programs; absent in documents of earlier versions."""
    retraining: DriftRetraining | None
    checked_at: str | None
