"""The classification tasks. Each has one TOML file, the only place with its classes and rules."""

from chalicelib.tasks.reader import TaskFileError, load_task, load_tasks, read_task
from chalicelib.tasks.task import (
    ENDPOINT_NAME,
    ENGLISH,
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
    Wording,
)

__all__ = [
    "ENDPOINT_NAME",
    "ENGLISH",
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
    "Wording",
    "load_task",
    "load_tasks",
    "read_task",
]
