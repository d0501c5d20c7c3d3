"""The classification tasks. Each has one TOML file, the only place with its classes and rules."""

from chalicelib.tasks.reader import TaskFileError, load_task, load_tasks, read_task
from chalicelib.tasks.task import (
    ENDPOINT_NAME,
    ENGLISH,
    MAX_INSTANCES,
    Augmentation,
    ClassSpec,
    DisplayWindow,
    EndpointProtocol,
    EndpointSpec,
    InputSpec,
    ReviewRule,
    Serving,
    ServingKind,
    Task,
    TrainingSpec,
    Wording,
)

__all__ = [
    "ENDPOINT_NAME",
    "ENGLISH",
    "MAX_INSTANCES",
    "Augmentation",
    "ClassSpec",
    "DisplayWindow",
    "EndpointProtocol",
    "EndpointSpec",
    "InputSpec",
    "ReviewRule",
    "Serving",
    "ServingKind",
    "Task",
    "TaskFileError",
    "TrainingSpec",
    "Wording",
    "load_task",
    "load_tasks",
    "read_task",
]
