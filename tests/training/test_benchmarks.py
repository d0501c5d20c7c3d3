"""What `make bench` runs in the environment of training."""

import csv
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import made_up_results
from benchmarks.training import epochs, exports, plots, pytorch
from chalicelib.exports.request import ExportRequest
from chalicelib.hyperparameters import Hyperparameters
from chalicelib.results.selection import Selection
from chalicelib.tasks import Task
from tests.images import grey_file
from training.export_results import export_results
from training.model.classifier import fold_batch_norm
from training.model.efficientnet_lite import DepthwiseConv2d, EfficientNetLite, InvertedResidual
from training.model.network import build_network
from training.model.starting_weights import StartingWeights
from training.model.transfer import CachedViews, View

MEASURED: dict[str, Any] = {
    "sections": [
        {
            "columns": ["", "p50 / ms"],
            "rows": [["Negatoscope", 12.0], ["Keras", None], ["floor", 10.0]],
            "charts": [
                {"kind": "bars", "name": "warm", "title": "Warm", "column": "p50 / ms"},
                {
                    "kind": "lines",
                    "name": "formats",
                    "title": "Formats",
                    "x": "megapixels",
                    "y": "ms",
                    "lines": {"JPEG": [[0.01, 1.0], [100.0, 90.0]]},
                },
            ],
        }
    ]
}


def test_charts_are_drawn_the_same_each_time(tmp_path: Path) -> None:
    drawn = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        plots.draw(MEASURED, tmp_path / name)
        drawn.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert drawn[0] == drawn[1]
    assert drawn[0].keys() == {"warm.svg", "formats.svg"}
    assert b"Keras" not in drawn[0]["warm.svg"]
    assert b">12.0<" in drawn[0]["warm.svg"]
    assert b"logarithmic" not in drawn[0]["warm.svg"]
    assert b"megapixels" in drawn[0]["formats.svg"]
    assert b">100<" in drawn[0]["formats.svg"]
    assert b"mathdefault" not in drawn[0]["formats.svg"]


def test_small_bars_are_seen_beside_large_ones(tmp_path: Path) -> None:
    (section,) = MEASURED["sections"]
    bars = {**section, "rows": [["Negatoscope", 12.0], ["Keras", 15_000.0]], "charts": section["charts"][:1]}
    plots.draw({"sections": [bars]}, tmp_path)
    drawn = (tmp_path / "warm.svg").read_bytes()
    assert b"logarithmic" in drawn
    assert b">15,000<" in drawn


def weights() -> dict[str, Any]:
    """Random ones of a network for three classes, by the names in an exported graph."""
    torch.manual_seed(0)
    network = fold_batch_norm(EfficientNetLite("efficientnet-lite0", 3, 0, 8))
    found = {f"members.0.network.{name}": tensor for name, tensor in network.state_dict().items()}
    width = 432
    score = "members.0.ood_score."
    found |= {
        f"{score}distance.whitening": torch.eye(width),
        f"{score}distance.means": torch.zeros(3, width),
        f"{score}score.weight": torch.zeros(1, width),
        f"{score}score.bias": torch.zeros(1),
        "offset": torch.tensor([0.0, 0.0, 50.0]),
        "temperature": torch.tensor(0.5),
        "val_12": torch.zeros(2),  # a constant of the graph
    }
    return found


def test_pytorch_answers_with_the_given_weights(tmp_path: Path) -> None:
    np.savez(tmp_path / "weights.npz", **{name: tensor.numpy() for name, tensor in weights().items()})
    answer = pytorch.load(str(tmp_path / "weights.npz"), "8", "32", "64", "a", "b", "c")
    assert answer(grey_file()) == "c"


def test_network_in_keras_has_the_same_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("tensorflow")
    vars(module).update(keras=module, layers=module, Model=object)
    for name in ("tensorflow", "tensorflow.keras"):
        monkeypatch.setitem(sys.modules, name, module)
    from benchmarks.peers import keras_models

    blocks = []
    for block in EfficientNetLite("efficientnet-lite0", 3, 0, 8).body:
        assert isinstance(block, InvertedResidual)
        convolution: Any = block.depthwise[0]
        expanded = not isinstance(block.expand, torch.nn.Identity)
        blocks.append((6 if expanded else 1, convolution.stride[0]))
    assert tuple(blocks) == keras_models.BLOCKS
    monkeypatch.delitem(sys.modules, "benchmarks.peers.keras_models")


