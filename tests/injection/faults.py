"""Lets one AWS call of a run fail, so that a test can see what is left and what a repetition makes of it.

Every call of every boto3 client and resource passes through `BaseClient._make_api_call`. Faults are injected
there: above moto, which answers, and below the application, so that botocore neither retries nor sleeps.

A test runs its code once in `watched()` to learn how many calls it makes, then once for each of
`faults(calls)` in `injected(fault)`, repeats what AWS or a person would repeat, and checks what is left:

    with watched() as calls:
        run(event)
    for fault in faults(len(calls)):
        start_afresh()
        with injected(fault):
            run(event)          # may raise; a kill ends the block silently
        run(event)              # the repetition
        check()
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient
from botocore.exceptions import ClientError, ReadTimeoutError


class Kind(StrEnum):
    """The kind of failure of the call."""

    REFUSED = "fails before it takes effect"
    FAILED_LATE = "takes effect, but answers 500"
    TIMED_OUT = "takes effect, but its answer never arrives"
    KILLED_BEFORE = "the process is killed before the call"
    KILLED_AFTER = "the process is killed after the call took effect"


KILLS = (Kind.KILLED_BEFORE, Kind.KILLED_AFTER)


@dataclass(frozen=True)
class Fault:
    """A failure of one call of a run."""

    call: int
    """Its number, from 0."""
    kind: Kind


class Killed(BaseException):
    """The process has been killed. Handlers must not catch this, and nothing runs afterwards."""


@dataclass(frozen=True)
class Call:
    """A call as the application made it."""

    service: str
    operation: str
    parameters: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.service}:{self.operation}"


type Answer = Callable[[Call], Any]


class Interceptor:
    """Intercepts all AWS calls within the context, and lets one of them fail."""

    def __init__(
        self,
        fault: Fault | None = None,
        fakes: Mapping[str, Answer] | None = None,
        took_effect: Callable[[Call, Any], None] | None = None,
        began: Callable[[Call], None] = lambda _: None,
    ):
        """Prepare to intercept.

        Args:
            fault: what goes wrong; None to watch only.
            fakes: answers of services that moto does not run, by "service:operation".
            took_effect: called with every call that took effect, and its answer.
            began: called with every call.
        """
        self.calls: list[Call] = []
        self.happened = False
        """Whether the run reached the fault."""
        self._fault = fault
        self._fakes = fakes or {}
        self._took_effect = took_effect
        self._began = began
        self._killed = False
        self._counting = threading.Lock()

    @contextmanager
    def active(self) -> Iterator["Interceptor"]:
        """Intercept the calls in this block. A kill ends the block without an error."""
        original = BaseClient._make_api_call

        def intercept(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
            call = Call(client.meta.service_model.service_name, operation, dict(parameters))
            return self._intercept(call, lambda: original(client, operation, parameters))

        with patch.object(BaseClient, "_make_api_call", intercept), suppress(Killed):
            yield self

    @property
    def killed(self) -> bool:
        """Whether the process was killed."""
        return self._killed

    def _intercept(self, call: Call, carry_out: Callable[[], Any]) -> Any:
        if self._killed:
            raise Killed  # another thread of the same process, or code that swallowed the first Killed
        with self._counting:
            number = len(self.calls)
            self.calls.append(call)
        self._began(call)
        if self._fault is None or self._fault.call != number:
            return self._effect(call, carry_out)
        self.happened = True
        if self._fault.kind is Kind.REFUSED:
            raise _error(call, 503, "ServiceUnavailable")
        if self._fault.kind is Kind.KILLED_BEFORE:
            self._kill()
        self._effect(call, carry_out)
        if self._fault.kind is Kind.KILLED_AFTER:
            self._kill()
        if self._fault.kind is Kind.TIMED_OUT:
            raise ReadTimeoutError(endpoint_url="https://aws")
        raise _error(call, 500, "InternalError")

    def _effect(self, call: Call, carry_out: Callable[[], Any]) -> Any:
        fake = self._fakes.get(str(call))
        answer = fake(call) if fake else carry_out()
        if self._took_effect:
            self._took_effect(call, answer)
        return answer

    def _kill(self) -> None:
        self._killed = True
        raise Killed


def watched(**options: Any) -> Any:
    """A context that records every call without a fault."""
    return Interceptor(None, **options).active()


def injected(fault: Fault, **options: Any) -> Any:
    """A context in which `fault` happens; options as in `Interceptor`."""
    return Interceptor(fault, **options).active()


KINDS = (Kind.REFUSED, Kind.FAILED_LATE, Kind.TIMED_OUT, Kind.KILLED_AFTER)
FEW_KINDS = (Kind.REFUSED, Kind.TIMED_OUT, Kind.KILLED_AFTER)
"""For code that does not use the error: a late failure stands for an answer that is lost."""


def faults(calls: int, kinds: Sequence[Kind] = KINDS) -> Iterator[Fault]:
    """Every fault in a run of `calls` calls. Killing before a call equals killing after the previous one."""
    if calls:
        yield Fault(0, Kind.KILLED_BEFORE)
    for call in range(calls):
        for kind in kinds:
            yield Fault(call, kind)


def _error(call: Call, status: int, code: str) -> ClientError:
    response = {
        "Error": {"Code": code, "Message": "injected"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, call.operation)
