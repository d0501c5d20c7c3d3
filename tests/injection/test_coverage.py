"""The tests in this folder cover everything that the application does."""

import ast
from collections.abc import Callable
from functools import partial
from types import ModuleType

import pytest
from chalice.app import EventSourceHandler

import app
from tests.injection import (
    test_batches,
    test_drift_monitor,
    test_exports,
    test_images,
    test_reads,
    test_removal,
    test_retraining,
    test_review_rules,
    test_uploads_and_exports,
)
from tests.injection.faults import Fault, Kind
from tests.injection.retraining import DEFINITION, Stage, Wire
from tests.injection.scenarios import HANDLERS, ROUTES
from tests.stage import ROOT

WRITING: dict[str, tuple[ModuleType, str]] = {
    "POST /uploads": (test_uploads_and_exports, "test_upload_form_recovers"),
    "DELETE /uploads/{id}": (test_uploads_and_exports, "test_upload_that_was_given_up_counts_if_it_arrives"),
    "PUT /tasks/{task}/review-rule": (test_review_rules, "test_change_of_a_review_rule_recovers"),
    "POST /tasks/{task}/labelled-images": (
        test_uploads_and_exports,
        "test_forms_for_labelled_images_change_only_the_audit_record",
    ),
    "POST /tasks/{task}/rollback": (
        test_retraining,
        "test_interrupted_model_rollback_is_finished_by_repeating_it",
    ),
    "DELETE /results/{id}": (test_removal, "test_deletion_is_finished"),
    "POST /exports": (test_exports, "test_start_of_an_export_recovers"),
    "POST /exports/{export}/stop": (test_exports, "test_stop_of_an_export_recovers"),
    "POST /retrainings": (test_retraining, "test_repeated_start_retrains_once"),
    "POST /retrainings/{name}/approval": (
        test_retraining,
        "test_repeated_approval_counts_once",
    ),
    "POST /batches": (test_batches, "test_start_of_a_batch_begins_one_pass"),
    "POST /batches/{batch}/stop": (test_batches, "test_stop_is_finished_by_repeating_it"),
    "POST /batches/{batch}/continue": (test_batches, "test_next_pass_is_begun_by_repeating_the_request"),
    "POST /retrainings/{name}/stop": (
        test_retraining,
        "test_interrupted_stop_is_finished_by_repeating_it",
    ),
}
"""Writing routes with separate tests."""
FUNCTIONS: dict[str, tuple[ModuleType, str]] = {
    "decode": (test_images, "test_route_recovers"),
    "sweep": (test_images, "test_sweeper_recovers"),
    "drift-monitor": (test_drift_monitor, "test_drift_monitor_recovers"),
    "batch": (test_batches, "test_part_recovers"),
    "administration": (test_retraining, "test_interrupted_model_rollback_is_finished_by_repeating_it"),
    "retraining": (test_retraining, "test_single_fault_changes_nothing"),
}
"""Lambdas that are not called by S3. The calls of `decode` are among those of its callers."""


def test_every_route_is_injected() -> None:
    routes = {f"{method} {path}" for path, methods in app.app.routes.items() for method in methods}
    reads = {read.route for read in test_reads.READS}
    assert routes == reads | {scenario.route for scenario in ROUTES} | WRITING.keys()
    assert {route for route in routes if route.startswith("GET ")} == reads


def test_every_function_is_injected() -> None:
    functions = {
        name for name, handler in app.app.handler_map.items() if isinstance(handler, EventSourceHandler)
    }
    functions |= {function.name for function in app.app.pure_lambda_functions}
    assert functions == {scenario.function for scenario in HANDLERS} | FUNCTIONS.keys()


@pytest.mark.parametrize(("module", "test"), [*WRITING.values(), *FUNCTIONS.values()])
def test_named_tests_exist(module: ModuleType, test: str) -> None:
    assert callable(getattr(module, test))


ELSEWHERE = {"Skipped": "test_repeated_start_retrains_once"}
"""States with separate tests."""
STAGES = [
    *(partial(Stage, kind, before=before) for kind, before in test_retraining.KINDS),
    *(partial(test_retraining.other_stage, options) for _, options in test_retraining.ENDS.values()),
]


def states_passed(make: Callable[[], Stage]) -> set[str]:
    """The states of a retraining with failing calls, and of one whose endpoint is still changing."""
    wire, stage = Wire(), make()
    stage.connect(wire)
    passed = set(stage.retrain("run").passed)
    for state in dict.fromkeys(wire.states):
        call = wire.states.index(state)
        lost = Wire(Fault(call, Kind.FAILED_LATE))
        for broken in (lost, Wire(Fault(call, Kind.REFUSED), stubborn=True, undo_fails=call % 2 == 0)):
            stage = make()
            stage.connect(broken)
            passed |= set(stage.retrain("run").passed)
            if broken.undo_fails:
                passed |= set(stage.retrain("next").passed)
    return passed


def test_every_state_is_injected() -> None:
    """The retrainings with failing calls pass every state of the state machine."""
    passed = {state for make in STAGES for state in states_passed(make)}
    assert DEFINITION["States"].keys() - passed == ELSEWHERE.keys()
    assert all(hasattr(test_retraining, test) for test in ELSEWHERE.values())


def test_every_update_of_an_item_has_a_condition() -> None:
    """Without a condition, an update would create an item that has expired or never existed."""
    updates = 0
    for path in (ROOT / "chalicelib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr == "update_item":
                    updates += 1
                    conditions = {keyword.arg for keyword in node.keywords}
                    assert "ConditionExpression" in conditions, f"{path.name}:{node.lineno}"
                assert node.func.attr not in ("transact_write_items", "batch_writer"), "has no condition"
    assert updates == 11
