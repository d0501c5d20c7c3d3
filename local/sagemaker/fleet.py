"""The containers that serve one endpoint configuration, one for each production variant."""

import random
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from local.sagemaker.compute_host import ComputeHost
from local.sagemaker.errors import JobFailed
from local.sagemaker.logs import LogStream
from local.sagemaker.model_containers import ModelContainer
from local.sagemaker.models import MODEL_OF_VARIANT
from local.sagemaker.resources import Record

STARTUP_SECONDS = 120.0  # until a container has to be healthy, unless its variant says another time
RESTART_SECONDS = 1.0  # before a container that ended by itself is started again
DRAIN_SECONDS = 60.0  # for invocations that are under way; none takes longer
STOP_SECONDS = 5.0


class Stopped(Exception):
    """The fleet has given way to another one, or the endpoint is deleted."""


class Throttled(Exception):
    """A serverless variant serves as many invocations as it may at a time."""


@dataclass
class RunningVariant:
    """One variant, and the container that serves it at the moment."""

    variant: Record
    log: LogStream
    container: ModelContainer | None = None
    ready: threading.Event = field(default_factory=threading.Event)
    under_way: int = 0
    """Invocations."""

    @property
    def is_full(self) -> bool:
        """Whether it takes no further invocation now; variants with instances queue them."""
        serverless = self.variant.get("ServerlessConfig")
        return serverless is not None and self.under_way >= serverless["MaxConcurrency"]


class Fleet:
    """Serves one configuration of an endpoint, from `start` to `stop`. Thread-safe."""

    def __init__(self, endpoint: str, config: Record, host: ComputeHost) -> None:
        """Make ready to serve a configuration; see `EndpointConfigs.deployment`."""
        self._host = host
        self._changed = threading.Condition()
        self._under_way = 0
        self._closed = False
        group = f"/aws/sagemaker/Endpoints/{endpoint}"
        self._members = [
            RunningVariant(
                variant,
                LogStream(host.logs(), group, f"{variant['VariantName']}/i-{uuid.uuid4().hex[:17]}"),
            )
            for variant in config["ProductionVariants"]
        ]

    def start(self) -> None:
        """Start every container and wait until all are healthy; raise JobFailed if one does not become it."""
        for member in self._members:
            member.container = self._launch(member.variant, member.log)
        for member in self._members:
            variant = member.variant
            timeout = variant.get("ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_SECONDS)
            assert member.container
            if not member.container.wait_until_healthy(timeout, lambda: not self._closed):
                raise JobFailed(
                    f"The primary container for production variant {variant['VariantName']} did not pass the "
                    "ping health check. Please check CloudWatch logs for this endpoint."
                )
            member.ready.set()
        for member in self._members:
            threading.Thread(target=self._keep_up, args=(member,), daemon=True).start()

    @contextmanager
    def serving(self, target: str | None) -> Iterator[tuple[Record, ModelContainer | None]]:
        """A variant, the `target` or one by weight, and its container; it is not stopped meanwhile.

        There is no container while one that ended by itself is being replaced. Raise Stopped if the fleet
        does not serve any more, Throttled if the variant is full, and LookupError if there is no such one.
        """
        with self._changed:
            if self._closed:
                raise Stopped
            member = self._choose(target)
            if member.is_full:
                raise Throttled
            member.under_way += 1
            self._under_way += 1
        try:
            yield member.variant, member.container if member.ready.is_set() else None
        finally:
            with self._changed:
                member.under_way -= 1
                self._under_way -= 1
                self._changed.notify_all()

    def stop(self) -> None:
        """Take no more invocations, wait for those under way, then end every container."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: self._under_way == 0, DRAIN_SECONDS)
        for member in self._members:
            if member.container:
                member.container.stop(STOP_SECONDS)
            member.log.close()

    def kill(self) -> None:
        """End every container at once."""
        self._closed = True
        for member in self._members:
            if member.container:
                member.container.kill()

    def _choose(self, target: str | None) -> RunningVariant:
        if target is None:
            weights = [member.variant.get("InitialVariantWeight", 1.0) for member in self._members]
            return random.choices(self._members, weights if any(weights) else None)[0]
        for member in self._members:
            if member.variant["VariantName"] == target:
                return member
        raise LookupError(f"no variant is called {target}")

    def _launch(self, variant: Record, log: LogStream) -> ModelContainer:
        model = variant[MODEL_OF_VARIANT]
        role_arn, definition = model["ExecutionRoleArn"], model["Container"]
        return ModelContainer(self._host, role_arn, definition, log.write, {})

    def _keep_up(self, member: RunningVariant) -> None:
        """Replace the container whenever it ends by itself, as the real service does."""
        while True:
            assert member.container
            member.container.wait()
            if self._closed:
                return
            member.ready.clear()
            member.container.kill()
            time.sleep(RESTART_SECONDS)
            try:
                replacement = self._launch(member.variant, member.log)
            except JobFailed as error:
                member.log.write(str(error))
                continue
            with self._changed:
                closed = self._closed
                if not closed:
                    member.container = replacement
            if closed:
                replacement.kill()
                return
            if replacement.wait_until_healthy(STARTUP_SECONDS, lambda: not self._closed):
                member.ready.set()
