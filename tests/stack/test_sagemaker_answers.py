"""Every response of the local SageMaker matches botocore's model of the service."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.sagemaker import api_model
from local.sagemaker.compute_host import ComputeHost
from local.sagemaker.service import Service
from tests.stack.sagemaker_harness import BUCKET, SageMakerHarness, refusal
from tests.stack.test_model_registry import specification
from tests.stack.test_processing_jobs import processing
from tests.stack.test_transform_jobs import transform
from tests.stack.test_tuning_jobs import TRIAL, tuning

WAIT = "import time\ntime.sleep(600)"


def differences(operation: str, answer: Any) -> list[str]:
    shape = api_model.model().operation_model(operation).output_shape
    return list(api_model.violations(shape, answer)) if shape else [str(answer)] if answer else []


def test_every_response_matches_the_model_of_the_api(harness: SageMakerHarness, tmp_path: Path) -> None:
    answers: dict[str, list[Any]] = defaultdict(list)

    def record(model: Any, http_response: Any, **_: Any) -> None:
        answers[model.name].append(json.loads(http_response.content))

    events = harness.sagemaker.meta.events
    events.register("after-call.sagemaker.*", record)
    try:
        call_everything(harness)
    finally:
        events.unregister("after-call.sagemaker.*", record)

    known = Service(ComputeHost(tmp_path / "python", tmp_path, "http://127.0.0.1:9")).operations
    assert answers.keys() == known.keys()
    wrong = {
        operation: found
        for operation, given in answers.items()
        if (found := [difference for answer in given for difference in differences(operation, answer)])
    }
    assert wrong == {}
    lists = [operation for operation in known if operation.startswith("List")]
    empty = [
        name for name in lists if not any(value for answer in answers[name] for value in answer.values())
    ]
    assert empty == []


def call_everything(harness: SageMakerHarness) -> None:
    jobs(harness)
    serving(harness)
    registry(harness)


def jobs(harness: SageMakerHarness) -> None:
    """Describe every job while it runs and when it has ended."""
    sagemaker = harness.sagemaker
    harness.put("data/answers/a.txt", "hello")
    done = harness.train("print('fine')")
    stopped = harness.train(WAIT)
    search, searched = tuning(harness, WAIT), tuning(harness, TRIAL, jobs=1)
    searched["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxParallelTrainingJobs"] = 1
    for request in (search, searched):
        sagemaker.create_hyper_parameter_tuning_job(**request)
    batch = transform(harness, harness.model("bob"), f"s3://{BUCKET}/data/answers/")
    sagemaker.create_transform_job(**batch)
    work = processing(harness, WAIT)
    work["ProcessingInputs"] = work["ProcessingInputs"][:1]
    sagemaker.create_processing_job(**work)
    tunings = [
        {"HyperParameterTuningJobName": one["HyperParameterTuningJobName"]} for one in (search, searched)
    ]
    sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(**tunings[0])
    sagemaker.stop_training_job(TrainingJobName=stopped)
    sagemaker.stop_hyper_parameter_tuning_job(**tunings[0])
    sagemaker.stop_processing_job(ProcessingJobName=work["ProcessingJobName"])
    sagemaker.stop_transform_job(TransformJobName=batch["TransformJobName"])
    for name in (done, stopped):
        harness.trained(name)
    for named in tunings:
        harness.over(lambda named=named: sagemaker.describe_hyper_parameter_tuning_job(**named))
        sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(**named)
    harness.over(lambda: sagemaker.describe_processing_job(ProcessingJobName=work["ProcessingJobName"]))
    harness.over(lambda: sagemaker.describe_transform_job(TransformJobName=batch["TransformJobName"]))
    sagemaker.list_training_jobs()
    sagemaker.list_hyper_parameter_tuning_jobs()
    sagemaker.list_transform_jobs()
    sagemaker.list_processing_jobs()


def serving(harness: SageMakerHarness) -> None:
    sagemaker = harness.sagemaker
    model = harness.model("bob")
    instances = {"ServerlessConfig": None, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    configs = [harness.config(model), harness.config(model, **instances)]
    endpoint = harness.endpoint(configs[0])
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=configs[1])
    harness.served(endpoint)
    wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}]
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint, DesiredWeightsAndCapacities=wanted
    )
    sagemaker.list_endpoints()
    sagemaker.describe_endpoint_config(EndpointConfigName=configs[1])
    sagemaker.list_endpoint_configs()
    sagemaker.describe_model(ModelName=model)
    sagemaker.list_models()
    harness.remove(endpoint)
    sagemaker.delete_endpoint_config(EndpointConfigName=configs[0])
    sagemaker.delete_model(ModelName=model)


def registry(harness: SageMakerHarness) -> None:
    sagemaker = harness.sagemaker
    group = harness.name("group")
    arn = sagemaker.create_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
    package = sagemaker.create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=specification(f"s3://{BUCKET}/models/any.tar.gz")
    )["ModelPackageArn"]
    alone = harness.name("alone")
    sagemaker.create_model_package(ModelPackageName=alone)
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Rejected")
    sagemaker.describe_model_package(ModelPackageName=package)
    sagemaker.describe_model_package(ModelPackageName=alone)
    sagemaker.list_model_packages(ModelPackageGroupName=group)
    sagemaker.list_model_packages()
    sagemaker.describe_model_package_group(ModelPackageGroupName=group)
    sagemaker.list_model_package_groups()
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    sagemaker.list_tags(ResourceArn=arn)
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])
    sagemaker.delete_model_package(ModelPackageName=package)
    sagemaker.delete_model_package(ModelPackageName=alone)
    sagemaker.delete_model_package_group(ModelPackageGroupName=group)


def test_unknown_operation_is_refused(harness: SageMakerHarness) -> None:
    with pytest.raises(ClientError) as error:
        harness.sagemaker.list_domains()

    assert refusal(error)[0] == "UnknownOperationException"
