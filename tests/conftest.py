"""Fixtures for tests of all levels."""

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.stage import BATCH_ARN, BUCKET, EXPORT_ARN, RETRAINING_ARN, RETRAININGS_TABLE, ROOT, TABLE

if TYPE_CHECKING:
    from local.stack import LocalStack

# The stage of everything in this process; app.py reads it when it is imported.
os.environ |= {
    "STAGE": "local",
    "DATA_BUCKET": BUCKET,
    "RESULTS_TABLE": TABLE,
    "RETRAININGS_TABLE": RETRAININGS_TABLE,
    "RETRAINING_ARN": RETRAINING_ARN,
    "EXPORT_ARN": EXPORT_ARN,
    "BATCH_ARN": BATCH_ARN,
}
# For training jobs and model servers: a second thread does not speed up tiny networks, and wastes processor
# time on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_finish() -> None:
    """Make garbage collection cheap: otherwise it scans the many objects of botocore and moto often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def skip_without_dicomsdl() -> Iterator[None]:
    """On Python 3.14, for which dicomsdl has no package, skip the tests that decode with it.

    On all other versions they fail without it.
    """
    if sys.version_info < (3, 14):
        yield
        return
    from chalicelib.imaging.dicom import decoder

    def skip() -> bool:
        pytest.skip("dicomsdl, which decodes compressed DICOM, has no package for Python 3.14")

    with pytest.MonkeyPatch.context() as patch:
        if not decoder.is_available():
            patch.setattr(decoder, "is_available", skip)
        yield


@pytest.fixture(scope="session")
def data_set() -> Path:
    """The folder of real images, one folder per task."""
    folder = Path(os.environ.get("NEGATOSCOPE_DATA") or ROOT / ".." / "shared" / "data").resolve()
    if not folder.is_dir():
        pytest.skip(f"no real images at {folder}; set NEGATOSCOPE_DATA to the folder that holds them")
    return folder


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty AWS account in this process, with the foundation of a stage."""
    # Training has a separate environment, without boto3 and moto.
    from tests.cloud import account

    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    with account():
        yield


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator["LocalStack"]:
    """The complete local system in its own folder and on its own ports; tests that stop it start it again."""
    from local.stack import LocalStack
    from tests.stack.ports import free_ports

    with LocalStack(tmp_path_factory.mktemp("local"), *free_ports()) as running:
        yield running


@pytest.fixture(scope="session")
def login_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator["LocalStack"]:
    """Another one with login for the users of `local.users`."""
    from local.stack import LocalStack
    from tests.stack.ports import free_ports

    with LocalStack(tmp_path_factory.mktemp("login"), *free_ports(), login=True) as running:
        yield running
