"""Explains why a retraining failed, and what to do."""

import json
import re
from collections.abc import Mapping
from typing import Any

from chalicelib.retraining.payloads import Failure

STOPPED = "Stopped"
MAX_CHARACTERS = 1500
_SCRIPT = re.compile(r'ExecuteUserScriptError:.*?ErrorMessage "(.*?\S)"\s*Command "', re.DOTALL)
"""The message of SageMaker's containers around the output of a script that failed."""

ADVICE: Mapping[Failure, str] = {
    "DataFailed": "Fix the cause, which may be the data set, and start again.",
    "TuningFailed": "See the logs of its training jobs in /aws/sagemaker/TrainingJobs. Start again with "
    "fewer trials, or without 'tune'.",
    "TrainingFailed": "See its log in /aws/sagemaker/TrainingJobs. Correct the data or the hyper-parameters "
    "and start again.",
    "RegistrationFailed": "The current model stays. See the log of the training job in "
    "/aws/sagemaker/TrainingJobs for what it packed. Start again.",
    "EvaluationFailed": "See the log of the transform job (/aws/sagemaker/TransformJobs) or of the "
    "evaluation job (/aws/sagemaker/ProcessingJobs). Start again.",
    "ApprovalFailed": "Start again, or deploy without approval.",
    "DeploymentFailed": "The endpoint's log in /aws/sagemaker/Endpoints says why it did not start "
    "or answered with errors. The previous model is still deployed. Start again, or choose another kind of "
    "endpoint in the task's [serving].",
    "SmokeTestFailed": "The endpoint's answers differ from those of the evaluation. The previous model is "
    "still deployed. Compare the containers of training and endpoint, then start again.",
    "PromotionFailed": "The previous model is still deployed. Start again.",
}


QUOTA_ERRORS = ("ResourceLimitExceeded", "SageMaker.ResourceLimitExceededException")
"""The error of a request for which the account's quota does not suffice, in the SDK and in Step Functions."""
QUOTA_ADVICE = (
    "The current model stays. Ask for a higher quota in Service Quotas (Amazon SageMaker), or deploy another "
    "type of instance with INSTANCE=, and start again."
)


def explain(state: Failure, error: Mapping[str, Any]) -> str:
    """The cause of a failure, and what to do about it.

    Args:
        state: which failure it was.
        error: that Step Functions caught: `{"Error", "Cause"}`.
    """
    advice = QUOTA_ADVICE if error.get("Error") in QUOTA_ERRORS else ADVICE[state]
    return f"{reason_of(error)} {advice}".strip()


def reason_of(error: Mapping[str, Any]) -> str:
    """The cause of an error, `{"Error", "Cause"}`, as a sentence."""
    reason = read_cause(str(error.get("Cause", ""))) or str(error.get("Error", ""))
    reason = reason.strip()[:MAX_CHARACTERS]
    return f"{reason}." if reason and reason[-1] not in ".!?" else reason


def read_cause(cause: str) -> str:
    """The message of the job, Lambda or service that failed; `cause` is text or a JSON description."""
    try:
        facts = json.loads(cause)
    except ValueError:
        return cause
    if not isinstance(facts, dict):
        return cause
    if any(key.endswith("Status") and value == STOPPED for key, value in facts.items()):
        return "The job was stopped, or exceeded its time limit."
    for key in ("ExitMessage", "FailureReason", "errorMessage"):
        if facts.get(key):
            said = _SCRIPT.search(str(facts[key]))
            return said[1].splitlines()[-1].removeprefix("error: ") if said else str(facts[key])
    return cause
