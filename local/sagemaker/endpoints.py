"""Endpoints: the configuration that each serves, and updates from one to the next."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from local.sagemaker import guardrails
from local.sagemaker.compute_host import ComputeHost
from local.sagemaker.errors import JobFailed, invalid
from local.sagemaker.fleet import Fleet
from local.sagemaker.models import EndpointConfigs
from local.sagemaker.resource_collection import ResourceCollection
from local.sagemaker.resources import ENDPOINT, Record
from local.sagemaker.state_store import StateStore

EMULATOR_ENDED = "The emulator ended during the update; the endpoint keeps its previous configuration."
CONFIG = "EndpointConfig"
"""The member of an endpoint's record with a copy of its configuration, which may have been deleted."""
STARTING = ("Creating", "SystemUpdating")
INSTANCES = "Instances"
"""The member of an endpoint's record with the number of instances of each variant that was scaled."""
RETAIN = "RetainAllVariantProperties"


class Endpoints:
    """All endpoints, each with the fleet that serves it. Thread-safe.

    During an update, the old fleet serves until the new one is healthy.
    """

    def __init__(self, store: StateStore, host: ComputeHost, configs: EndpointConfigs) -> None:
        self.collection = ResourceCollection(store, ENDPOINT)
        self._host = host
        self._configs = configs
        self._lock = threading.Lock()
        self._fleets: dict[str, Fleet] = {}
        self._starting: set[Fleet] = set()
        self._closed = False
        for endpoint in self.collection.all():
            self._recover(endpoint)
        self._interrupted = [
            endpoint["EndpointName"]
            for endpoint in self.collection.all()
            if endpoint["EndpointStatus"] in STARTING
        ]

    def resume(self) -> None:
        """Restart the endpoints that were in service or starting when the emulator ended."""
        while self._interrupted:
            endpoint = self.collection.get(self._interrupted.pop())
            reason = endpoint.get("FailureReason")
            self._in_background(self._bring_up, endpoint["EndpointName"], endpoint[CONFIG], reason)

    def create(self, request: Mapping[str, Any]) -> Record:
        """CreateEndpoint; raise SageMakerError if it is refused."""
        name = request["EndpointName"]
        config = self._configs.deployment(request["EndpointConfigName"])
        record = {**request, "EndpointStatus": "Creating", CONFIG: config}
        arn = self.collection.add(name, record)
        self._in_background(self._bring_up, name, config, None)
        return {"EndpointArn": arn}

    def update(self, request: Mapping[str, Any]) -> Record:
        """UpdateEndpoint; raise SageMakerError if it is refused."""
        name = request["EndpointName"]
        with self._lock:
            endpoint = self._in_status(name, "InService")
            config = self._configs.deployment(request["EndpointConfigName"])
            if _has_instances(endpoint[CONFIG]) and not _has_instances(config):
                raise invalid("You cannot convert an instance-based endpoint to a serverless endpoint.")
            self.collection.change(name, EndpointStatus="Updating", FailureReason=None)
        instances = endpoint.get(INSTANCES, {}) if request.get(RETAIN) else {}
        self._in_background(self._replace, name, config, guardrails.alarms(request), instances)
        return {"EndpointArn": endpoint["EndpointArn"]}

    def scale(self, request: Mapping[str, Any]) -> Record:
        """UpdateEndpointWeightsAndCapacities, of instances only; each variant keeps its one container."""
        name = request["EndpointName"]
        with self._lock:
            endpoint = self._in_status(name, "InService")
            wanted = request["DesiredWeightsAndCapacities"]
            instances = {variant["VariantName"]: variant["DesiredInstanceCount"] for variant in wanted}
            self.collection.change(name, **{INSTANCES: endpoint.get(INSTANCES, {}) | instances})
        return {"EndpointArn": endpoint["EndpointArn"]}

    def delete(self, request: Mapping[str, Any]) -> Record:
        """DeleteEndpoint; raise SageMakerError if there is none, or it is being changed."""
        name = request["EndpointName"]
        with self._lock:
            self._in_status(name, "InService", "Failed")
            self.collection.change(name, EndpointStatus="Deleting")
            fleet = self._fleets.pop(name, None)
        self._in_background(self._take_down, name, fleet)
        return {}

    def describe(self, request: Mapping[str, Any]) -> Record:
        """DescribeEndpoint; raise SageMakerError if there is none."""
        endpoint = self.collection.get(request["EndpointName"])
        if endpoint["EndpointStatus"] in ("Creating", "Failed"):
            # The API reference does not promise the configuration, so nothing may depend on it.
            return {key: value for key, value in endpoint.items() if key != "EndpointConfigName"}
        scaled = endpoint.get(INSTANCES, {})
        variants = [_summary(variant, scaled) for variant in endpoint[CONFIG]["ProductionVariants"]]
        return {**endpoint, "ProductionVariants": variants}

    def fleet(self, name: str) -> Fleet | None:
        """The fleet that serves an endpoint; None if none does at the moment."""
        with self._lock:
            return self._fleets.get(name)

    def close(self) -> None:
        """Kill every container. `resume` restarts the endpoints at the next start."""
        self._closed = True
        with self._lock:
            fleets = [*self._fleets.values(), *self._starting]
        for fleet in fleets:
            fleet.kill()

    def _recover(self, endpoint: Record) -> None:
        """Set the status of an endpoint after a restart of the emulator."""
        name = endpoint["EndpointName"]
        match endpoint["EndpointStatus"]:
            case "Deleting":
                self.collection.delete(name)
            case "InService":
                self.collection.change(name, EndpointStatus="SystemUpdating")
            case "Updating":
                self.collection.change(name, EndpointStatus="SystemUpdating", FailureReason=EMULATOR_ENDED)

    def _bring_up(self, name: str, config: Record, reason: str | None) -> None:
        """Start serving a configuration."""
        try:
            fleet = self._start(name, config)
        except (JobFailed, OSError) as error:
            self._set_status(name, EndpointStatus="Failed", FailureReason=str(error)[:1024])
            return
        self._put_in_service(name, config, fleet, reason)

    def _replace(self, name: str, config: Record, alarms: list[str], instances: Mapping[str, int]) -> None:
        """Switch to another configuration; keep the current one if the new one fails, or an alarm rings."""
        try:
            fleet = self._start(name, config)
            try:
                guardrails.check(self._host, config, alarms)
            except JobFailed:
                fleet.stop()
                raise
        except (JobFailed, OSError) as error:
            self._set_status(name, EndpointStatus="InService", FailureReason=str(error)[:1024])
            return
        before = self._fleets[name]
        self.collection.change(name, **{INSTANCES: instances})
        self._put_in_service(name, config, fleet, None)
        before.stop()

    def _start(self, name: str, config: Record) -> Fleet:
        fleet = Fleet(name, config, self._host)
        with self._lock:
            self._starting.add(fleet)
        try:
            fleet.start()
        except (JobFailed, OSError):
            fleet.stop()
            raise
        finally:
            with self._lock:
                self._starting.discard(fleet)
        return fleet

    def _set_status(self, name: str, **changes: str) -> None:
        """Change the record, unless the containers have ended because the emulator stops."""
        if not self._closed:
            self.collection.change(name, **changes)

    def _put_in_service(self, name: str, config: Record, fleet: Fleet, reason: str | None) -> None:
        with self._lock:
            self._fleets[name] = fleet
            served = {"EndpointConfigName": config["EndpointConfigName"], CONFIG: config}
            self.collection.change(name, EndpointStatus="InService", FailureReason=reason, **served)

    def _take_down(self, name: str, fleet: Fleet | None) -> None:
        if fleet:
            fleet.stop()
        self.collection.delete(name)

    def _in_status(self, name: str, *statuses: str) -> Record:
        """The endpoint's record; raise SageMakerError unless its status is in `statuses`."""
        endpoint = self.collection.get(name)
        if endpoint["EndpointStatus"] not in statuses:
            raise invalid(
                f'Cannot update in-progress endpoint "{endpoint["EndpointArn"]}": it is '
                f"{endpoint['EndpointStatus']}."
            )
        return endpoint

    def _in_background(self, work: Callable[..., None], *arguments: Any) -> None:
        threading.Thread(target=work, args=arguments, daemon=True).start()


def _has_instances(config: Record) -> bool:
    return any("InstanceType" in variant for variant in config["ProductionVariants"])


def _summary(variant: Record, scaled: Mapping[str, int]) -> Record:
    """The summary of a production variant in DescribeEndpoint."""
    weight = variant.get("InitialVariantWeight", 1.0)
    summary: Record = {
        "VariantName": variant["VariantName"],
        "CurrentWeight": weight,
        "DesiredWeight": weight,
    }
    if "ServerlessConfig" in variant:
        return {**summary, "CurrentServerlessConfig": variant["ServerlessConfig"]}
    count = scaled.get(variant["VariantName"], variant["InitialInstanceCount"])
    return {**summary, "CurrentInstanceCount": count, "DesiredInstanceCount": count}
