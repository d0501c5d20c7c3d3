"""Starting weights: copying, and rejection with the reason."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.training.samples import make_network
from training.data.sources import load_source
from training.errors import TrainingError
from training.model.classifier import Classifier
from training.model.starting_weights import StartingWeights, load_starting_weights, save_weights


def network(channels: int = 1, classes: int = 3, width: int = 8) -> Classifier:
    return make_network(channels, classes, width)


def save_content(content: Any, path: Path) -> str:
    torch.save(content, path)
    return str(path)


def equal_tensors(target: Classifier, source: Classifier) -> set[str]:
    """Names of the equal tensors; vectors are skipped, because most start as zeros or ones."""
    mine, other = target.state_dict(), source.state_dict()
    return {
        name
        for name, tensor in mine.items()
        if tensor.ndim > 1 and tensor.shape == other[name].shape and torch.equal(tensor, other[name])
    }


def test_weights_are_copied_except_for_the_head(tmp_path: Path) -> None:
    teacher, pupil = network(), network()

    load_starting_weights(save_content(teacher.state_dict(), tmp_path / "network.pt")).start(pupil)

    matrices = {name for name, tensor in pupil.state_dict().items() if tensor.ndim > 1}
    assert equal_tensors(pupil, teacher) == matrices - {"head.weight"}


def test_first_convolution_stays_random_with_other_channels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    teacher, pupil = network(channels=3), network(channels=1)

    load_starting_weights(save_content(teacher.state_dict(), tmp_path / "network.pt")).start(pupil)

    matrices = {name for name, tensor in pupil.state_dict().items() if tensor.ndim > 1}
    assert equal_tensors(pupil, teacher) == matrices - {"head.weight", "stem.0.weight"}
    count = len(pupil.state_dict())
    assert f"starting from {count - 3} of {count} tensors of network.pt (sha256 " in capsys.readouterr().out


def test_credit_grows_with_each_training(tmp_path: Path) -> None:
    octdl, oct2017 = load_source("retinal-oct"), load_source("retinal-oct-2017")
    credit: Mapping[str, str] = {"licence": "Apache-2.0", "citation": "Tan and Le 2019"}

    for data_set in (octdl, oct2017, octdl):
        save_weights(tmp_path / "network.pt", network().state_dict(), credit, [data_set])
        credit = load_starting_weights(str(tmp_path / "network.pt")).credit

    assert credit == {
        "licence": "Apache-2.0",
        "citation": "Tan and Le 2019",
        "trained_on": f"{octdl.reference}; {oct2017.reference}",
    }
    assert octdl.citation in octdl.reference


def test_name_depends_on_the_values_and_not_on_the_folder(tmp_path: Path) -> None:
    first, second = (save_content(network().state_dict(), tmp_path / f"{name}.pt") for name in "ab")
    (tmp_path / "elsewhere").mkdir()
    copy = tmp_path / "elsewhere" / "a.pt"
    copy.write_bytes(Path(first).read_bytes())

    names = [load_starting_weights(source).name for source in (first, second, str(copy))]

    assert names[0] == names[2] != names[1]
    assert str(tmp_path) not in names[0]


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (
            network(width=16).state_dict(),
            r"has \d+ of the \d+ tensors.*shape.*--architecture and --width the same\?",
        ),
        ({"encoder.0.weight": torch.zeros(3)}, r"has 0 of the \d+ tensors.*another kind of network"),
        ({}, r"has 0 of the \d+ tensors"),
    ],
)
def test_weights_of_another_network_are_rejected_with_the_reason(
    tensors: dict[str, Tensor], message: str
) -> None:
    with pytest.raises(TrainingError, match=message):
        StartingWeights("theirs", tensors).start(network())


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 half"])
def test_file_not_written_by_torch_is_rejected(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "network.pt").write_bytes(content)

    with pytest.raises(TrainingError, match="holds no weights"):
        load_starting_weights(str(tmp_path / "network.pt"))


def test_file_without_a_state_dict_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="must be a state dict"):
        load_starting_weights(save_content([1, 2], tmp_path / "network.pt"))
    with pytest.raises(TrainingError, match="must be a state dict"):
        load_starting_weights(save_content({"epoch": 3}, tmp_path / "network.pt"))
    with pytest.raises(TrainingError, match="must be a state dict"):
        load_starting_weights(save_content({1: torch.ones(2)}, tmp_path / "network.pt"))
    with pytest.raises(TrainingError, match="must be a state dict"):
        load_starting_weights(save_content({"a": torch.ones(2, 2).to_sparse()}, tmp_path / "network.pt"))


@pytest.mark.parametrize("change", [torch.nn.Parameter, Tensor.bfloat16, Tensor.half])
def test_weights_can_have_any_type_of_numbers(change: Callable[[Tensor], Tensor], tmp_path: Path) -> None:
    """Also be parameters, as in a state dict that was made by hand."""
    tensors = {
        name: change(tensor) if tensor.is_floating_point() else tensor
        for name, tensor in network().state_dict().items()
    }
    started = network()

    load_starting_weights(save_content(tensors, tmp_path / "network.pt")).start(started)

    name = next(name for name in tensors if not name.startswith("head."))
    assert torch.equal(started.state_dict()[name], tensors[name].float())


def test_file_that_would_run_code_is_rejected(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "sprung",)

    with pytest.raises(TrainingError, match="holds no weights"):
        load_starting_weights(save_content({"weight": Trap()}, tmp_path / "network.pt"))
    assert not (tmp_path / "sprung").exists()


def test_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"cannot be read: .*nowhere\.pt"):
        load_starting_weights(str(tmp_path / "nowhere.pt"))


def make_torchvision_state(width: int) -> dict[str, Tensor]:
    """A random state dict with the names and shapes of torchvision's ResNet-18."""
    norm = {"weight": (), "bias": (), "running_mean": (), "running_var": ()}
    shapes: dict[str, tuple[int, ...]] = {"conv1.weight": (width, 3, 7, 7), "fc.weight": (1000, 8 * width)}

    def add_norm(prefix: str, channels: int) -> None:
        shapes.update({f"{prefix}.{name}": (channels,) for name in norm})
        shapes[f"{prefix}.num_batches_tracked"] = ()

    add_norm("bn1", width)
    for layer in range(1, 5):
        out = width << (layer - 1)
        for block in range(2):
            into = out // 2 if layer > 1 and block == 0 else out
            prefix = f"layer{layer}.{block}"
            shapes[f"{prefix}.conv1.weight"] = (out, into, 3, 3)
            shapes[f"{prefix}.conv2.weight"] = (out, out, 3, 3)
            add_norm(f"{prefix}.bn1", out)
            add_norm(f"{prefix}.bn2", out)
            if into != out:
                shapes[f"{prefix}.downsample.0.weight"] = (out, into, 1, 1)
                add_norm(f"{prefix}.downsample.1", out)
    return {name: torch.rand(shape) if shape else torch.tensor(7) for name, shape in shapes.items()}


