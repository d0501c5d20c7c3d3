"""The state machine of a retraining: its states and transitions.

`make generate` writes it to retrain.asl.json, which is deployed.
Names in `${...}` are filled in by template.yaml; `chalicelib.retraining.payloads.State` describes `$`.
"""

import json
from pathlib import Path

from deploy.generated import write_or_check
from statemachine import requests
from statemachine.recovery import RECOVERY
from statemachine.states import (
    INTEGRATIONS,
    RETRY_STEP,
    Action,
    State,
    States,
    catch,
    choice,
    creation,
    equals,
    notification,
    query,
    step,
    taken,
    task,
    wait,
    when,
)

FILE = Path(__file__).with_name("retrain.asl.json")
MAX_SECONDS = 120 * 24 * 3600
"""More than all jobs, and the waits for quotas and people, can take together."""
APPROVAL_SECONDS = 7 * 24 * 3600

_INPUT = {
    "request.$": "$$.Execution.Input",
    "execution.$": "$$.Execution.Id",
    "code": "${Code}",
    "commit": "${Commit}",
    "instance_type": "${TrainingInstanceType}",
    "volume_key": "${DataKey}",
}
_PLANNING: States = {
    "Plan": {
        **step("plan", _INPUT, "", "Planned?", ""),
        "ResultSelector": {"plan.$": "$"},
        "Catch": [catch("PlanningFailed", into="")],
    },
    "Planned?": choice(
        {"Variable": "$.plan.skipped", "IsPresent": True, "Next": "Skipped"},
        {"Variable": "$.plan.refused", "IsPresent": True, "Next": "Refused"},
        {"Variable": "$.plan.waits_for", "IsPresent": True, "Next": "Wait for cleanup"},
        default="Prepare data",
    ),
    "Wait for cleanup": wait(15, then="Plan"),
    "Skipped": {"Type": "Succeed", "Comment": "The task is being retrained already, which is no failure."},
    "Refused": {"Type": "Fail", "Error": "Refused", "CausePath": "$.plan.refused"},
    "PlanningFailed": {"Type": "Fail", "Error": "PlanningFailed", "CausePath": "$.Cause"},
}

# In the following, arguments are: the key of the result, the next state, and the state of a failure.
_TRAINING: States = {
    "Prepare data": creation(
        requests.PREPARE_DATA, "prepared", "Check data", "DataFailed", exists="Data job exists?"
    ),
    "Check data": step("check-data", taken("plan"), "data", "Data changed?", "DataFailed"),
    "Data changed?": choice(
        when("data.unchanged", True, then="Finalize unchanged"), default="Tuning requested?"
    ),
    "Tuning requested?": choice(
        {"Variable": "$.plan.trials", "NumericGreaterThan": 0, "Next": "Tune hyperparameters"},
        default="Train",
    ),
    "Tune hyperparameters": creation(
        requests.TUNE_HYPERPARAMETERS,
        *("trained", "Describe training job", "TuningFailed"),
        exists="Tuning job exists?",
    ),
    "Describe training job": query(requests.DESCRIBE_TRAINING_JOB, "trained", "Register", "TuningFailed"),
    "Train": creation(requests.TRAIN, "trained", "Register", "TrainingFailed", exists="Training job exists?"),
    "Register": step(
        "register",
        {**taken("plan", "trained"), "image": "${InferenceImage}"},
        *("candidate", "Create model", "RegistrationFailed"),
    ),
}

_EVALUATION: States = {
    "Create model": creation(
        requests.CREATE_MODEL, None, "Batch inference", "EvaluationFailed", exists="Model exists?"
    ),
    "Batch inference": creation(
        requests.BATCH_INFERENCE,
        *("transformed", "Evaluate candidate", "EvaluationFailed"),
        exists="Transform job exists?",
    ),
    "Evaluate candidate": creation(
        requests.EVALUATE_CANDIDATE,
        *("evaluated", "Record decision", "EvaluationFailed"),
        exists="Evaluation job exists?",
    ),
    "Record decision": step(
        "record-decision", taken("plan", "candidate"), "decision", "Accepted?", "EvaluationFailed"
    ),
    "Accepted?": choice(
        when("decision.accepted", True, then="Approval required?"), default="Finalize rejected"
    ),
    "Approval required?": choice(
        when("plan.approval", True, then="Wait for approval"), default="Endpoint required?"
    ),
    "Wait for approval": {
        **task(
            f"{INTEGRATIONS}:lambda:invoke.waitForTaskToken",
            {
                "FunctionName": "${RetrainingFunction}",
                "Payload": {
                    "step": "request-approval",
                    **taken("plan", "decision"),
                    "token.$": "$$.Task.Token",
                    "topic": "${Topic}",
                },
            },
            *("approval", "Approved?"),
            [RETRY_STEP],
            [catch("Finalize declined", "States.Timeout", into=None), catch("ApprovalFailed")],
        ),
        "TimeoutSeconds": APPROVAL_SECONDS,
    },
    "Approved?": choice(
        when("approval.approved", True, then="Endpoint required?"), default="Finalize declined"
    ),
}


