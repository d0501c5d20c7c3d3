"""The jobs of a retraining in SageMaker."""

from typing import Any

from botocore.exceptions import ClientError

from chalicelib.retraining.planning.plan import Plan

JOBS = {
    "data": ("processing_job", "ProcessingJob", "{name}-data"),
    "tuning": ("hyper_parameter_tuning_job", "HyperParameterTuningJob", "{tuning_name}"),
    "training": ("training_job", "TrainingJob", "{name}"),
    "transform": ("transform_job", "TransformJob", "{name}"),
    "evaluation": ("processing_job", "ProcessingJob", "{name}-eval"),
    # Executions that were started by release 0.1 call it so.
    "judgement": ("processing_job", "ProcessingJob", "{name}-judge"),
}
"""By what the state machine creates: noun of the job in boto3 and in SageMaker, and pattern of its name."""
_NOT_RUNNING = ("ResourceNotFound", "ValidationException")
"""SageMaker's answers if a job does not exist, or has ended."""


def stop_jobs(plan: Plan, sagemaker: Any) -> None:
    """Stop what still runs of a retraining. Step Functions stops no job whose creation was never confirmed.

    Args:
        plan: of the retraining.
        sagemaker: a boto3 client.
    """
    for noun, title, pattern in JOBS.values():
        try:
            getattr(sagemaker, f"stop_{noun}")(**{f"{title}Name": pattern.format(**plan)})
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NOT_RUNNING:
                raise
