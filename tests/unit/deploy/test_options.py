"""Options of a deployment."""

import sys
from pathlib import Path

import pytest

from chalicelib.tasks import load_tasks
from deploy import options
from tests.cloud import FOUNDATION, SITE, template

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/12ab-34"
FIREWALL = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/b"


def parse(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, object]:
    monkeypatch.setattr(sys, "argv", ["deploy.py", "prod", *arguments])
    return vars(options.parse_arguments("Deploy."))


def test_options_that_are_left_out_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    found = parse(monkeypatch)
    assert {name for name, value in found.items() if value} == {"stage"}
    assert found["schedule"] is None
    assert parse(monkeypatch, "--schedule", "never")["schedule"] == ""
    assert parse(monkeypatch, "--budget", "0")["budget"] == 0


@pytest.mark.parametrize(
    ("text", "serving"),
    [
        ("provisioned", dict.fromkeys(load_tasks(), "provisioned")),
        ("chest-xray=serverless", {"chest-xray": "serverless"}),
        (
            "chest-xray=serverless,retinal-oct=embedded",
            {"chest-xray": "serverless", "retinal-oct": "embedded"},
        ),
    ],
)
def test_serving_is_that_of_all_tasks_or_of_some(
    monkeypatch: pytest.MonkeyPatch, text: str, serving: dict[str, str]
) -> None:
    assert parse(monkeypatch, "--serving", text)["serving"] == serving


@pytest.mark.parametrize(
    "arguments",
    [
        ("--serving", "gpu"),
        ("--serving", "feet=embedded"),
        ("--serving", "chest-xray"),
        ("--serving", ""),
        ("--domain", "a.example"),
        ("--budget=-5",),
        ("--budget", "$200"),
        ("--scheduled-task", "feet"),
        ("--schedule", "weekly"),
        ("--schedule", "rate(7days)"),
        ("--schedule", "cron(0 3 * * *)"),
        ("--instance", "m5.large"),
        ("--budget", "-5"),
        ("--budget", "two"),
        ("--alarm-email", "nobody"),
        ("--site-origin", "a.example"),
        ("--firewall", "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/a/b"),
        ("--domain", "https://a.example", "--certificate", CERTIFICATE),
        ("--domain", "a.example", "--certificate", CERTIFICATE.replace("us-east-1", "eu-west-1")),
    ],
)
def test_invalid_options_are_refused(monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit):
        parse(monkeypatch, *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--schedule", "rate(1 day)"),
        ("--schedule", "cron(0 3 ? * MON *)"),
        ("--instance", "ml.g5.xlarge"),
        ("--budget", "0"),
        ("--alarm-email", "you@example.org"),
        ("--site-origin", "http://localhost:8000"),
        ("--firewall", FIREWALL),
        ("--firewall", "none"),
        ("--domain", "images.a.example", "--certificate", CERTIFICATE),
    ],
)
def test_valid_options_are_accepted(monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    parse(monkeypatch, *arguments)


@pytest.mark.parametrize(
    ("path", "parameter", "pattern"),
    [
        (SITE, "CertificateArn", options.CERTIFICATE),
        (SITE, "FirewallArn", options.FIREWALL),
        (FOUNDATION, "SiteOrigin", options.ORIGIN),
    ],
)
def test_options_have_the_patterns_of_the_templates(path: Path, parameter: str, pattern: str) -> None:
    assert template(path)["Parameters"][parameter]["AllowedPattern"] == f"({pattern})?"
