"""The start of a training on one or several instances of a job."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from training import launch
from training.launch import PORTS, TRAINING, find_module, torchrun_options, variables

TWO = {"SM_HOSTS": json.dumps(["algo-1", "algo-2"]), "SM_CURRENT_HOST": "algo-2", "TRAINING_JOB_NAME": "job"}


def options(environment: dict[str, str]) -> dict[str, str]:
    words = torchrun_options(environment)
    return dict(zip(words[::2], words[1::2], strict=True))


def test_arguments_without_a_module_are_those_of_the_training() -> None:
    assert find_module(["training.prepare", "--task", "x"]) == ["training.prepare", "--task", "x"]
    assert find_module(["--task", "x"]) == [TRAINING, "--task", "x"]
    assert find_module([]) == [TRAINING]


@pytest.mark.parametrize(
    "environment",
    [{}, {"SM_HOSTS": '["algo-1"]', "SM_CURRENT_HOST": "algo-1", "SM_NUM_GPUS": "0"}, {"SM_NUM_GPUS": "1"}],
)
def test_single_process_needs_no_torchrun(environment: dict[str, str]) -> None:
    assert options(environment) == {}


def test_several_gpus_have_a_process_each() -> None:
    given = options({"SM_HOSTS": '["algo-1"]', "SM_CURRENT_HOST": "algo-1", "SM_NUM_GPUS": "4"})

    assert (given["--nnodes"], given["--nproc-per-node"]) == ("1", "4")


def test_hosts_meet_at_the_first_one() -> None:
    given = options(TWO)

    assert (given["--nnodes"], given["--nproc-per-node"]) == ("2", "1")
    assert (given["--node-rank"], given["--master-addr"]) == ("1", "algo-1")
    port = given["--master-port"]
    assert int(port) in PORTS
    assert options(TWO | {"SM_CURRENT_HOST": "algo-1"})["--master-port"] == port
    assert options(TWO | {"TRAINING_JOB_NAME": "other"})["--master-port"] != port


def test_hosts_of_a_processing_job_are_in_its_file(tmp_path: Path) -> None:
    file = tmp_path / "resourceconfig.json"
    file.write_text(json.dumps({"current_host": "algo-3", "hosts": ["algo-1", "algo-2", "algo-3"]}))

    given = options({"RESOURCES": str(file), "PROCESSING_JOB_NAME": "job"})

    assert (given["--nnodes"], given["--node-rank"], given["--master-addr"]) == ("3", "2", "algo-1")
    assert given["--master-port"] == options(TWO)["--master-port"]
    assert options({"RESOURCES": str(tmp_path / "none")}) == {}


def test_processes_talk_through_the_jobs_network_and_share_the_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)

    given = TWO | {"SM_NETWORK_INTERFACE_NAME": "eth7", "SM_NUM_GPUS": "4", "OTHER": "kept"}

    assert variables(given) == given | {
        "GLOO_SOCKET_IFNAME": "eth7",
        "NCCL_SOCKET_IFNAME": "eth7",
        "OMP_NUM_THREADS": "2",
    }
    assert variables({"OMP_NUM_THREADS": "1"}) == {"OMP_NUM_THREADS": "1"}


def test_launched_training_takes_all_arguments_and_answers_with_its_status() -> None:
    done = subprocess.run(
        [sys.executable, launch.__file__, "--task", "feet"],
        env={"PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("error: There is no task 'feet'.")
