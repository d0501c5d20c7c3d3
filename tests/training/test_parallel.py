"""Training in several processes on several hosts: the network of one process, and one package."""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from chalicelib.tasks import Task
from tests.training.parallel_worker import make_images, train
from tests.training.samples import NO_RECIPE
from training.model import parallel

ROOT = Path(__file__).parents[2]


def run_hosts(
    program: list[str], hosts: int, processes: int, environments: Sequence[Mapping[str, str]]
) -> list[tuple[int, str, str]]:
    """Run a program as a job of several hosts does: exit status, output and errors of each.

    The hosts are addresses of the loopback device, with environments of their own.
    """
    names = [f"127.77.0.{number}" for number in range(1, hosts + 1)]
    running = []
    for name, own in zip(names, environments, strict=True):
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SM_HOSTS": json.dumps(names),
            "SM_CURRENT_HOST": name,
            "SM_NUM_GPUS": str(processes),
            "SM_NETWORK_INTERFACE_NAME": "lo",
            "TRAINING_JOB_NAME": f"test-{os.getpid()}",
            **own,
        }
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "training.launch", *program],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    outputs = [process.communicate(timeout=600) for process in running]
    return [(process.returncode, *output) for process, output in zip(running, outputs, strict=True)]


def test_single_process_shares_and_changes_nothing() -> None:
    network = torch.nn.Linear(1, 1)
    with parallel.processes():
        assert (parallel.rank(), parallel.world_size(), parallel.is_first()) == (0, 1, True)
        assert parallel.from_first(lambda: "own") == "own"
        assert parallel.mean(torch.tensor(3.0)) == 3.0
        assert parallel.distribute(network, torch.device("cpu")) is network


def test_memory_mapped_array_is_pickled_as_its_file_name(tmp_path: Path) -> None:
    images = np.lib.format.open_memmap(tmp_path / "pixels.npy", "w+", np.uint8, (1000, 10))
    images[:] = np.arange(10)
    images.flush()

    message = pickle.dumps(images)
    part = pickle.loads(pickle.dumps(images[2:4, 3:]))

    assert len(message) < 1000
    assert np.array_equal(pickle.loads(message), images)
    assert np.array_equal(part, images[2:4, 3:])


@pytest.mark.parametrize(("hosts", "processes"), [(2, 1), (2, 2)])
def test_hosts_train_the_network_of_one_process(tmp_path: Path, hosts: int, processes: int) -> None:
    alone, _ = train(make_images(tmp_path / "pixels.npy"))

    done = run_hosts(["tests.training.parallel_worker", str(tmp_path)], hosts, processes, [{}] * hosts)

    assert [status for status, _, _ in done] == [0] * hosts, done
    assert len(list(tmp_path.glob("done-*"))) == hosts * processes
    assert [output.count("printed by the first process only") for _, output, _ in done] == [1, 0]
    together = torch.load(tmp_path / "trained.pt", weights_only=True)
    losses = [epoch.train_loss for epoch in alone.history]
    assert together["losses"] == pytest.approx(losses, rel=1e-4)
    for name, values in alone.network.state_dict().items():
        torch.testing.assert_close(together["state"][name], values, rtol=1e-3, atol=1e-4, msg=name)


def test_two_hosts_make_one_package(data_folder: Path, task: Task, tmp_path: Path) -> None:
    folders = [
        {
            "SM_CHANNEL_TRAIN": str(data_folder),
            "SM_MODEL_DIR": str(tmp_path / host / "model"),
            "SM_OUTPUT_DATA_DIR": str(tmp_path / host / "output"),
        }
        for host in ("first", "second")
    ]

    done = run_hosts(["--task", task.name, "--smoke", *NO_RECIPE], 2, 1, folders)

    assert [status for status, _, _ in done] == [0, 0], done
    assert [output.count("train_loss=") for _, output, _ in done] == [2, 0]
    assert [output.count("package: ") for _, output, _ in done] == [1, 0]
    facts = json.loads((tmp_path / "first" / "model" / "model.json").read_text(encoding="utf-8"))
    assert (facts["training"]["processes"], facts["training"]["hosts"]) == (2, 2)
    assert (tmp_path / "first" / "model" / "model.onnx").is_file()
    assert not list((tmp_path / "second").rglob("*")), "SageMaker would pack what other hosts leave"


def test_failure_of_a_host_ends_the_others_and_is_the_last_line(
    data_folder: Path, task: Task, tmp_path: Path
) -> None:
    folders = [
        {"SM_CHANNEL_TRAIN": str(data), "SM_MODEL_DIR": str(tmp_path / host)}
        for host, data in (("first", data_folder), ("second", tmp_path / "nowhere"))
    ]

    first, second = run_hosts(["--task", task.name, *NO_RECIPE], 2, 1, folders)

    assert (first[0], second[0]) == (1, 1)
    assert second[2].splitlines()[-1].startswith("error: There is no data folder '")
    said = "error: Another process of this training has failed: its host's log says why."
    assert first[2].splitlines()[-1] == said
