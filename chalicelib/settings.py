"""The settings in the environment. No other module reads os.environ."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import get_args

from chalicelib.resource_names import function_name
from chalicelib.tasks import ENDPOINT_NAME, EndpointSpec, ServingKind, load_tasks


class SettingsError(RuntimeError):
    """The environment is incomplete or invalid. The message names every problem."""


@dataclass(frozen=True)
class Settings:
    """The settings of one stage."""

    stage: str
    data_bucket: str
    results_table: str
    retrainings_table: str
    prepare_function: str
    """Name of the Lambda to which the sweeper sends unfinished images."""
    decode_function: str
    """Name of the Lambda that decodes files."""
    administration_function: str
    """Name of the Lambda that changes models and endpoints."""
    user_pool_arn: str | None
    """The API's user pool; None without login, which only the local stage, on loopback, may have."""
    key_required: bool
    """Whether API Gateway refuses requests without the key that CloudFront sends."""
    login: Mapping[str, str] | None
    """What the page needs for signing in: `origin` of the login page and `client_id` of its app client; None
    without login."""
    endpoints: Mapping[str, EndpointSpec]
    """By task, the SageMaker endpoint, for tasks that have one."""
    serving: Mapping[str, ServingKind]
    """By task, how this stage serves retrained models; other tasks follow their files."""
    retraining_arn: str | None
    """The state machine that retrains a task's model; None if the stage has none."""
    export_arn: str | None
    """The state machine that exports results; None if the stage has none."""
    batch_arn: str | None
    """The state machine that runs batches; None if the stage has none."""
    retrain_on_drift: bool
    """Whether drift starts a retraining."""
    endpoint_url: str | None
    """The address of the AWS emulator; None at AWS."""


@cache
def settings() -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: naming every problem.
    """
    return read_settings(os.environ)


def source() -> str:
    """The Lambda that runs this code, such as `drift-monitor`; `api` for the API's, `command` outside."""
    name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
    if not name:
        return "command"
    _, _, *function = name.split("-", 2)  # the application's name, and that of a stage, have no hyphen
    return function[0] if function else "api"


def library_environment() -> dict[str, str]:
    """The variables that a child process needs to find programs and libraries; no credentials.

    MALLOC_PERTURB_ makes glibc fill memory, so that tests find reads of uninitialised memory.
    """
    names = ("LD_LIBRARY_PATH", "PATH", "MALLOC_PERTURB_")
    return {name: os.environ[name] for name in names if name in os.environ}


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Parse and validate `environment`.

    Raises:
        SettingsError: naming every problem.
    """
    stage = environment.get("STAGE", "")
    required = ["STAGE", "DATA_BUCKET", "RESULTS_TABLE", "RETRAININGS_TABLE"]
    has_login = stage != "local" or bool(environment.get("USER_POOL_ARN"))
    if has_login:
        required += ["USER_POOL_ARN", "LOGIN_ORIGIN", "LOGIN_CLIENT_ID"]
    problems = [f"{name} is not set" for name in required if not environment.get(name)]
    retrain = environment.get("RETRAIN_ON_DRIFT") or "false"
    if retrain not in ("true", "false"):
        problems.append("RETRAIN_ON_DRIFT must be true or false")
    elif retrain == "true" and not environment.get("RETRAINING_ARN"):
        problems.append("RETRAIN_ON_DRIFT is true, but RETRAINING_ARN names no state machine to start")
    endpoints: Mapping[str, EndpointSpec] = {}
    serving: Mapping[str, ServingKind] = {}
    try:
        endpoints = read_endpoints(environment.get("ENDPOINTS") or "{}")
    except SettingsError as error:
        problems.append(str(error))
    try:
        serving = read_serving(environment.get("SERVING") or "{}")
    except SettingsError as error:
        problems.append(str(error))
    if problems:
        raise SettingsError(
            f"The environment is incomplete: {'; '.join(problems)}. `make deploy STAGE=...` records these in "
            ".chalice/config.json."
        )
    return Settings(
        stage=stage,
        data_bucket=environment["DATA_BUCKET"],
        results_table=environment["RESULTS_TABLE"],
        retrainings_table=environment["RETRAININGS_TABLE"],
        prepare_function=function_name(stage, "prepare"),
        decode_function=function_name(stage, "decode"),
        administration_function=function_name(stage, "administration"),
        user_pool_arn=environment.get("USER_POOL_ARN") or None,
        key_required=environment.get("API_KEY_REQUIRED") == "true",
        login={"origin": environment["LOGIN_ORIGIN"], "client_id": environment["LOGIN_CLIENT_ID"]}
        if has_login
        else None,
        endpoints=endpoints,
        serving=serving,
        retraining_arn=environment.get("RETRAINING_ARN") or None,
        export_arn=environment.get("EXPORT_ARN") or None,
        batch_arn=environment.get("BATCH_ARN") or None,
        retrain_on_drift=retrain == "true",
        endpoint_url=environment.get("AWS_ENDPOINT_URL") or None,
    )


def read_endpoints(text: str) -> dict[str, EndpointSpec]:
    """The endpoint of every task that has one.

    Args:
        text: the variable ENDPOINTS, a JSON object of task names and endpoint names. These names override
            those in the task files; the protocol remains that of the task file.

    Raises:
        SettingsError: naming every problem.
    """
    endpoints = {task.name: task.endpoint for task in load_tasks().values() if task.endpoint}
    for task, name in _endpoint_names(text).items():
        own = endpoints.get(task)
        endpoints[task] = EndpointSpec(name, own.protocol if own else "negatoscope")
    return endpoints


def read_serving(text: str) -> dict[str, ServingKind]:
    """How retrained models of some tasks are served.

    Args:
        text: the variable SERVING, a JSON object of task names and kinds.

    Raises:
        SettingsError: if it is not valid.
    """
    kinds = get_args(ServingKind)
    try:
        serving = json.loads(text)
    except ValueError:
        serving = None
    if not isinstance(serving, dict) or not all(
        task in load_tasks() and kind in kinds for task, kind in serving.items()
    ):
        raise SettingsError(f"SERVING is not a JSON object of task names and one of {', '.join(kinds)}")
    return serving


def _endpoint_names(text: str) -> dict[str, str]:
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise SettingsError("ENDPOINTS is not a JSON object of task names and endpoint names")
    problems = [f"ENDPOINTS names an unknown task, {task}" for task in names if task not in load_tasks()]
    problems += [
        f"ENDPOINTS gives {task} an endpoint name that SageMaker does not take, '{name}'"
        for task, name in names.items()
        if not ENDPOINT_NAME.fullmatch(name)
    ]
    if problems:
        raise SettingsError("; ".join(problems))
    return names
