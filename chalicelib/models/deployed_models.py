"""Runs the current version of a task's model, according to the registry."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.errors import (
    EndpointMissing,
    EndpointNotReady,
    InvalidModelPackage,
    ModelFailed,
    UnknownModel,
)
from chalicelib.models.archive import RUN, unpack
from chalicelib.models.backend import Backend, ModelOutputs
from chalicelib.models.deployment import Deployment
from chalicelib.models.fresh import Fresh
from chalicelib.models.model_version import IMPORTED
from chalicelib.models.package import ModelPackage
from chalicelib.models.registry import Registry
from chalicelib.tasks import Task

if TYPE_CHECKING:
    from chalicelib.imaging.decoded import Pixels

COOLDOWN_SECONDS = 60.0
"""How long no requests are sent to an endpoint that was not ready. A serverless one may take that long to
start, and each request to it could take as long as its caller has."""


class DeployedModels:
    """The current deployments, cached for a minute, and the packages of versions."""

    def __init__(self, registry: Registry, clock: Callable[[], float] = time.time):
        """`clock` is that of `Fresh`."""
        self._registry = registry
        self._clock = clock
        self._current: dict[str, Fresh[Deployment | None]] = {}
        self._facts: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._imported: dict[tuple[str, str], bool] = {}
        self._unavailable_since: dict[str, float] = {}

    def current(self, task: str) -> Deployment | None:
        """The current deployment of `task`, at most a minute old; None if nothing has been deployed.

        Raises:
            StorageFailed: if the registry cannot be read, and has never been read.
        """
        return self._of(task).get()

    def refresh(self, task: str) -> Deployment | None:
        """The current deployment of `task`, or the last one known if the registry cannot be read.

        Raises:
            StorageFailed: if the registry has never been read.
        """
        return self._of(task).refresh()

    def _of(self, task: str) -> Fresh[Deployment | None]:
        if task not in self._current:
            self._current[task] = Fresh(partial(self._registry.current, task), self._clock)
        return self._current[task]

    def mark_unavailable(self, endpoint: str) -> None:
        """Note that an endpoint is not ready."""
        self._unavailable_since[endpoint] = self._clock()

    def is_unavailable(self, endpoint: str) -> bool:
        """Whether an endpoint was not ready less than `COOLDOWN_SECONDS` ago."""
        since = self._unavailable_since.get(endpoint, -COOLDOWN_SECONDS)
        return 0 <= self._clock() - since < COOLDOWN_SECONDS

    def facts(self, task: str, version: str) -> Mapping[str, Any]:
        """The model.json of a version.

        Raises:
            UnknownModel: if there is no such version.
        """
        if (task, version) not in self._facts:
            self._facts[task, version] = self._registry.facts(task, version)
        return self._facts[task, version]

    def is_imported(self, task: str, version: str) -> bool:
        """Whether a version came from another stage.

        Raises:
            UnknownModel: if there is no such version.
        """
        if (task, version) not in self._imported:
            self._imported[task, version] = self._registry.record(task, version).get("origin") == IMPORTED
        return self._imported[task, version]

    def fetch(self, task: Task, deployment: Deployment, folder: Path) -> ModelPackage:
        """Fetch the files that running a version needs into `folder`, which is created.

        Raises:
            InvalidModelPackage: if it is missing, damaged, not the deployed one, or does not fit the task.
        """
        try:
            archive = self._registry.archive(task.name, deployment.version)
        except UnknownModel as error:
            raise InvalidModelPackage(f"{error} Deploy another one.") from error
        folder.mkdir()
        for name, content in unpack(archive, RUN.__contains__).items():
            (folder / name).write_bytes(content)
        package = ModelPackage.load(folder)
        package.check_fits(task)
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

    def run(self, images: "Pixels") -> ModelOutputs:
        """See `Backend.run`.

        Only the current version answers. If its endpoint is missing, not ready or overloaded, or serves
        another version because it is being updated, and the registry has no newer deployment, the version's
        package is run in this process.

        Raises:
            ModelFailed: from the endpoint of the current deployment.
        """
        deployment = self._models.current(self._task.name)
        if deployment is None or deployment.endpoint is None:
            return self._embedded(deployment).run(images)
        asked = deployment.endpoint
        try:
            outputs = self._ask(asked, images)
        except ModelFailed:
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

    def _ask(self, endpoint: str, images: "Pixels") -> ModelOutputs | None:
        """The answer of an endpoint; None if the endpoint does not exist, or cannot answer now."""
        if self._models.is_unavailable(endpoint):
            return None
        try:
            return self._on_endpoint(endpoint).run(images)
        except EndpointMissing:
            return None
        except EndpointNotReady:
            self._models.mark_unavailable(endpoint)
            return None


def _is_of(outputs: ModelOutputs | None, deployment: Deployment | None) -> bool:
    return bool(outputs and deployment and outputs.model.sha256 == deployment.sha256)
