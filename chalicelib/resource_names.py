"""Names of a stage's AWS resources. Each is `negatoscope-STAGE`, or begins with it and a hyphen.

The templates compose the same names with `!Sub`; tests/unit/test_resource_names.py compares the two.
"""

_APPLICATION = "negatoscope"


def resource_name(stage: str, *parts: str) -> str:
    """`negatoscope-STAGE` with `parts` joined to it by hyphens.

    Without parts it is the name of the API, of the Lambda that serves it, and of the user pool.
    """
    return "-".join((_APPLICATION, stage, *parts))


def prefix(stage: str) -> str:
    """The beginning of the names of all other resources. Stage names have no hyphen, so stages never mix."""
    return f"{resource_name(stage)}-"


def function_name(stage: str, function: str) -> str:
    """The name that Chalice gives to a Lambda, which app.py calls `function`."""
    return resource_name(stage) if function == "api_handler" else resource_name(stage, function)


def stack_name(stage: str, stack: str) -> str:
    """The name of a CloudFormation stack: foundation, retraining, site or alarms."""
    return resource_name(stage, stack)


def data_bucket(stage: str, account: str) -> str:
    """The name of the data bucket. Names of buckets are unique across all AWS accounts."""
    return resource_name(stage, "data", account)


def access_log(stage: str) -> str:
    """The name of the log group with the requests to the API."""
    return resource_name(stage, "access")


def lost_events_queue(stage: str) -> str:
    """The name of the queue for events on which a Lambda has failed three times."""
    return resource_name(stage, "lost-events")


def endpoint(stage: str, task: str) -> str:
    """The name of the SageMaker endpoint that serves a task's retrained models."""
    return resource_name(stage, task)


def endpoint_alarm(stage: str, task: str) -> str:
    """The name of the alarm that makes SageMaker take back an update of the endpoint."""
    return resource_name(stage, task, "endpoint-errors")


def model_package_group(stage: str, task: str) -> str:
    """The name of the group in SageMaker's model registry that lists a task's models."""
    return resource_name(stage, task)


def retraining_job(stage: str, task: str, suffix: str) -> str:
    """The name of a retraining's training job; its other jobs and its model begin with it."""
    return resource_name(stage, task, suffix)


def batch_job(stage: str, suffix: str) -> str:
    """The name of the transform job of a batch."""
    return resource_name(stage, "batch", suffix)


def tuning_job(stage: str, suffix: str) -> str:
    """The name of a retraining's tuning job: without the task, because it may have 32 characters only."""
    return resource_name(stage, suffix)
