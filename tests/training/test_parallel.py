"""Training in two processes under torchrun: the same network in both, and one package."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from chalicelib.tasks import Task
from tests.training.samples import NO_RECIPE
from training.errors import TrainingError
from training.model import parallel

ROOT = Path(__file__).parents[2]

WORKER = Path(__file__).with_name("parallel_worker.py")


def torchrun(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run(
        [*launcher, *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_single_process_shares_and_changes_nothing() -> None:
    network = torch.nn.Linear(1, 1)
    with parallel.processes():
        assert (parallel.rank(), parallel.world_size(), parallel.is_first()) == (0, 1, True)
        assert parallel.from_first(lambda: "own") == "own"
        assert parallel.mean(torch.tensor(3.0)) == 3.0
        assert parallel.distribute(network, torch.device("cpu")) is network


def test_several_machines_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TORCHELASTIC_RUN_ID": "some", "LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "8"}.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(TrainingError, match="on one machine; start torchrun with --nnodes 1"):
        parallel.processes().__enter__()


def test_memory_mapped_array_is_pickled_as_its_file_name(tmp_path: Path) -> None:
    images = np.lib.format.open_memmap(tmp_path / "pixels.npy", "w+", np.uint8, (1000, 10))
    images[:] = np.arange(10)
    images.flush()

    message = pickle.dumps(images)
    part = pickle.loads(pickle.dumps(images[2:4, 3:]))

    assert len(message) < 1000
    assert np.array_equal(pickle.loads(message), images)
    assert np.array_equal(part, images[2:4, 3:])


def test_two_processes_share_data_gradients_and_errors_and_train_one_network(tmp_path: Path) -> None:
    done = torchrun([str(WORKER), str(tmp_path)], {})

    assert done.returncode == 0, done.stderr
    assert [(tmp_path / rank).read_text() for rank in "01"] == ["done", "done"]
    assert done.stdout.count("printed by the first process only") == 1


def test_two_processes_make_one_package(data_folder: Path, task: Task, tmp_path: Path) -> None:
    folders = {
        "SM_CHANNEL_TRAIN": str(data_folder),
        "SM_MODEL_DIR": str(tmp_path / "model"),
        "SM_OUTPUT_DATA_DIR": str(tmp_path / "output"),
    }

    done = torchrun(["training/train.py", "--task", task.name, "--smoke", *NO_RECIPE], folders)

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("train_loss=") == 2
    assert done.stdout.count("package: ") == 1
    facts = json.loads((tmp_path / "model" / "model.json").read_text(encoding="utf-8"))
    assert facts["training"]["processes"] == 2
    assert (tmp_path / "model" / "model.onnx").is_file()
