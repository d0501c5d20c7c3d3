"""The network of a task."""

from chalicelib.hyperparameters import NO_ALIGNMENT, RESNET, Hyperparameters
from chalicelib.tasks import Task
from training.errors import TrainingError
from training.model.classifier import Classifier
from training.model.efficientnet_lite import EfficientNetLite
from training.model.residual_network import Architecture, ResidualNetwork


def build_network(task: Task, parameters: Hyperparameters) -> Classifier:
    """A network for `task` with random weights.

    Raises:
        TrainingError: if images in colour were to be aligned.
    """
    aligned = parameters.alignment != NO_ALIGNMENT
    if aligned and task.input.channels != 1:
        raise TrainingError(
            f"alignment is for grey sections of the retina, but {task.name} has images in colour: set it to "
            f"{NO_ALIGNMENT}."
        )
    if parameters.architecture != RESNET:
        return EfficientNetLite(
            parameters.architecture,
            len(task.classes),
            parameters.dropout,
            parameters.padding,
            aligned=aligned,
        )
    return ResidualNetwork(
        Architecture(
            channels=task.input.channels,
            classes=len(task.classes),
            width=parameters.width,
            dropout=parameters.dropout,
            stem_stride=parameters.stem_stride,
            padding=parameters.padding,
            normalization=parameters.normalization,
            aligned=aligned,
        )
    )
