"""The containers that serve an endpoint configuration: one per production variant."""

import math
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

STARTUP_SECONDS = 120.0
"""Time for a container to become healthy, unless its variant sets another."""
RESTART_SECONDS = 1.0
"""Pause before a container that has exited is restarted."""
IDLE_SECONDS = 300.0
"""Time without requests after which a serverless variant has to start again."""
DRAIN_SECONDS = 60.0
"""Time for invocations under way to finish. None takes longer."""
STOP_SECONDS = 5.0
"""Time between SIGTERM and SIGKILL."""


class Stopped(Exception):
    """The fleet has been replaced, or the endpoint has been deleted."""


class Throttled(Exception):
    """A serverless variant is at its MaxConcurrency."""


class Cold(Exception):
    """A serverless variant has been idle, and starts."""


@dataclass
class RunningVariant:
    """A production variant and the container that serves it at present."""

    definition: Record
    log: LogStream
    container: ModelContainer | None = None
    ready: threading.Event = field(default_factory=threading.Event)
    under_way: int = 0
    """Number of current invocations."""
    asked_at: float = -math.inf
    warm_at: float = 0.0

    def is_cold(self, cold_start: float) -> bool:
        """Whether it is starting, which this request may begin. Variants with instances never are."""
        if "ServerlessConfig" not in self.definition:
            return False
        now = time.monotonic()
        if now - self.asked_at > IDLE_SECONDS:
            self.warm_at = now + cold_start
        self.asked_at = now
        return now < self.warm_at

    @property
    def is_full(self) -> bool:
        """Whether it accepts no further invocation now. Variants with instances queue them."""
        serverless = self.definition.get("ServerlessConfig")
        return serverless is not None and self.under_way >= serverless["MaxConcurrency"]


class Fleet:
    """Serves one configuration of an endpoint, from `start` to `stop`. Thread-safe."""

    def __init__(self, endpoint: str, config: Record, host: ComputeHost) -> None:
        """Prepare to serve a configuration, as `EndpointConfigs.deployment` returns it."""
        self._host = host
        self._changed = threading.Condition()
        self._under_way = 0
        self._closed = False
        group = f"/aws/sagemaker/Endpoints/{endpoint}"
        self._variants = [
            RunningVariant(
                definition,
                LogStream(host.logs(), group, f"{definition['VariantName']}/i-{uuid.uuid4().hex[:17]}"),
            )
            for definition in config["ProductionVariants"]
        ]

    def start(self) -> None:
        """Start every container and wait until all are healthy; raise JobFailed if one fails to start."""
        for variant in self._variants:
            variant.container = self._launch(variant.definition, variant.log)
        for variant in self._variants:
            definition = variant.definition
            timeout = definition.get("ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_SECONDS)
            assert variant.container
            if not variant.container.wait_until_healthy(timeout, lambda: not self._closed):
                name = definition["VariantName"]
                raise JobFailed(
                    f"The primary container for production variant {name} did not pass the ping health "
                    "check. Please check CloudWatch logs for this endpoint."
                )
            variant.ready.set()
        for variant in self._variants:
            threading.Thread(target=self._keep_up, args=(variant,), daemon=True).start()

    @contextmanager
    def serving(self, target: str | None) -> Iterator[tuple[Record, ModelContainer | None]]:
        """Hold a variant, the `target` or one chosen by weight, and its container for one invocation.

        The container is None while one that has exited is being replaced.

        Raises:
            Stopped: if the fleet does not serve any more.
            Cold: if the variant is starting.
            Throttled: if the variant is full.
            LookupError: if there is no variant called `target`.
        """
        with self._changed:
            if self._closed:
                raise Stopped
            variant = self._choose(target)
            if variant.is_cold(self._host.cold_start):
                raise Cold
            if variant.is_full:
                raise Throttled
            variant.under_way += 1
            self._under_way += 1
        try:
            yield variant.definition, variant.container if variant.ready.is_set() else None
        finally:
            with self._changed:
                variant.under_way -= 1
                self._under_way -= 1
                self._changed.notify_all()

    def stop(self) -> None:
        """Accept no more invocations, wait for current ones, then stop every container."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: self._under_way == 0, DRAIN_SECONDS)
        for variant in self._variants:
            if variant.container:
                variant.container.stop(STOP_SECONDS)
            variant.log.close()

    def kill(self) -> None:
        """Kill every container."""
        self._closed = True
        for variant in self._variants:
            if variant.container:
                variant.container.kill()

    def _choose(self, target: str | None) -> RunningVariant:
        if target is None:
            weights = [variant.definition.get("InitialVariantWeight", 1.0) for variant in self._variants]
            return random.choices(self._variants, weights if any(weights) else None)[0]
        for variant in self._variants:
            if variant.definition["VariantName"] == target:
                return variant
        raise LookupError(f"there is no variant {target}")

    def _launch(self, definition: Record, log: LogStream) -> ModelContainer:
        model = definition[MODEL_OF_VARIANT]
        return ModelContainer(self._host, model["ExecutionRoleArn"], model["Container"], log.write, {})

    def _keep_up(self, variant: RunningVariant) -> None:
        """Replace the container whenever it exits, as SageMaker does."""
        while True:
            assert variant.container
            variant.container.wait()
            if self._closed:
                return
            variant.ready.clear()
            variant.container.kill()
            time.sleep(RESTART_SECONDS)
            try:
                replacement = self._launch(variant.definition, variant.log)
            except JobFailed as error:
                variant.log.write(str(error))
                continue
            with self._changed:
                closed = self._closed
                if not closed:
                    variant.container = replacement
            if closed:
                replacement.kill()
                return
            if replacement.wait_until_healthy(STARTUP_SECONDS, lambda: not self._closed):
                variant.ready.set()
