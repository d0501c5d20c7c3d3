"""How ministack is configured: it reads these variables when it is imported."""

import os
from pathlib import Path

from local.loopback import HOST


def emulator_environment(folder: Path, port: int) -> dict[str, str]:
    """The environment of the emulator's process, for state in `folder` and services on `port` of loopback."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **inherited,
        "AUTH": "true",  # every Lambda may do what its role allows, and nothing else
        "AWS_ACCESS_KEY_ID": "test",  # the key of the account's root
        "AWS_SECRET_ACCESS_KEY": "test",
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "LAMBDA_ACCOUNT_CONCURRENCY": "0",  # calls wait for a worker instead of being refused
        "LAMBDA_EXECUTOR": "local",
        "MINISTACK_WORKER_THREADS": "256",  # calls that wait for a worker hold one each
        "PERSIST_STATE": "1",
        "S3_DATA_DIR": str(folder / "s3"),
        "S3_PERSIST": "1",
        "SFN_WAIT_SCALE": "0.1",  # what takes SageMaker minutes takes seconds here: look as often
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(folder / "services"),
    }
