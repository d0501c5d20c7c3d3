"""What the state machine asks of SageMaker: jobs, models and endpoints."""

from typing import Any

from chalicelib.media_types import ARRAY_TYPE
from statemachine.states import Action, State
from training.search_space import PARALLEL_JOBS, metric_definitions, tuning_job

JOB_SECONDS = 12 * 3600
"""For a processing job."""
CONCURRENT_TRANSFORMS = 4
"""Images that the transform job classifies at a time: the cores of its instance, ml.c5.xlarge. The default of
SageMaker is 1."""
MAX_PAYLOAD_MB = 6
"""Of a prepared image; SageMaker's default. `chalicelib.tasks` limits the input of a task to 4 MB."""
FOLDER = "/opt/ml/processing"
"""Of the inputs and outputs of a processing job."""
_TAGS = {
    "Tags": [{"Key": "application", "Value": "negatoscope"}, {"Key": "stage", "Value": "${Stage}"}],
}
"""As of the resources of the stacks, by which costs can be told apart."""


def _below(folder: str) -> str:
    """The S3 URI of a folder of the retraining."""
    return f"States.Format('{{}}{folder}', $.plan.folder)"


def processing_job(
    name: str, inputs: dict[str, State], output: State, cluster: State, arguments: State, role: str
) -> State:
    """The parameters of a job that runs a module of the training code.

    Args:
        name: of the job: a path or an intrinsic function.
        inputs: where each is in S3, by name; the code is one more. It lies in /opt/ml/processing/NAME.
        output: name (`OutputName`) and place (`S3Uri`) of the folder /opt/ml/processing/output.
        cluster: number and type of instances, and size of their volumes.
        arguments: the member with the module and its arguments.
        role: of the job.
    """
    kind = {"S3DataType": "S3Prefix", "S3InputMode": "File"}
    place = {key: value for key, value in output.items() if key != "OutputName"}
    target = {**place, "LocalPath": f"{FOLDER}/output", "S3UploadMode": "EndOfJob"}
    return {
        "ProcessingJobName.$": name,
        "RoleArn": role,
        "AppSpecification": {
            "ImageUri": "${TrainingImage}",
            "ContainerEntrypoint": ["bash", f"{FOLDER}/code/run.sh", f"{FOLDER}/code/sourcedir.tar.gz"],
            **arguments,
        },
        "Environment": {
            "MESSAGE": "/opt/ml/output/message",
            "RESOURCES": "/opt/ml/config/resourceconfig.json",
        },
        "ProcessingInputs": [
            {"InputName": name, "S3Input": {**source, "LocalPath": f"{FOLDER}/{name}", **kind}}
            for name, source in ({"code": {"S3Uri": "${Code}/"}} | inputs).items()
        ],
        "ProcessingOutputConfig": {
            "KmsKeyId": "${DataKey}",
            "Outputs": [{"OutputName": output["OutputName"], "S3Output": target}],
        },
        "ProcessingResources": {"ClusterConfig": {**cluster, "VolumeKmsKeyId": "${DataKey}"}},
        "NetworkConfig": {"EnableInterContainerTrafficEncryption": True},
        "StoppingCondition": {"MaxRuntimeInSeconds": JOB_SECONDS},
        **_TAGS,
    }


def _processing(
    suffix: str, arguments: str, output: str, inputs: dict[str, str], count: dict[str, Any]
) -> Action:
    """A job of a retraining.

    Args:
        suffix: of the job's name.
        arguments: path or intrinsic function that names the module and its arguments.
        output: name of the output, and of its folder.
        inputs: S3 URIs of folders by name, as paths or intrinsic functions.
        count: the member with the number of instances.
    """
    parameters = processing_job(
        name=f"States.Format('{{}}-{suffix}', $.plan.name)",
        inputs={name: {"S3Uri.$": uri} for name, uri in inputs.items()},
        output={"OutputName": output, "S3Uri.$": _below(output)},
        cluster={
            **count,
            "InstanceType.$": "$.plan.processing.instance_type",
            "VolumeSizeInGB.$": "$.plan.processing.volume_gb",
        },
        arguments={"ContainerArguments.$": arguments},
        role="${SageMakerRole}",
    )
    return Action("sagemaker:createProcessingJob.sync", parameters, {"job.$": "$.ProcessingJobName"})


PREPARE_DATA = _processing(
    "data",
    "$.plan.preparing.arguments",
    "data",
    inputs={},
    count={"InstanceCount.$": "$.plan.preparing.instance_count"},
)

_EVALUATION = {
    "task": "$.plan.task",
    "data": f"'{FOLDER}/data'",
    "answers": f"'{FOLDER}/answers'",
    "candidate": f"'{FOLDER}/candidate/model.tar.gz'",
    "current": "$.plan.current.path",
    "current-origin": "$.plan.current.origin",
    "output": f"'{FOLDER}/output'",
}
_ARGUMENTS = ", ".join(f"'--{name}', {value}" for name, value in _EVALUATION.items())
EVALUATE_CANDIDATE = _processing(
    "eval",
    f"States.Array('training.evaluate_candidate', {_ARGUMENTS})",
    "evaluation",
    inputs={
        "data": _below("data/"),
        "answers": _below("answers/"),
        "candidate": "$.candidate.uri",
        "current": "$.plan.current.uri",
    },
    count={"InstanceCount": 1},
)

