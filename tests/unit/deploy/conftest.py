"""Fixtures for tests of the deployment."""

import os
import sys
from argparse import Namespace
from collections.abc import Callable
from importlib import import_module
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient

from deploy import options


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[str, dict[str, Any]]]]:
    """Make AWS answer each operation with the pages given, and return the requests that were sent."""
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "us-east-1")

    def install(**pages: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
        sent: list[tuple[str, dict[str, Any]]] = []

        def send(_client: BaseClient, operation: str, request: dict[str, Any]) -> dict[str, Any]:
            sent.append((operation, request))
            if operation not in pages:
                return {}
            number = int(request.get("NextToken", 0))
            following = {"NextToken": str(number + 1)} if number + 1 < len(pages[operation]) else {}
            return pages[operation][number] | following

        monkeypatch.setattr(BaseClient, "_make_api_call", send)
        return sent

    return install


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run a command with only these AWS variables, and return the message it exits with."""

    def run(command: str, stage: str, **environment: str) -> str:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in {
            "HOME": "/nonexistent",
            "AWS_EC2_METADATA_DISABLED": "true",
            **environment,
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        monkeypatch.setattr(sys, "argv", [f"{command}.py", stage])
        with pytest.raises(SystemExit) as stopped:
            import_module(f"deploy.{command}").main()
        assert isinstance(stopped.value.code, str), "which Python prints, and exits with 1"
        return stopped.value.code

    return run


@pytest.fixture
def wanted(monkeypatch: pytest.MonkeyPatch) -> Namespace:
    """The options of a deployment of the stage `prod` that names none."""
    monkeypatch.setattr(sys, "argv", ["deploy.py", "prod"])
    return options.parse_arguments("Deploy.")
