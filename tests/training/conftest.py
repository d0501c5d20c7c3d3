"""Fixtures of the training tests."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
import torch
from moto import mock_aws

from chalicelib.tasks import Task, load_task
from tests.training.samples import write_images
from training.data.storage import Storage

# A second thread does not speed up such small networks, and slows them down on a busy machine.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def task() -> Task:
    """A real task with mirrored classes."""
    return load_task("mammography-views")


@pytest.fixture(scope="session")
def small_task(task: Task) -> Task:
    """The task with a small input and without flips, because the synthetic images have no sides."""
    return replace(
        task,
        input=replace(task.input, width=40, height=64),
        augmentation=replace(task.augmentation, flip=False),
    )


@pytest.fixture
def data_folder(tmp_path: Path, task: Task) -> Path:
    """A new labelled folder, which the test may change."""
    return write_images(tmp_path / "data", task.class_names)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client for a simulated S3 with an empty bucket called films."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="films")
        yield client


@pytest.fixture
def addresses_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The address of each file that is read, in order."""
    addresses: list[str] = []
    read = Storage.read

    def record(self: Storage, address: str) -> bytes:
        addresses.append(address)
        return read(self, address)

    monkeypatch.setattr(Storage, "read", record)
    return addresses