def _deployment(action: Action) -> State:
    """A state that starts to change the endpoint."""
    return creation(action, None, "Wait for endpoint", "DeploymentFailed", exists="Endpoint exists?")


_DEPLOYMENT: States = {
    "Endpoint required?": choice(
        when("plan.serving.kind", "embedded", then="Smoke test"), default="Create endpoint configuration"
    ),
    "Create endpoint configuration": creation(
        requests.CREATE_ENDPOINT_CONFIG,
        *(None, "Inspect endpoint", "DeploymentFailed"),
        exists="Endpoint configuration exists?",
    ),
    "Inspect endpoint": step(
        "inspect-endpoint", taken("plan"), "endpoint", "Endpoint state?", "DeploymentFailed"
    ),
    "Endpoint state?": choice(
        when("endpoint.state", "absent", then="Create endpoint"),
        when("endpoint.state", "changing", then="Wait for other update"),
        when("plan.serving.kind", "provisioned", then="Update provisioned endpoint"),
        default="Update serverless endpoint",
    ),
    "Wait for other update": wait(15, then="Inspect endpoint"),
    "Create endpoint": _deployment(requests.CREATE_ENDPOINT),
    "Update serverless endpoint": _deployment(requests.UPDATE_SERVERLESS),
    "Update provisioned endpoint": _deployment(requests.UPDATE_PROVISIONED),
    "Wait for endpoint": wait(15, then="Describe endpoint"),
    "Describe endpoint": query(requests.DESCRIBE_ENDPOINT, "deployed", "In service?", "DeploymentFailed"),
    # An update that fails leaves the endpoint in service, with the configuration that it had before.
    "In service?": choice(
        {
            "And": [
                equals("deployed.EndpointStatus", "InService"),
                {"Variable": "$.deployed.EndpointConfigName", "StringEqualsPath": "$.plan.name"},
            ],
            "Next": "Smoke test",
        },
        when(
            "deployed.EndpointStatus",
            *("InService", "Failed", "UpdateRollbackFailed", "OutOfService"),
            then="DeploymentFailed",
        ),
        default="Wait for endpoint",
    ),
    "Smoke test": step(
        "smoke-test", taken("plan", "candidate"), "smoke_test", "Smoke test passed?", "SmokeTestFailed"
    ),
    "Smoke test passed?": choice(when("smoke_test.passed", True, then="Promote"), default="SmokeTestFailed"),
    "Promote": step(
        "promote", taken("plan", "candidate"), "promoted", "Finalize deployed", "PromotionFailed"
    ),
}


def _finalize(outcome: str, payload: dict[str, str], end: str) -> State:
    return step(f"finalize-{outcome}", payload, "notification", f"Notify {end.lower()}", end)


_ENDS: States = {
    "Finalize deployed": _finalize("deployed", taken("plan", "candidate", "decision"), "Deployed"),
    "Finalize rejected": _finalize("rejected", taken("plan", "decision"), "Rejected"),
    # Without an answer in time, there is no `approval`, so the step gets the whole state.
    "Finalize declined": _finalize("declined", {"state.$": "$"}, "Rejected"),
    "Finalize unchanged": _finalize("unchanged", taken("plan"), "Unchanged"),
    **{
        f"Notify {end.lower()}": notification("notification", "message", end)
        for end in ("Deployed", "Rejected", "Unchanged")
    },
    **{end: {"Type": "Succeed"} for end in ("Deployed", "Rejected", "Unchanged")},
}

MAIN: States = {**_PLANNING, **_TRAINING, **_EVALUATION, **_DEPLOYMENT, **_ENDS}
DEFINITION: State = {
    "Comment": "Retrain a task: train, evaluate, deploy only what is better; roll back what does not answer.",
    "StartAt": "Plan",
    "TimeoutSeconds": MAX_SECONDS,
    "States": {**MAIN, **RECOVERY},
}

if __name__ == "__main__":
    write_or_check(FILE, json.dumps(DEFINITION, indent=2) + "\n", "statemachine.definition")
