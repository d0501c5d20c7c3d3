"""Recovery after a failure: adopt what was created, or roll back."""

from statemachine.states import (
    JOB_POLL_SECONDS,
    RETRY_ROLLBACK,
    States,
    choice,
    constant,
    notification,
    step,
    taken,
    wait,
    when,
)

# Why a resource may exist is explained in `chalicelib.retraining.creation_checker`.
_CREATED = {
    "Data job": ("data", "Check data", "DataFailed"),
    "Tuning job": ("tuning", "Adopt training job", "TuningFailed"),
    "Training job": ("training", "Adopt training job", "TrainingFailed"),
    "Model": ("model", "Batch inference", "EvaluationFailed"),
    "Transform job": ("transform", "Evaluate candidate", "EvaluationFailed"),
    "Evaluation job": ("evaluation", "Record decision", "EvaluationFailed"),
    "Endpoint configuration": ("config", "Inspect endpoint", "DeploymentFailed"),
    "Endpoint": ("endpoint", "Wait for endpoint", "DeploymentFailed"),
}
"""Resources that may exist: value of `creating`, next state if it exists, next state if not."""
_CREATION: States = {
    **{
        f"{name} exists?": constant("creating", key, then="Check creation")
        for name, (key, _, _) in _CREATED.items()
    },
    "Check creation": step(
        "check-creation", taken("plan", "creating", "error"), "creation", "Created?", "Route failure"
    ),
    "Created?": choice(
        when("creation.status", "running", then="Wait for creation"),
        when("creation.status", "failed", then="Route failure"),
        *(when("creating", key, then=state) for key, state, _ in _CREATED.values() if key != "endpoint"),
        default="Wait for endpoint",
    ),
    "Wait for creation": wait(JOB_POLL_SECONDS, then="Check creation"),
    "Adopt training job": {
        "Type": "Pass",
        "Parameters": {"job.$": "$.creation.job"},
        "ResultPath": "$.trained",
        "Next": "Describe training job",
    },
    "Route failure": choice(
        *(when("creating", key, then=failed) for key, _, failed in _CREATED.values() if key != "endpoint"),
        default="DeploymentFailed",
    ),
}

_FAILURES = "Data Tuning Training Registration Evaluation Approval Deployment SmokeTest Promotion"
_ROLLBACK: States = {
    **{f"{name}Failed": constant("failed", f"{name}Failed", then="Roll back") for name in _FAILURES.split()},
    # How much there is of the state depends on where the retraining failed.
    "Roll back": {
        **step("roll-back", {"state.$": "$"}, "rollback", "Rolled back?", "Report failed rollback"),
        "Retry": [RETRY_ROLLBACK],
    },
    "Rolled back?": choice(when("rollback.settled", True, then="Notify failed"), default="Wait for rollback"),
    "Wait for rollback": wait(15, then="Roll back"),
    "Notify failed": notification("rollback", "cause", "Failed"),
    "Failed": {"Type": "Fail", "ErrorPath": "$.rollback.error", "CausePath": "$.rollback.cause"},
    # The lock stays: the next retraining of the task takes it over and finishes what is left.
    "Report failed rollback": step(
        "report-failed-rollback",
        taken("plan", "error"),
        *("notification", "Notify rollback failed", "RollbackFailed"),
    ),
    "Notify rollback failed": notification("notification", "message", "RollbackFailed"),
    "RollbackFailed": {"Type": "Fail", "Error": "RollbackFailed", "CausePath": "$.error.Cause"},
}

RECOVERY: States = {**_CREATION, **_ROLLBACK}
"""States that are reached only after a failure."""
