"""Classifies prepared images: chooses the task's model, runs it, and interprets its outputs."""

import json
from collections.abc import Callable, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.errors import ModelFailed, NotClassified, TaskHasNoModel
from chalicelib.models.backend import Backend, ModelOutputs
from chalicelib.models.classification import Box, Classification
from chalicelib.models.embedded import EmbeddedBackend
from chalicelib.models.heatmap import Heatmap, heatmap
from chalicelib.models.package import BUNDLED_MODELS, ModelPackage, bundled_package
from chalicelib.tasks import EndpointSpec, Task

# Embedded models need neither the registry nor the AWS library, and requests that run no model no numpy.
if TYPE_CHECKING:
    from chalicelib.imaging.decoded import Pixels
    from chalicelib.models.deployed_models import DeployedModels
    from chalicelib.models.deployment import Deployment
    from chalicelib.models.review_rules import ReviewRules


_REPLACED = (
    "The model that classified this image is no longer used, so its answer cannot be explained. Classify the "
    "image again."
)


class Classifier:
    """Classifies for every task.

    It uses the endpoint that the stage or the task's file names; without one, the deployment in the registry;
    without that, the bundled model.
    """

    def __init__(
        self,
        endpoints: Mapping[str, EndpointSpec],
        sagemaker_runtime: Callable[[], Any],
        models: Path = BUNDLED_MODELS,
        threads: int = 1,
        deployed: "DeployedModels | None" = None,
        rules: "ReviewRules | None" = None,
    ):
        """Models are loaded when they are first needed.

        Args:
            endpoints: by task name, the endpoints that the stage or the task files name.
            sagemaker_runtime: makes the boto3 client, when an endpoint is called.
            models: folder of the bundled packages.
            threads: for onnxruntime; more than the Lambda has CPUs would slow each other down.
            deployed: the deployments in the registry; None to work without a registry.
            rules: the review rules that administrators have chosen; None for those of the models.
        """
        self._endpoints = endpoints
        self._sagemaker_runtime = sagemaker_runtime
        self._models = models
        self._threads = threads
        self._deployed = deployed
        self._rules = rules
        self._packages: dict[str, ModelPackage | None] = {}
        self._backends: dict[str, Backend] = {}
        self._fetched: dict[str, tuple[str, Backend]] = {}
        """For each task the version fetched last: digest of its graph, and the backend that runs it."""

    def package(self, task: Task) -> ModelPackage | None:
        """The bundled package of `task`, if there is one.

        Raises:
            InvalidModelPackage: if it is damaged, or does not fit the task.
        """
        if task.name not in self._packages:
            package = bundled_package(task.name, self._models)
            if package:
                package.check_fits(task)
            self._packages[task.name] = package
        return self._packages[task.name]

    def deployment(self, task: Task) -> "Deployment | None":
        """The current deployment of `task`; None if the registry is not used or has none."""
        if self._deployed is None or task.name in self._endpoints:
            return None
        return self._deployed.current(task.name)

    def endpoint(self, task: Task) -> str | None:
        """The name of the endpoint that classifies for `task`, if there is one."""
        if named := self._endpoints.get(task.name):
            return named.name
        deployment = self.deployment(task)
        return deployment.endpoint if deployment else None

    def served(self, task: Task) -> "Deployment | None":
        """The current deployment of `task`, if an endpoint that a retraining has made serves it.

        The endpoint may have been taken down for a while: SageMaker keeps its model.
        """
        deployment = self.deployment(task)
        return deployment if deployment and deployment.endpoint and deployment.config else None

    def facts(self, task: Task) -> Mapping[str, Any] | None:
        """The model.json of the model that classifies for `task`.

        None if there is no model, and for endpoints that the stage or the task's file names: their model can
        change at any time, so only their answers identify it.
        """
        if task.name in self._endpoints:
            return None
        deployment = self.deployment(task)
        if self._deployed and deployment and not self._is_bundled(task, deployment):
            return self._deployed.facts(task.name, deployment.version)
        package = self.package(task)
        return package.facts if package else None

    def shortfall(self, task: Task) -> dict[str, float | None]:
        """The metrics in which the model of `task` misses its gate, with their values.

        Models of retrainings cannot miss it: they have passed the gate, as it was at that time.
        """
        deployment = self.deployment(task)
        if task.name in self._endpoints:
            return {}
        if self._deployed and deployment and not self._is_bundled(task, deployment):
            if not self._deployed.is_imported(task.name, deployment.version):
                return {}
            facts: Mapping[str, Any] | None = self._deployed.facts(task.name, deployment.version)
        else:
            package = self.package(task)
            facts = package.facts if package else None
        return task.shortfall(facts["metrics"]["test"]) if facts else {}

    def chosen_probability(self, task: Task, version: str) -> float | None:
        """The lowest probability without a review that an administrator has chosen for a version, if any."""
        rule = self._rules.current(task.name, version) if self._rules else None
        return rule["min_probability"] if rule else None

    def require_model(self, task: Task) -> None:
        """Raise unless `task` can be classified.

        Raises:
            TaskHasNoModel: if there is no model.
        """
        if not self.endpoint(task) and not self.deployment(task) and self.package(task) is None:
            raise TaskHasNoModel(
                f"There is no model for {task.title} yet. Train one (make train TASK={task.name}) or choose "
                "another task."
            )

    def is_current(self, task: Task, model: Mapping[str, Any] | None) -> bool:
        """Whether `model`, from an earlier result, is the model that would answer now.

        A deployed version is identified by the digest of its graph, wherever it is served. The model on an
        endpoint that the stage or the task's file names can change at any time, so its answers never count as
        current.
        """
        if not model or task.name in self._endpoints:
            return False
        current = self.deployment(task) or self.package(task)
        return current is not None and bool(model["sha256"] == current.sha256)

    def classify(self, task: Task, images: "Pixels", boxes: Sequence[Box]) -> list[Classification]:
        """Classify a batch.

        Args:
            task: the task of all images.
            images: uint8, shape (N, channels, height, width), as `imaging.prepare` made them.
            boxes: where each image's content lies within its frame.

        Raises:
            TaskHasNoModel: if the task has no model.
            EndpointNotReady, ModelFailed: see `Backend.run`.
        """
        return self._interpret(task, self._run(task, images), boxes)

    def read(self, task: Task, answer: bytes, box: Box) -> Classification:
        """What a transform job with a model package has answered for one image.

        Args:
            task: the task of the image.
            answer: the object that the job has written.
            box: where the image's content lies within its frame.

        Raises:
            ModelFailed: if it is no answer of a model for this task.
        """
        from chalicelib.models.endpoint_protocols import read_answer

        try:
            found = json.loads(answer)
        except ValueError:
            found = None
        outputs = read_answer(found, task, 1, "transform", "transform job")
        _check(task, outputs, 1)
        return self._interpret(task, outputs, [box])[0]

    def _interpret(self, task: Task, outputs: ModelOutputs, boxes: Sequence[Box]) -> list[Classification]:
        weak, chosen = bool(self.shortfall(task)), self.chosen_probability(task, outputs.model.version)
        return [
            Classification.of(task, outputs, index, box, weak=weak, chosen=chosen)
            for index, box in enumerate(boxes)
        ]

    def explain(self, task: Task, image: "Pixels", box: Box, label: str, model: Mapping[str, Any]) -> Heatmap:
        """The heat map of one class, which need not be the answer; see `heatmap`.

        Args:
            task: the task of the image.
            image: uint8, shape (channels, height, width), as `imaging.prepare` made it.
            box: where the image's content lies within its frame.
            label: the class.
            model: from the image's result; another model would explain another answer.

        Raises:
            NotClassified: if that model is no longer used, or has no activation maps.
            TaskHasNoModel, EndpointNotReady, ModelFailed: see `classify`.
        """
        if image.shape != task.input.shape:
            raise NotClassified(_REPLACED)  # it was prepared for a model with another input
        outputs = self._run(task, image[None])
        if outputs.activation is None:
            raise NotClassified("This model does not provide heat maps.")
        if (outputs.model.version, outputs.model.sha256) != (model["version"], model["sha256"]):
            raise NotClassified(_REPLACED)
        return heatmap(outputs.activation[0, task.class_names.index(label)], task.input, box)

    def _run(self, task: Task, images: "Pixels") -> ModelOutputs:
        outputs = self._backend(task).run(images)
        _check(task, outputs, len(images))
        return outputs

    def _backend(self, task: Task) -> Backend:
        if self._deployed is None or task.name in self._endpoints:
            return self._static_backend(task)
        return self._deployed.backend(
            task,
            lambda name: self._on_endpoint(task, EndpointSpec(name, "negatoscope")),
            lambda deployment: self._embedded(task, deployment),
        )

    def _static_backend(self, task: Task) -> Backend:
        """The backend of `task` without the registry; it never changes while this process lives."""
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
        # Imported here because embedded models do not need the AWS library.
        from chalicelib.models.endpoint import Endpoint
        from chalicelib.models.endpoint_protocols import BACKENDS

        return BACKENDS[endpoint.protocol](Endpoint(self._sagemaker_runtime(), endpoint.name), task)

    def _embedded(self, task: Task, deployment: "Deployment | None") -> Backend:
        """The backend that runs a deployment's package in this process."""
        if self._deployed is None or deployment is None or self._is_bundled(task, deployment):
            return self._static_backend(task)
        digest, backend = self._fetched.get(task.name, (None, None))
        if backend is None or digest != deployment.sha256:
            from tempfile import TemporaryDirectory  # bundled models need none

            with TemporaryDirectory() as folder:
                package = self._deployed.fetch(task, deployment, Path(folder) / task.name)
                backend = EmbeddedBackend(package, self._threads)
            self._fetched[task.name] = (deployment.sha256, backend)
        return backend

    def _is_bundled(self, task: Task, deployment: "Deployment") -> bool:
        package = self.package(task)
        return package is not None and package.sha256 == deployment.sha256


def _check(task: Task, outputs: ModelOutputs, images: int) -> None:
    if outputs.probabilities.shape != (images, len(task.classes)):
        raise ModelFailed(f"The model answered for other classes than those of {task.name}.")
    if not (abs(outputs.probabilities) < inf).all():
        raise ModelFailed("The model's probabilities are not all finite numbers.")
    if outputs.distance is not None and not (abs(outputs.distance) < inf).all():
        raise ModelFailed("The model's distances are not all finite numbers.")
