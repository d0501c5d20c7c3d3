"""Every AWS call of every handler and writing route fails in turn, and the result is the same."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.injection.conftest import NewWorld
from tests.injection.faults import FEW_KINDS, KILLS, Fault, Kind, faults
from tests.injection.invariant import problems
from tests.injection.scenarios import HANDLERS, ROUTES, SWEEPS, Handler, Route, Sweeping
from tests.injection.world import ATTEMPTS

type Trial = tuple[Fault, str, list[str]]

CLIENT_TRIES = 4
"""The number of times that a person sends a request until it is answered."""


def check(calls: int, trials: Iterator[Trial]) -> None:
    """Fail with every trial that left a problem."""
    done = list(trials)
    failed = [trial for trial in done if trial[2]]
    hit = {fault.call for fault, _, _ in failed}
    kinds = Counter(problem for _, _, found in failed for problem in found)
    lines = [f"call {fault.call}, {fault.kind} ({mode}): {'; '.join(found)}" for fault, mode, found in failed]
    summary = f"{len(failed)} of {len(done)} trials failed, on {len(hit)} of {calls} calls"
    assert not failed, "\n".join([summary, *(f"{count} x {kind}" for kind, count in kinds.items()), *lines])
    print(summary)


def test_dropped_image_makes_no_further_calls(new_world: NewWorld) -> None:
    """Each call costs money and time for every image: add one only where nothing else does it."""
    world = new_world()
    made = []
    world.pending.append(("prepare", HANDLERS[0].prepare(world)))
    while world.pending:
        function, event = world.pending.popleft()
        world.invoke(function, event)
        made.append([function, *map(str, world.last_calls)])
    once_a_minute = "dynamodb:GetItem"  # of a process: in which periods lists are sharded
    decoded = ["s3:GetObject", "s3:PutObject"]
    assert made == [
        ["prepare", once_a_minute, "dynamodb:PutItem", "lambda:Invoke", *decoded, "s3:PutObject"],
        ["classify", "s3:GetObject", "s3:PutObject", "dynamodb:PutItem"],
    ]


@pytest.mark.parametrize("scenario", HANDLERS, ids=lambda scenario: scenario.name)
def test_handler_recovers(scenario: Handler, new_world: NewWorld) -> None:
    world = new_world()
    world.invoke(scenario.function, scenario.prepare(world))
    calls = len(world.last_calls)
    world.settle()
    assert problems(world, scenario.results, scenario.counted) == []

    def trials() -> Iterator[Trial]:
        for fault in faults(calls, FEW_KINDS):
            # If all of Lambda's attempts fail, kills are enough: an error ends the run at the same point.
            given_up = [("redriven", ATTEMPTS), ("swept", ATTEMPTS)] if fault.kind in KILLS else []
            if fault.kind is Kind.KILLED_BEFORE and not scenario.found_by_sweep:
                given_up.pop()
            for mode, strikes in [("retried", 1), *given_up]:
                world = new_world()
                world.deliver(scenario.function, scenario.prepare(world), fault, strikes)
                world.settle()
                if mode == "redriven":
                    world.redrive()
                elif mode == "swept":
                    world.pass_time()
                yield fault, mode, problems(world, scenario.results, scenario.counted)

    check(calls, trials())


@pytest.mark.parametrize("scenario", SWEEPS, ids=lambda scenario: scenario.name)
def test_sweeper_recovers(scenario: Sweeping, new_world: NewWorld) -> None:
    world = new_world()
    minutes = scenario.prepare(world)
    world.sweep(minutes)
    calls = len(world.last_calls)
    world.settle()
    assert problems(world, scenario.results, scenario.counted) == []

    def trials() -> Iterator[Trial]:
        for fault in faults(calls, FEW_KINDS):
            world = new_world()
            world.sweep(scenario.prepare(world), fault)
            world.settle()
            world.pass_time(scenario.hours)
            yield fault, "next sweeps", problems(world, scenario.results, scenario.counted)

    check(calls, trials())


@pytest.mark.parametrize("scenario", ROUTES, ids=lambda scenario: scenario.name)
def test_route_recovers(scenario: Route, new_world: NewWorld) -> None:
    world = new_world()
    request = scenario.prepare(world)
    assert f"{request['method']} {request['path']}" == scenario.route
    status, _ = world.ask(**request)
    calls = len(world.last_calls)
    world.settle()
    assert status == 200
    assert problems(world, scenario.results, scenario.counted) == []

    def trials() -> Iterator[Trial]:
        for fault in faults(calls):
            for mode in ("sent again", "given up") if fault.kind in KILLS else ("sent again",):
                world = new_world()
                request = scenario.prepare(world)
                status, _ = world.ask(**request, fault=fault)
                for _ in range(CLIENT_TRIES if mode == "sent again" else 0):
                    if status not in (0, 500, 503):
                        break
                    status, _ = world.ask(**request)
                world.settle()
                if mode == "given up":
                    world.pass_time(
                        hours=24 * 31
                    )  # what is left of an image without a result has been deleted
                found = problems(world, scenario.results, scenario.counted)
                if mode == "given up" and found and scenario.without_repetition is not None:
                    found = problems(world, scenario.without_repetition, scenario.counted)
                if mode == "sent again" and status != 200:
                    found.append(f"the answer is {status}")
                yield fault, mode, found

    check(calls, trials())