def test_torchvision_residual_blocks_are_copied(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors = make_torchvision_state(64)
    fake = SimpleNamespace(get_model=lambda *_, **__: SimpleNamespace(state_dict=lambda: tensors))
    monkeypatch.setitem(sys.modules, "torchvision", SimpleNamespace(models=fake))
    pupil = network(width=64)

    load_starting_weights("torchvision:resnet18").start(pupil)

    state = pupil.state_dict()
    ours = {
        "layer1.0.conv1.weight": "stages.0.conv1.weight",
        "layer2.0.downsample.0.weight": "stages.2.shortcut.1.weight",
        "layer2.0.downsample.1.running_var": "stages.2.shortcut.2.running_var",
        "layer4.1.bn2.bias": "stages.7.norm2.bias",
    }
    for theirs, name in ours.items():
        assert torch.equal(state[name], tensors[theirs])
    # All 19 convolutions and 19 normalisations of the blocks; stem and head stay random.
    assert f"starting from {19 + 5 * 19} of {len(state)} tensors of" in capsys.readouterr().out


def test_torchvision_weights_of_another_width_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = make_torchvision_state(64)
    fake = SimpleNamespace(get_model=lambda *_, **__: SimpleNamespace(state_dict=lambda: tensors))
    monkeypatch.setitem(sys.modules, "torchvision", SimpleNamespace(models=fake))

    with pytest.raises(TrainingError, match="are --architecture and --width the same"):
        load_starting_weights("torchvision:resnet18").start(network(width=32))


def test_missing_torchvision_is_reported_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)

    with pytest.raises(TrainingError, match=r"torchvision does not work here.*Leave out --start-from"):
        load_starting_weights("torchvision:resnet18")


def test_torchvision_model_that_cannot_be_downloaded_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: Any, **__: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setitem(
        sys.modules, "torchvision", SimpleNamespace(models=SimpleNamespace(get_model=offline))
    )

    with pytest.raises(TrainingError, match="no weights for 'resnet18': no route to host"):
        load_starting_weights("torchvision:resnet18")