class Trainer:
    """Notes what it does."""

    def __init__(self, done: list[str], name: str) -> None:
        self.done, self.name = done, name

    def begin(self) -> None:
        self.done.append(f"{self.name} begins")

    def epoch(self) -> None:
        self.done.append(self.name)

    def network(self) -> torch.nn.Module:
        return torch.nn.Identity()


def test_loops_take_turns_until_they_reach_the_target() -> None:
    done: list[str] = []
    accuracy = {"ours": iter([0.9, 0.96]), "plain": iter([0.5, 0.6, 0.7])}
    trainers: dict[str, epochs.Trainer] = {name: Trainer(done, name) for name in accuracy}
    times = epochs.train_in_turn(trainers, 3, lambda name, network: next(accuracy[name]), 0.95)
    assert done == ["ours begins", "plain begins", "ours", "plain", "ours", "plain", "plain"]
    assert times["ours"].accuracy == [0.9, 0.96]
    assert len(times["plain"].epochs) == 3


def test_plain_loop_trains_all_layers(small_task: Task) -> None:
    parameters = Hyperparameters().updated({"architecture": "efficientnet-lite0", "batch_size": 4})
    train = epochs.some(epochs.drawn(small_task, 6), 5)
    start = build_network(small_task, parameters)
    weights = StartingWeights("start", start.state_dict())
    plain = epochs.Plain(small_task, train, parameters, weights)
    plain.begin()
    plain.epoch()
    trained = dict(plain.network().named_parameters())
    unchanged = [name for name, weight in start.named_parameters() if torch.equal(weight, trained[name])]
    assert unchanged == []
    assert not any(isinstance(layer, DepthwiseConv2d) for layer in plain.network().modules())


def test_ours_trains_with_the_loop_of_training(small_task: Task) -> None:
    parameters = Hyperparameters().updated({"width": 8, "batch_size": 4, "epochs": 2})
    weights = StartingWeights("start", build_network(small_task, parameters).state_dict())
    ours = epochs.Ours(small_task, epochs.drawn(small_task, 8), parameters, weights)
    ours.begin()
    before = [weight.clone() for weight in ours.network().parameters()]
    ours.epoch()
    assert any(
        not torch.equal(old, new) for old, new in zip(before, ours.network().parameters(), strict=True)
    )


def test_ours_draws_other_views_in_each_epoch(small_task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = Hyperparameters().updated(
        {"width": 8, "batch_size": 4, "frozen_blocks": 1, "feature_views": 2}
    )
    weights = StartingWeights("start", build_network(small_task, parameters).state_dict())
    ours = epochs.Ours(small_task, epochs.drawn(small_task, 8), parameters, weights)
    asked: list[int] = []
    of_epoch = CachedViews.of_epoch

    def note(views: CachedViews, epoch: int) -> View:
        asked.append(epoch)
        return of_epoch(views, epoch)

    monkeypatch.setattr(CachedViews, "of_epoch", note)

    ours.begin()
    ours.epoch()
    ours.epoch()

    assert asked == [0, 1]


def test_made_up_results_can_be_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "KINDS", 6)
    monkeypatch.setattr(made_up_results, "KINDS", 6)
    exports.write_table(tmp_path / "table", rows=20)
    request = ExportRequest(Selection(task=made_up_results.TASK), "csv")

    assert export_results(tmp_path / "table", request, tmp_path / "output") == 20
    with (tmp_path / "output" / "results.csv").open(newline="") as file:
        rows = [*csv.DictReader(file)]
    assert len({row["id"] for row in rows}) == 20
    assert sum(row["reviewed_label"] != "" for row in rows) == 7


def test_memory_of_all_processes_is_measured() -> None:
    own = exports.resident(os.getpid())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in exports.tree(os.getpid())
        child.communicate(b"\n")
    assert own > 10_000_000
    assert exports.resident(child.pid) == 0
