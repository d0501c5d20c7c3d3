"""The classification tasks. Each has one TOML file, the only place with its classes and rules."""

from chalicelib.tasks.reader import TaskFileError, load_task, load_tasks, read_task
from chalicelib.tasks.task import (
    ENDPOINT_NAME,
    Augmentation,
    ClassSpec,
    EndpointProtocol,
    EndpointSpec,
    InputSpec,
    ReviewRule,
    Serving,
    ServingKind,
    Task,
)

__all__ = [
    "ENDPOINT_NAME",
    "Augmentation",
    "ClassSpec",
    "EndpointProtocol",
    "EndpointSpec",
    "InputSpec",
    "ReviewRule",
    "Serving",
    "ServingKind",
    "Task",
    "TaskFileError",
    "load_task",
    "load_tasks",
    "read_task",
]
