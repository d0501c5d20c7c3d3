"""A model's answer for one image, in a form for people."""

from dataclasses import dataclass

from chalicelib.models.backend import ModelIdentity, ModelOutputs
from chalicelib.models.heatmap import Heatmap, heatmap
from chalicelib.models.review_rule import Reason, reasons_for_review, required_probability
from chalicelib.tasks import Task

Box = tuple[int, int, int, int]
"""Left, top, width and height of an image's content in the model's input frame, in pixels."""


@dataclass(frozen=True)
class Classification:
    """The answer for one image."""

    label: str
    probability: float
    probabilities: dict[str, float]
    reasons: tuple[Reason, ...]
    """Why a person should review the image; empty if no review is needed."""
    heatmap: Heatmap | None
    """See `heatmap`; None from a model without activation maps."""
    distance: float | None
    """Distance of the image from the training images; None from a model without distances."""
    model: ModelIdentity
    min_probability: float | None
    """The lowest probability that needed no review; None if every answer needed one."""

    @classmethod
    def of(
        cls,
        task: Task,
        outputs: ModelOutputs,
        index: int,
        box: Box,
        *,
        weak: bool = False,
        chosen: float | None = None,
    ) -> "Classification":
        """The answer for one image of a batch.

        Args:
            task: the task of the batch.
            outputs: the model's outputs for the whole batch.
            index: position of the image in the batch.
            box: where the image's content lies within its frame.
            weak: whether the model fails the task's gate, so that every image needs a review.
            chosen: see `required_probability`.
        """
        probabilities = outputs.probabilities[index]
        best = int(probabilities.argmax())
        activation, own = outputs.activation, outputs.thresholds.probability
        return cls(
            label=task.class_names[best],
            probability=round(float(probabilities[best]), 6),
            probabilities={
                name: round(float(p), 6) for name, p in zip(task.class_names, probabilities, strict=True)
            },
            reasons=tuple(
                reasons_for_review(
                    task,
                    probabilities,
                    out_of_distribution=outputs.is_out_of_distribution(index),
                    min_probability=own,
                    chosen=chosen,
                    weak=weak,
                )
            ),
            heatmap=None if activation is None else heatmap(activation[index, best], task.input, box),
            distance=None if outputs.distance is None else round(float(outputs.distance[index]), 6),
            model=outputs.model,
            min_probability=None if weak or own is None else required_probability(task, own, chosen),
        )
