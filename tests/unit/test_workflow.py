"""The workflow for GitHub, which nothing here can run."""

import re
from typing import Any

import yaml

from tests.stage import ROOT

FILE = ROOT / ".github" / "workflows" / "ci.yml"
WORKFLOW: dict[str, Any] = yaml.safe_load(FILE.read_text())
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]


def test_actions_are_pinned_by_their_commit() -> None:
    used = [step["uses"] for step in STEPS if "uses" in step]

    assert len(used) == 5
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", one) for one in used)


def test_commands_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = [re.sub(r"make |--\w+=\d+ | \w+=\w+", "", step["run"]) for step in STEPS if "run" in step]

    assert targets == ["environments", "check-infrastructure", "test", "deploy"]
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_only_a_deployment_by_hand_gets_a_token() -> None:
    jobs = WORKFLOW["jobs"]

    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert [name for name, job in jobs.items() if "id-token" in job.get("permissions", {})] == ["deploy"]
    assert "workflow_dispatch" in jobs["deploy"]["if"]
    assert jobs["deploy"]["environment"] == "test"
    assert jobs["deploy"]["needs"] == "test"
