"""The network of a task."""

from chalicelib.hyperparameters import RESNET, Hyperparameters
from chalicelib.tasks import Task
from training.model.classifier import Classifier
from training.model.efficientnet_lite import EfficientNetLite
from training.model.residual_network import Architecture, ResidualNetwork


def build_network(task: Task, parameters: Hyperparameters) -> Classifier:
    """A network for `task` with random weights."""
    if parameters.architecture != RESNET:
        return EfficientNetLite(
            parameters.architecture, len(task.classes), parameters.dropout, parameters.padding
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
        )
    )