# ---------------------------------------------------------------------------------------------- training

_TRAINING: State = {
    "AlgorithmSpecification": {
        "TrainingImage": "${TrainingImage}",
        "TrainingInputMode": "File",
        "MetricDefinitions": metric_definitions(),
    },
    "RoleArn": "${SageMakerRole}",
    "InputDataConfig.$": "$.plan.training.inputs",
    "OutputDataConfig": {"S3OutputPath.$": _below("training"), "KmsKeyId": "${DataKey}"},
    "CheckpointConfig": {"S3Uri.$": _below("checkpoints")},
    "ResourceConfig.$": "$.plan.training.resources",
    "EnableInterContainerTrafficEncryption": True,
    "EnableManagedSpotTraining.$": "$.plan.training.spot",
    "StoppingCondition.$": "$.plan.training.stopping",
}
_HYPERPARAMETERS = "$.plan.training.hyperparameters"
_TRAINED = {"job.$": "$.TrainingJobName", "model.$": "$.ModelArtifacts.S3ModelArtifacts"}
TRAIN = Action(
    "sagemaker:createTrainingJob.sync",
    {"TrainingJobName.$": "$.plan.name", "HyperParameters.$": _HYPERPARAMETERS, **_TRAINING, **_TAGS},
    _TRAINED,
)
TUNE_HYPERPARAMETERS = Action(
    "sagemaker:createHyperParameterTuningJob.sync",
    {
        "HyperParameterTuningJobName.$": "$.plan.tuning_name",
        "HyperParameterTuningJobConfig": {
            **tuning_job({}, trials=PARALLEL_JOBS)["HyperParameterTuningJobConfig"],
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs.$": "$.plan.trials",
                "MaxParallelTrainingJobs": PARALLEL_JOBS,
            },
        },
        "TrainingJobDefinition": {"StaticHyperParameters.$": _HYPERPARAMETERS, **_TRAINING},
        **_TAGS,
    },
    {"job.$": "$.BestTrainingJob.TrainingJobName"},
)
DESCRIBE_TRAINING_JOB = Action(
    "aws-sdk:sagemaker:describeTrainingJob", {"TrainingJobName.$": "$.trained.job"}, _TRAINED
)

# ------------------------------------------------------------------------------- inference and endpoints

CREATE_MODEL = Action(
    "sagemaker:createModel",
    {
        "ModelName.$": "$.plan.name",
        "ExecutionRoleArn": "${SageMakerRole}",
        "PrimaryContainer": {
            "Image": "${InferenceImage}",
            # The registry's copy: the model that is evaluated is the one that will serve.
            "ModelDataUrl.$": "$.candidate.uri",
            "Environment": {
                "SAGEMAKER_PROGRAM": "inference.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            },
        },
        **_TAGS,
    },
)


def transform_job(name: str, model: str, arrays: str, answers: str) -> State:
    """The parameters of a job that classifies prepared arrays, each an object of its own.

    Args:
        name: of the job: a path or an intrinsic function, as all others.
        model: SageMaker's name of the model.
        arrays: S3 URI of their folder.
        answers: S3 URI of the folder of the answers.
    """
    return {
        "TransformJobName.$": name,
        "ModelName.$": model,
        "TransformInput": {
            "ContentType": ARRAY_TYPE,
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri.$": arrays}},
        },
        "TransformOutput": {
            "S3OutputPath.$": answers,
            "Accept": "application/json",
            "KmsKeyId": "${DataKey}",
        },
        "TransformResources": {
            "InstanceCount": 1,
            "InstanceType": "${TransformInstanceType}",
            "VolumeKmsKeyId": "${DataKey}",
        },
        "MaxConcurrentTransforms": CONCURRENT_TRANSFORMS,
        "MaxPayloadInMB": MAX_PAYLOAD_MB,
        **_TAGS,
    }


BATCH_INFERENCE = Action(
    "sagemaker:createTransformJob.sync",
    transform_job("$.plan.name", "$.plan.name", _below("data/test/"), _below("answers")),
    {"job.$": "$.TransformJobName"},
)
CREATE_ENDPOINT_CONFIG = Action(
    "sagemaker:createEndpointConfig",
    {"EndpointConfigName.$": "$.plan.name", "ProductionVariants.$": "$.plan.serving.variants", **_TAGS},
)
_ENDPOINT = {"EndpointName.$": "$.plan.serving.endpoint", "EndpointConfigName.$": "$.plan.name"}
CREATE_ENDPOINT = Action("sagemaker:createEndpoint", {**_ENDPOINT, **_TAGS})
UPDATE_SERVERLESS = Action("sagemaker:updateEndpoint", _ENDPOINT)
UPDATE_PROVISIONED = Action(
    "aws-sdk:sagemaker:updateEndpoint",
    {
        **_ENDPOINT,
        "DeploymentConfig.$": "$.plan.serving.update",
        "RetainAllVariantProperties.$": "$.endpoint.retain",
    },
)
# An endpoint that has never served anything may have no EndpointConfigName, which a selection would fail on.
DESCRIBE_ENDPOINT = Action(
    "aws-sdk:sagemaker:describeEndpoint", {"EndpointName.$": "$.plan.serving.endpoint"}
)
