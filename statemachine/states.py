"""States of the Amazon States Language, in the forms that the retraining uses.

Every task says what is retried, and where a failure leads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

State = dict[str, Any]
States = dict[str, State]

INTEGRATIONS = "arn:${Partition}:states::"
"""The beginning of the ARN of every integration. China and GovCloud are partitions of their own."""
STEP_SECONDS = 960
"""A Lambda function runs for at most 15 minutes."""
JOB_POLL_SECONDS = 300
"""Between polls of a job. A day of waiting takes 2,600 of the 25,000 events of an execution."""
_STEP_ERRORS = (
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
    "StepInterrupted",
)
"""A step was killed, or a service that it needs did not answer."""


@dataclass(frozen=True)
class Action:
    """A request to SageMaker."""

    name: str
    """As in ARNs of integrations, for example `sagemaker:createModel`."""
    parameters: State
    result: State | None = None
    """What is kept of the answer: the ResultSelector; None for all of it."""

    @property
    def errors(self) -> tuple[str, ...]:
        """The general error, whose name depends on the integration, and that of a lost answer."""
        sdk = self.name.startswith("aws-sdk")
        return (
            "SageMaker.SageMakerException" if sdk else "SageMaker.AmazonSageMakerException",
            "SageMaker.SdkClientException",
        )

    @property
    def unconfirmed(self) -> tuple[str, ...]:
        """Errors of a creation that may have succeeded: a repeated request finds that the name is taken."""
        return (*self.errors, "SageMaker.ResourceInUseException")


def retry(errors: Sequence[str], interval: int, attempts: int, **limits: int | str) -> State:
    """A retrier that waits `interval` seconds, then twice as long each time."""
    backoff = {"IntervalSeconds": interval, "MaxAttempts": attempts, "BackoffRate": 2}
    return {"ErrorEquals": [*errors], **backoff, **limits}


_SPREAD = {"JitterStrategy": "FULL"}
RETRY_STEP = retry(_STEP_ERRORS, 2, 8, MaxDelaySeconds=120, **_SPREAD)
RETRY_ROLLBACK = retry(_STEP_ERRORS, 2, 20, MaxDelaySeconds=300, **_SPREAD)
RETRY_NOTIFICATION = retry(["SNS.AmazonSNSException", "SNS.SdkClientException"], 2, 5, **_SPREAD)
RETRY_QUOTA = retry(["SageMaker.ResourceLimitExceededException"], 60, 48, MaxDelaySeconds=900)
"""For about eleven hours: until other jobs have left the quota."""


def catch(target: str, *errors: str, into: str | None = "error") -> State:
    """A catcher that goes to the state `target`; it catches everything if no errors are given."""
    return {"ErrorEquals": [*(errors or ("States.ALL",))], "ResultPath": _path(into), "Next": target}


def task(
    resource: str,
    parameters: State,
    into: str | None,
    then: str,
    retriers: list[State],
    catchers: list[State],
) -> State:
    """A task; `into` is the key of its result in the state: None discards it, "" replaces the state."""
    state = {"Type": "Task", "Resource": resource, "Parameters": parameters}
    return state | {"Retry": retriers, "Catch": catchers, "ResultPath": _path(into), "Next": then}


def step(name: str, payload: Mapping[str, str], into: str, then: str, failed: str) -> State:
    """A step of `chalicelib.retraining.steps`; the payload holds its arguments."""
    parameters = {"step": name, **payload}
    state = task("${RetrainingFunction}", parameters, into, then, [RETRY_STEP], [catch(failed)])
    return state | {"TimeoutSeconds": STEP_SECONDS}


def taken(*keys: str) -> dict[str, str]:
    """The part of a payload that is taken from the state, key by key."""
    return {f"{key}.$": f"$.{key}" for key in keys}


def query(action: Action, into: str, then: str, failed: str) -> State:
    """A request to SageMaker that changes nothing."""
    return _request(action, into, then, [catch(failed)])


def creation(action: Action, into: str | None, then: str, failed: str, exists: str) -> State:
    """A request to SageMaker that creates or updates something.

    If the request fails although it may have succeeded, the state `exists` looks for the resource; see
    `chalicelib.retraining.creation_checker`.
    """
    return _request(action, into, then, [catch(exists, *action.unconfirmed), catch(failed)])


def adoption(title: str, kind: str, name: str, then: str, failed: str, missing: str) -> States:
    """States that follow a job whose creation was not confirmed, from `Describe TITLE` on.

    Args:
        title: of the job in the names of the states.
        kind: SageMaker's name of such jobs, for example `TransformJob`.
        name: path or intrinsic function of its name.
        then: the state after it has completed.
        failed: the state after it has failed, or was stopped.
        missing: the state if it was not created.
    """
    begin, ended, pause = f"Describe {title}", f"{title.capitalize()} ended?", f"Wait for {title}"
    action = Action(
        f"aws-sdk:sagemaker:describe{kind}", {f"{kind}Name.$": name}, {"status.$": f"$.{kind}Status"}
    )
    return {
        begin: _request(action, "job", ended, [catch(missing, into=None)]),
        ended: choice(
            when("job.status", "Completed", then=then),
            when("job.status", "InProgress", "Stopping", then=pause),
            default=failed,
        ),
        pause: wait(JOB_POLL_SECONDS, then=begin),
    }


def _request(action: Action, into: str | None, then: str, catchers: list[State]) -> State:
    retriers = [RETRY_QUOTA, retry(action.errors, 5, 6, MaxDelaySeconds=60, **_SPREAD)]
    state = task(f"{INTEGRATIONS}:{action.name}", action.parameters, into, then, retriers, catchers)
    return state if action.result is None else state | {"ResultSelector": action.result}


def notification(source: str, message: str, then: str) -> State:
    """Publishes a subject and a message. The retraining ends in the same state if that fails."""
    texts = {"Subject.$": f"$.{source}.subject", "Message.$": f"$.{source}.{message}"}
    parameters = {"TopicArn": "${Topic}", **texts}
    return task(f"{INTEGRATIONS}:sns:publish", parameters, None, then, [RETRY_NOTIFICATION], [catch(then)])


def constant(key: str, value: str, then: str) -> State:
    """A state that sets a key of the state."""
    return {"Type": "Pass", "Result": value, "ResultPath": f"$.{key}", "Next": then}


def wait(seconds: int, then: str) -> State:
    """A pause."""
    return {"Type": "Wait", "Seconds": seconds, "Next": then}


def choice(*choices: State, default: str) -> State:
    """The first of the choices that holds."""
    return {"Type": "Choice", "Choices": [*choices], "Default": default}


def equals(variable: str, value: str | bool) -> State:
    """The rule that a variable of the state has a value."""
    operator = "BooleanEquals" if isinstance(value, bool) else "StringEquals"
    return {"Variable": f"$.{variable}", operator: value}


def when(variable: str, *values: str | bool, then: str) -> State:
    """The choice that is taken if a variable of the state has one of the values."""
    rules = [equals(variable, value) for value in values]
    return {**(rules[0] if len(rules) == 1 else {"Or": rules}), "Next": then}


def _path(key: str | None) -> str | None:
    return None if key is None else f"$.{key}".rstrip(".")
