"""Why a retraining failed, in words that say what to do."""

import json
import re
from collections.abc import Mapping
from typing import Any

STOPPED = "Stopped"
MAX_CHARACTERS = 1500
_SCRIPT = re.compile(r'ExecuteUserScriptError:.*?ErrorMessage "(.*?\S)"\s*Command "', re.DOTALL)
"""What SageMaker's containers say of a script that failed, around what it has printed."""

ADVICE = {
    "DataFailed": "Put the data set in order and start again.",
    "TuningFailed": "Its training jobs' logs in /aws/sagemaker/TrainingJobs say more. Start again with fewer "
    "trials, or without 'tune'.",
    "TrainingFailed": "Its log in /aws/sagemaker/TrainingJobs says more. Mend the data or the "
    "hyper-parameters and start again.",
    "RegistrationFailed": "The current model stays. The training job's log in "
    "/aws/sagemaker/TrainingJobs says what it packed. Start again.",
    "EvaluationFailed": "The log of the transform job (/aws/sagemaker/TransformJobs) or of the judging job "
    "(/aws/sagemaker/ProcessingJobs) says more. Start again.",
    "ApprovalFailed": "Start again, or deploy without approval.",
    "DeploymentFailed": "The endpoint's log in /aws/sagemaker/Endpoints says why it did not start. "
    "Everything is as before. Start again, or choose another kind of endpoint in the task's [serving].",
    "SmokeTestFailed": "What is deployed answers otherwise than what was judged. Everything is as before. "
    "Compare the containers of training and endpoint, then start again.",
    "PromotionFailed": "Everything is as before. Start again.",
}


def explain(state: str, error: Mapping[str, Any]) -> str:
    """One or two sentences for people.

    Args:
        state: in which the retraining failed; a key of `ADVICE`.
        error: what Step Functions caught: `{"Error", "Cause"}`.
    """
    return f"{reason_of(error)} {ADVICE[state]}".strip()


def reason_of(error: Mapping[str, Any]) -> str:
    """What went wrong, as a sentence: `error` is what Step Functions caught, `{"Error", "Cause"}`."""
    reason = read_cause(str(error.get("Cause", ""))) or str(error.get("Error", ""))
    reason = reason.strip()[:MAX_CHARACTERS]
    return f"{reason}." if reason and reason[-1] not in ".!?" else reason


def read_cause(cause: str) -> str:
    """What a job, a Lambda or a service gave as the reason."""
    try:
        facts = json.loads(cause)
    except ValueError:
        return cause
    if not isinstance(facts, dict):
        return cause
    if any(key.endswith("Status") and value == STOPPED for key, value in facts.items()):
        return "Somebody stopped the job, or it ran out of time."
    for key in ("ExitMessage", "FailureReason", "errorMessage"):
        if facts.get(key):
            said = _SCRIPT.search(str(facts[key]))
            return said[1].splitlines()[-1].removeprefix("error: ") if said else str(facts[key])
    return cause
