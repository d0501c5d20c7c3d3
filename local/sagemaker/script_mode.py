"""Script mode: arguments, variables and files of a training program, as in SageMaker's training toolkit."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.sagemaker import hosts
from local.sagemaker.job_folder import JobFolder
from local.sagemaker.resources import Record

PROGRAM = "sagemaker_program"
SUBMIT_DIRECTORY = "sagemaker_submit_directory"
OBJECTIVE = "_tuning_objective_metric"
"""The hyper-parameter that a tuning job adds. It is not an argument of the program."""


def decode(text: str) -> Any:
    """The value of a hyper-parameter: parsed if it is JSON, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def user_parameters(hyperparameters: Mapping[str, str]) -> dict[str, Any]:
    """The hyper-parameters that are arguments of the program."""
    return {
        name: decode(value)
        for name, value in hyperparameters.items()
        if not name.startswith("sagemaker_") and name != OBJECTIVE
    }


def arguments(parameters: Mapping[str, Any]) -> list[str]:
    """The program's arguments: `--name value`, sorted by name."""
    words = []
    for name, value in sorted(parameters.items()):
        words.append(f"--{name}" if len(name) > 1 else f"-{name}")
        if isinstance(value, dict):
            words.append(",".join(f"{key}={item}" for key, item in sorted(value.items())))
        else:
            words.append(str(value))
    return words


def command(python: Path, program: str, words: list[str]) -> list[str]:
    """The command line: Python scripts run in the interpreter, other programs directly."""
    return [str(python), "-u", program, *words] if program.endswith(".py") else [f"./{program}", *words]


def job_hosts(job: Record) -> list[str]:
    """The hosts of a training job."""
    return hosts.names(job["TrainingJobName"], job["ResourceConfig"]["InstanceCount"])


def write_configuration(folder: JobFolder, job: Record, host: str) -> None:
    """Write the files under input/config of a training container."""
    channels = {
        channel["ChannelName"]: {
            "TrainingInputMode": channel.get("InputMode", "File"),
            "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                "S3DataDistributionType", "FullyReplicated"
            ),
            "RecordWrapperType": "None",
            **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
        }
        for channel in job.get("InputDataConfig", ())
    }
    folder.write_config("hyperparameters", job.get("HyperParameters", {}))
    folder.write_config("inputdataconfig", channels)
    folder.write_config("resourceconfig", resources(job, host))


def resources(job: Record, host: str) -> dict[str, Any]:
    """The content of resourceconfig.json."""
    return {
        **hosts.description(host, job_hosts(job)),
        "network_interface_name": "lo",
        "current_instance_type": job["ResourceConfig"]["InstanceType"],
        "current_group_name": "homogeneousCluster",
    }


def variables(folder: JobFolder, job: Record, host: str) -> dict[str, str]:
    """The environment of the program: SageMaker's variables, then those of the job."""
    root = folder.root
    hyperparameters = job["HyperParameters"]
    parameters = user_parameters(hyperparameters)
    channels = sorted(channel["ChannelName"] for channel in job.get("InputDataConfig", ()))
    program = decode(hyperparameters[PROGRAM])
    return {
        "PYTHONPATH": str(root / "code"),
        "PYTHONUNBUFFERED": "1",
        "SM_CHANNELS": json.dumps(channels),
        "SM_CHECKPOINT_DIR": str(root / "checkpoints"),
        "SM_CURRENT_HOST": host,
        "SM_CURRENT_INSTANCE_TYPE": job["ResourceConfig"]["InstanceType"],
        "SM_HOSTS": json.dumps(job_hosts(job)),
        "SM_HPS": json.dumps(parameters),
        "SM_INPUT_CONFIG_DIR": str(root / "input" / "config"),
        "SM_INPUT_DIR": str(root / "input"),
        "SM_LOG_LEVEL": "20",
        "SM_MODEL_DIR": str(root / "model"),
        "SM_MODULE_DIR": str(decode(hyperparameters[SUBMIT_DIRECTORY])),
        "SM_MODULE_NAME": str(program).removesuffix(".py"),
        "SM_NETWORK_INTERFACE_NAME": "lo",
        "SM_NUM_CPUS": str(os.cpu_count() or 1),
        "SM_NUM_GPUS": str(count_gpus()),
        "SM_OUTPUT_DATA_DIR": str(root / "output" / "data"),
        "SM_OUTPUT_DIR": str(root / "output"),
        "SM_RESOURCE_CONFIG": json.dumps(resources(job, host)),
        "SM_USER_ARGS": json.dumps(arguments(parameters)),
        "SM_USER_ENTRY_POINT": str(program),
        "TRAINING_JOB_ARN": job["TrainingJobArn"],
        "TRAINING_JOB_NAME": job["TrainingJobName"],
        **{f"SM_CHANNEL_{name.upper()}": str(root / "input" / "data" / name) for name in channels},
        **{f"SM_HP_{name.upper()}": str(value) for name, value in parameters.items()},
        **{name: folder.outside(value) for name, value in job.get("Environment", {}).items()},
    }


def count_gpus() -> int:
    """The number of NVIDIA devices on this machine."""
    return len([device for device in Path("/dev").glob("nvidia*") if device.name[6:].isdigit()])
