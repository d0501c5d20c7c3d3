"""Models and endpoint configurations: records that are validated when they are created."""

from collections.abc import Mapping
from typing import Any

from local.sagemaker.compute_host import ComputeHost
from local.sagemaker.errors import invalid, unsupported
from local.sagemaker.registry import Registry
from local.sagemaker.resource_collection import ResourceCollection
from local.sagemaker.resources import ENDPOINT_CONFIG, MODEL, Record
from local.sagemaker.roles import check_role
from local.sagemaker.state_store import StateStore

MODEL_OF_VARIANT = "Model"
"""The member of a deployed variant that holds the role and container of its model."""
CODE_FOLDERS = ("/opt/ml/model/code", "/opt/ml/model/code/")


class Models:
    """All models."""

    def __init__(self, store: StateStore, host: ComputeHost, registry: Registry) -> None:
        self.collection = ResourceCollection(store, MODEL)
        self._host = host
        self._registry = registry

    def create(self, request: Mapping[str, Any]) -> Record:
        """CreateModel; raise SageMakerError if it is refused or its data cannot be read."""
        role = request.get("ExecutionRoleArn")
        if role is None:
            raise invalid("ExecutionRoleArn is required.")
        check_role(role)
        container = self.container(request)
        url = container.get("ModelDataUrl")
        if url is None:
            raise unsupported("A container without ModelDataUrl")
        if not self._host.storage(role).exists(url):
            raise invalid(
                f"Could not find model data at {url}. Please ensure that the object exists and that the role "
                f'"{role}" has "s3:GetObject" permissions on it.'
            )
        folder = container.get("Environment", {}).get("SAGEMAKER_SUBMIT_DIRECTORY", CODE_FOLDERS[0])
        if folder not in CODE_FOLDERS:
            raise unsupported(f"SAGEMAKER_SUBMIT_DIRECTORY {folder}, outside the code folder of the model,")
        return {"ModelArn": self.collection.add(request["ModelName"], dict(request))}

    def delete(self, request: Mapping[str, Any]) -> Record:
        """DeleteModel. Endpoints keep serving it. Raise SageMakerError if there is none."""
        self.collection.delete(request["ModelName"])
        return {}

    def deployment(self, name: str) -> Record:
        """The role and container of a model; raise SageMakerError if there is none."""
        model = self.collection.get(name)
        return {"ExecutionRoleArn": model["ExecutionRoleArn"], "Container": self.container(model)}

    def container(self, model: Mapping[str, Any]) -> Record:
        """The container of a model, completed from its model package."""
        containers = [*model.get("Containers", ())]
        if "PrimaryContainer" in model:
            containers.append(model["PrimaryContainer"])
        if len(containers) != 1:
            raise unsupported("A model without exactly one container")
        container: Record = containers[0]
        if "ModelPackageName" not in container:
            return container
        package = self._registry.get_package(container["ModelPackageName"])
        own = {"Environment": container["Environment"]} if "Environment" in container else {}
        return {**package["InferenceSpecification"]["Containers"][0], **own}


class EndpointConfigs:
    """All endpoint configurations."""

    def __init__(self, store: StateStore, models: Models) -> None:
        self.collection = ResourceCollection(store, ENDPOINT_CONFIG)
        self._models = models

    def create(self, request: Mapping[str, Any]) -> Record:
        """CreateEndpointConfig; raise SageMakerError if it is refused."""
        names = [variant["VariantName"] for variant in request["ProductionVariants"]]
        if len(set(names)) < len(names):
            raise invalid("Each production variant must have a unique name.")
        for variant in request["ProductionVariants"]:
            self._check(variant)
        for member in ("AsyncInferenceConfig", "ExplainerConfig", "ShadowProductionVariants"):
            if request.get(member):
                raise unsupported(f"{member} of an endpoint")
        return {"EndpointConfigArn": self.collection.add(request["EndpointConfigName"], dict(request))}

    def deployment(self, name: str) -> Record:
        """A copy of a configuration with its models, so that serving it survives their deletion.

        Raises:
            SageMakerError: if the configuration or one of its models does not exist.
        """
        config = self.collection.get(name)
        variants = [
            {**variant, MODEL_OF_VARIANT: self._models.deployment(variant["ModelName"])}
            for variant in config["ProductionVariants"]
        ]
        return {**config, "ProductionVariants": variants}

    def delete(self, request: Mapping[str, Any]) -> Record:
        """DeleteEndpointConfig. Endpoints keep using it. Raise SageMakerError if there is none."""
        self.collection.delete(request["EndpointConfigName"])
        return {}

    def _check(self, variant: Mapping[str, Any]) -> None:
        name = variant["VariantName"]
        if "ModelName" not in variant:
            raise unsupported(f"Production variant {name} without a ModelName")
        self._models.collection.get(variant["ModelName"])
        if "ServerlessConfig" in variant:
            if "InstanceType" in variant or "InitialInstanceCount" in variant:
                raise invalid(
                    f"Production variant {name} has a ServerlessConfig, so it cannot have instances."
                )
        elif "InstanceType" not in variant or variant.get("InitialInstanceCount", 0) < 1:
            raise invalid(f"Production variant {name} needs an InstanceType and an InitialInstanceCount.")
