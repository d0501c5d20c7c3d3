"""Classifies prepared images: picks the task's model, runs it, and reads its outputs for people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from chalicelib.errors import ModelFailed, NotClassified, TaskHasNoModel
from chalicelib.imaging.decoded import Pixels
from chalicelib.models.backend import Backend, ModelIdentity, ModelOutputs
from chalicelib.models.embedded import EmbeddedBackend
from chalicelib.models.heatmap import heatmap
from chalicelib.models.package import BUNDLED_MODELS, ModelPackage, bundled_package
from chalicelib.models.review_rule import Reason, reasons_for_review
from chalicelib.tasks import EndpointSpec, Task

if TYPE_CHECKING:  # whoever uses embedded models needs neither registry nor AWS library
    from chalicelib.models.deployed import DeployedModels
    from chalicelib.models.deployment import Deployment

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Classification:
    """The answer for one image."""

    label: str
    probability: float
    probabilities: dict[str, float]
    reasons: tuple[Reason, ...]
    """Why a person should look as well; empty if nobody needs to."""
    heatmap: dict[str, Any] | None
    """None where the model does not say where it looked."""
    distance: float | None
    """How far the image lies from anything seen in training; None where the model does not tell."""
    model: ModelIdentity


class Classifier:
    """Classifies for every task.

    With the endpoint that the stage or the task's file names; else with what the registry says is deployed;
    else with the bundled model.
    """

    def __init__(
        self,
        endpoints: Mapping[str, EndpointSpec],
        sagemaker_runtime: Callable[[], Any],
        models: Path = BUNDLED_MODELS,
        threads: int = 1,
        deployed: "DeployedModels | None" = None,
    ):
        """Prepare to classify; nothing is loaded before it is needed.

        Args:
            endpoints: by task name, for the tasks whose endpoint the stage or their file names.
            sagemaker_runtime: makes the boto3 client, if it comes to that.
            models: folder of the bundled packages.
            threads: for onnxruntime; more than the CPUs of the Lambda only get in each other's way.
            deployed: what the registry says; None to go without a registry.
        """
        self._endpoints = endpoints
        self._sagemaker_runtime = sagemaker_runtime
        self._models = models
        self._threads = threads
        self._deployed = deployed
        self._packages: dict[str, ModelPackage | None] = {}
        self._backends: dict[str, Backend] = {}
        self._fetched: dict[str, tuple[str, Backend]] = {}
        """For each task the last version that had to be fetched: digest of its graph, and what runs it."""

    def package(self, task: Task) -> ModelPackage | None:
        """The bundled package of `task`, if there is one.

        Raises:
            InvalidModelPackage: if it is broken or was trained for other classes.
        """
        if task.name not in self._packages:
            package = bundled_package(task.name, self._models)
            if package:
                package.check_classes(task)
            self._packages[task.name] = package
        return self._packages[task.name]

    def deployment(self, task: Task) -> "Deployment | None":
        """What the registry says classifies for `task`; None where it has nothing to say."""
        if self._deployed is None or task.name in self._endpoints:
            return None
        return self._deployed.current(task.name)

    def endpoint(self, task: Task) -> str | None:
        """The name of the endpoint that is to classify for `task`, if there is one."""
        if named := self._endpoints.get(task.name):
            return named.name
        deployment = self.deployment(task)
        return deployment.endpoint if deployment else None

    def facts(self, task: Task) -> Mapping[str, Any] | None:
        """The model.json of what classifies for `task`.

        None where there is no model, and for endpoints that the stage or the task's file names: what they
        serve can change at any time, so only their answers say which model gave them.
        """
        if task.name in self._endpoints:
            return None
        deployment = self.deployment(task)
        if self._deployed and deployment and not self._is_bundled(task, deployment):
            return self._deployed.facts(task.name, deployment.version)
        package = self.package(task)
        return package.facts if package else None

    def shortfall(self, task: Task) -> dict[str, float | None]:
        """The metrics of what classifies for `task` that are lower than its gate asks for, with their values.

        Only the bundled model can have any: all others have passed the gate, as it was then.
        """
        deployment = self.deployment(task)
        if task.name in self._endpoints or (deployment and not self._is_bundled(task, deployment)):
            return {}
        package = self.package(task)
        return task.shortfall(package.facts["metrics"]["test"]) if package else {}

    def require_model(self, task: Task) -> None:
        """Raise unless `task` can be classified.

        Raises:
            TaskHasNoModel: saying what to do.
        """
        if not self.endpoint(task) and not self.deployment(task) and self.package(task) is None:
            raise TaskHasNoModel(
                f"There is no model for {task.title} yet. Train one (make train TASK={task.name}) or choose "
                "another task."
            )

    def is_current(self, task: Task, model: Mapping[str, Any] | None) -> bool:
        """Whether `model`, out of an earlier result, is the one that would answer today.

        Of a deployed version the digest of its graph tells, wherever it is served, because no other version
        answers in its place. What an endpoint serves that the stage or the task's file names can change at
        any time, so its answers never count as current.
        """
        if not model or task.name in self._endpoints:
            return False
        current = self.deployment(task) or self.package(task)
        return current is not None and bool(model["sha256"] == current.sha256)

    def classify(self, task: Task, images: Pixels, boxes: Sequence[Box]) -> list[Classification]:
        """Classify a batch.

        Args:
            task: what to look for.
            images: uint8, shape (N, channels, height, width), as `imaging.prepare` made them.
            boxes: where each image's content lies within its frame.

        Raises:
            TaskHasNoModel: if there is nothing to classify with.
            EndpointNotReady, ModelFailed: see `Backend.run`.
        """
        outputs = self._run(task, images)
        weak = bool(self.shortfall(task))
        return [_read(task, outputs, index, box, weak) for index, box in enumerate(boxes)]

    def explain(
        self, task: Task, image: Pixels, box: Box, label: str, model: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Where the evidence for one class lies, whether it is the answer or not; see `heatmap`.

        Args:
            task: what was looked for.
            image: uint8, shape (channels, height, width), as `imaging.prepare` made it.
            box: where the image's content lies within its frame.
            label: the class.
            model: out of the image's result; another model would explain another answer.

        Raises:
            NotClassified: if that model is not at work any more, or does not say where it looks.
            TaskHasNoModel, EndpointNotReady, ModelFailed: see `classify`.
        """
        outputs = self._run(task, image[np.newaxis])
        if outputs.activation is None:
            raise NotClassified("This model does not say where it looks.")
        if (outputs.model.version, outputs.model.sha256) != (model["version"], model["sha256"]):
            raise NotClassified(
                "Another model is at work by now, so the answer of this one cannot be explained any more. "
                "Classify the image again."
            )
        return heatmap(outputs.activation[0, task.class_names.index(label)], task.input, box)

    def _run(self, task: Task, images: Pixels) -> ModelOutputs:
        outputs = self._backend(task).run(images)
        if outputs.probabilities.shape != (len(images), len(task.classes)):
            raise ModelFailed(f"The model answered for other classes than {task.name} has.")
        if not np.isfinite(outputs.probabilities).all():
            raise ModelFailed("The model answered with numbers that are no probabilities.")
        if outputs.distance is not None and not np.isfinite(outputs.distance).all():
            raise ModelFailed("The model answered with distances that are no numbers.")
        return outputs

    def _backend(self, task: Task) -> Backend:
        if self._deployed is None or task.name in self._endpoints:
            return self._settled_backend(task)
        return self._deployed.backend(
            task,
            lambda name: self._on_endpoint(task, EndpointSpec(name, "negatoscope")),
            lambda deployment: self._embedded(task, deployment),
        )

    def _settled_backend(self, task: Task) -> Backend:
        """Runs what serves `task` without the registry, which never changes while this process lives."""
        if task.name not in self._backends:
            self._backends[task.name] = self._make_backend(task)
        return self._backends[task.name]

    def _make_backend(self, task: Task) -> Backend:
        if named := self._endpoints.get(task.name):
            return self._on_endpoint(task, named)
        self.require_model(task)
        package = self.package(task)
        assert package is not None
        return EmbeddedBackend(package, self._threads)

    def _on_endpoint(self, task: Task, endpoint: EndpointSpec) -> Backend:
        # Only here does classification meet AWS; whoever uses embedded models needs no AWS library.
        from chalicelib.models.endpoint import Endpoint
        from chalicelib.models.endpoint_protocols import BACKENDS

        return BACKENDS[endpoint.contract](Endpoint(self._sagemaker_runtime(), endpoint.name), task)

    def _embedded(self, task: Task, deployment: "Deployment | None") -> Backend:
        """Runs a deployment's package in this process."""
        if self._deployed is None or deployment is None or self._is_bundled(task, deployment):
            return self._settled_backend(task)
        digest, backend = self._fetched.get(task.name, (None, None))
        if backend is None or digest != deployment.sha256:
            with TemporaryDirectory() as folder:
                package = self._deployed.fetch(task, deployment, Path(folder) / task.name)
                backend = EmbeddedBackend(package, self._threads)
            self._fetched[task.name] = (deployment.sha256, backend)
        return backend

    def _is_bundled(self, task: Task, deployment: "Deployment") -> bool:
        package = self.package(task)
        return package is not None and package.sha256 == deployment.sha256


def _read(task: Task, outputs: ModelOutputs, index: int, box: Box, weak: bool) -> Classification:
    probabilities = outputs.probabilities[index]
    best = int(probabilities.argmax())
    activation = outputs.activation
    return Classification(
        label=task.class_names[best],
        probability=round(float(probabilities[best]), 6),
        probabilities={
            name: round(float(p), 6) for name, p in zip(task.class_names, probabilities, strict=True)
        },
        reasons=tuple(reasons_for_review(task, probabilities, outputs.is_out_of_distribution(index), weak)),
        heatmap=None if activation is None else heatmap(activation[index, best], task.input, box),
        distance=None if outputs.distance is None else round(float(outputs.distance[index]), 6),
        model=outputs.model,
    )
