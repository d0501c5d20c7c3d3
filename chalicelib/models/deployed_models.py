"""Runs the current version of a task's model, according to the registry."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from chalicelib.errors import (
    EndpointMissing,
    EndpointNotReady,
    InvalidModelPackage,
    ModelFailed,
    UnknownModel,
)
from chalicelib.imaging.decoded import Pixels
from chalicelib.models.archive import RUN, unpack
from chalicelib.models.backend import Backend, ModelOutputs
from chalicelib.models.deployment import Deployment
from chalicelib.models.package import ModelPackage
from chalicelib.models.registry import Registry
from chalicelib.storage.errors import StorageFailed
from chalicelib.tasks import Task

FRESH_SECONDS = 60.0
"""How long an answer of the registry is used: a promotion takes effect everywhere within a minute, and a
busy Lambda reads one small object per minute."""


class DeployedModels:
    """The current deployments, cached for a minute, and the packages of versions."""

    def __init__(self, registry: Registry, clock: Callable[[], float] = time.time):
        """`clock` returns seconds. A monotonic clock may stop while a Lambda is frozen."""
        self._registry = registry
        self._clock = clock
        self._read: dict[str, tuple[float, Deployment | None]] = {}
        self._facts: dict[tuple[str, str], Mapping[str, Any]] = {}

    def current(self, task: str) -> Deployment | None:
        """The current deployment of `task`, at most a minute old; None if nothing has been deployed.

        Raises:
            StorageFailed: if the registry cannot be read, and has never been read.
        """
        if task in self._read:
            read_at, deployment = self._read[task]
            if 0 <= self._clock() - read_at < FRESH_SECONDS:
                return deployment
        return self.refresh(task)

    def refresh(self, task: str) -> Deployment | None:
        """The current deployment of `task`, or the last one known if the registry cannot be read.

        Raises:
            StorageFailed: if the registry has never been read.
        """
        now = self._clock()
        try:
            deployment = self._registry.current(task)
        except StorageFailed:
            if task not in self._read:
                raise
            deployment = self._read[task][1]
        self._read[task] = (now, deployment)
        return deployment

    def facts(self, task: str, version: str) -> Mapping[str, Any]:
        """The model.json of a version.

        Raises:
            UnknownModel: if there is no such version.
        """
        if (task, version) not in self._facts:
            self._facts[task, version] = self._registry.facts(task, version)
        return self._facts[task, version]

    def fetch(self, task: Task, deployment: Deployment, folder: Path) -> ModelPackage:
        """Fetch the files that running a version needs into `folder`, which is created.

        Raises:
            InvalidModelPackage: if it is missing, damaged, not the deployed one, or for other classes.
        """
        try:
            archive = self._registry.archive(task.name, deployment.version)
        except UnknownModel as error:
            raise InvalidModelPackage(f"{error} Deploy another one.") from error
        folder.mkdir()
        for name, content in unpack(archive, RUN.__contains__).items():
            (folder / name).write_bytes(content)
        package = ModelPackage.load(folder)
        package.check_classes(task)
        if package.sha256 != deployment.sha256:
            raise InvalidModelPackage(f"{deployment.version} does not hold the model that was deployed.")
        return package

    def backend(
        self,
        task: Task,
        on_endpoint: Callable[[str], Backend],
        embedded: Callable[[Deployment | None], Backend],
    ) -> Backend:
        """A backend that runs the current deployment of `task`, which it looks up at each call.

        Args:
            task: the task.
            on_endpoint: makes the backend for an endpoint's name.
            embedded: makes the backend that runs a deployment's package in this process; for None, the one
                without a registry.
        """
        return _DeployedBackend(self, task, on_endpoint, embedded)


class _DeployedBackend:
    def __init__(
        self,
        models: DeployedModels,
        task: Task,
        on_endpoint: Callable[[str], Backend],
        embedded: Callable[[Deployment | None], Backend],
    ):
        self._models = models
        self._task = task
        self._on_endpoint = on_endpoint
        self._embedded = embedded

    def run(self, images: Pixels) -> ModelOutputs:
        """See `Backend.run`.

        Only the current version answers. If its endpoint is missing, or serves another version because it is
        being updated, and the registry has no newer deployment, the version's package is run in this process.

        Raises:
            EndpointNotReady, ModelFailed: from the endpoint of the current deployment.
        """
        deployment = self._models.current(self._task.name)
        if deployment is None or deployment.endpoint is None:
            return self._embedded(deployment).run(images)
        asked = deployment.endpoint
        try:
            outputs = self._ask(asked, images)
        except (EndpointNotReady, ModelFailed):
            # The deployment may have left this endpoint. If not, the caller can try again.
            deployment = self._models.refresh(self._task.name)
            if deployment and deployment.endpoint == asked:
                raise
            outputs = None
        if not _is_of(outputs, deployment):
            deployment = self._models.refresh(self._task.name)
            if deployment and deployment.endpoint not in (None, asked):
                outputs = self._ask(deployment.endpoint, images)
        if outputs and _is_of(outputs, deployment):
            return outputs
        return self._embedded(deployment).run(images)

    def _ask(self, endpoint: str, images: Pixels) -> ModelOutputs | None:
        """The answer of an endpoint; None if the endpoint does not exist."""
        try:
            return self._on_endpoint(endpoint).run(images)
        except EndpointMissing:
            return None


def _is_of(outputs: ModelOutputs | None, deployment: Deployment | None) -> bool:
    return bool(outputs and deployment and outputs.model.sha256 == deployment.sha256)
