"""Names that earlier releases gave to states and steps.

Executions keep the definition that they were started with, for up to 120 days, and call today's Lambda. Their
history, which people see, is kept for 90 days after their end. Both are translated here.
"""

from collections.abc import Mapping
from typing import Any

_OUTCOMES = ("deployed", "rejected", "declined", "unchanged")

STATES: Mapping[str, str] = {
    "Is it planned?": "Planned?",
    "Review data": "Check data",
    "Is anything new?": "Data changed?",
    "Search hyper-parameters?": "Tuning requested?",
    "Tune": "Tune hyperparameters",
    "Take the best": "Describe training job",
    "Answer test images": "Batch inference",
    "Judge": "Evaluate candidate",
    "Decide": "Record decision",
    "Is it better?": "Accepted?",
    "Ask a person?": "Approval required?",
    "Ask for approval": "Wait for approval",
    "Is it approved?": "Approved?",
    "Is there an endpoint to be?": "Endpoint required?",
    "Look at endpoint": "Inspect endpoint",
    "Which endpoint?": "Endpoint state?",
    "Wait for others": "Wait for other update",
    "Is it in service?": "In service?",
    "Does it answer?": "Smoke test passed?",
    **{f"Close {outcome}": f"Finalize {outcome}" for outcome in _OUTCOMES},
    **{f"Tell: {end}": f"Notify {end}" for end in ("deployed", "rejected", "unchanged", "failed")},
    "Tell: undo failed": "Notify rollback failed",
    "Judging job exists?": "Evaluation job exists?",
    "Was it created?": "Created?",
    "Take over training job": "Adopt training job",
    "Undo": "Roll back",
    "Is it undone?": "Rolled back?",
    "Wait for undoing": "Wait for rollback",
    "Report failed undo": "Report failed rollback",
    "UndoFailed": "RollbackFailed",
}
"""Today's names of states, by the earlier ones."""
STEPS: Mapping[str, str] = {
    "review-data": "check-data",
    "decide": "record-decision",
    "ask": "request-approval",
    "look-at-endpoint": "inspect-endpoint",
    **{f"close-{outcome}": f"finalize-{outcome}" for outcome in _OUTCOMES},
    "undo": "roll-back",
    "report-failed-undo": "report-failed-rollback",
}
"""Today's names of steps, by the earlier ones. The outcome was an argument of the step `close`."""


def state_name(name: str) -> str:
    """Today's name of a state."""
    return STATES.get(name, name)


def translate_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event of any release, as today's definition would send it."""
    step = f"close-{event['outcome']}" if event["step"] == "close" else event["step"]
    request = {"request": event["wish"]} if "wish" in event else {}
    return {**event, **request, "step": STEPS.get(step, step)}
