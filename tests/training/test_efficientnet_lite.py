"""EfficientNet-Lite: the layers, the weights from ImageNet, and the exported graph."""

import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import onnx
import pytest
import torch
from torch import Tensor, nn

from chalicelib.hyperparameters import EFFICIENTNETS, Hyperparameters
from chalicelib.models.classifier import Classifier
from chalicelib.models.package import ModelPackage
from chalicelib.tasks import Task
from tests.training.samples import write_images
from training import steps
from training.arguments import parse_arguments
from training.data.pixels import Images
from training.errors import TrainingError
from training.model import imagenet
from training.model.candidate import Candidate
from training.model.efficientnet_lite import SCALES, DepthwiseConv2d, EfficientNetLite, SamePaddedConv2d
from training.model.graph import open_session, run
from training.model.network import build_network
from training.model.starting_weights import load_starting_weights
from training.model.transfer import prepare_network
from training.run import Run

DESCRIPTORS = 112 + 320
"""Of Lite0."""


def make_pattern() -> Tensor:
    """A colour image, uint8 (1, 3, 75, 64), with sides that need all kinds of padding."""
    y, x = torch.meshgrid(torch.arange(75), torch.arange(64), indexing="ij")
    channels = ((3 * y + 5 * x) % 256, (7 * y + x) % 256, (y * x) % 256)
    return torch.stack(channels)[None].to(torch.uint8)


@pytest.mark.parametrize(
    ("architecture", "classes", "logits"),
    [
        ("efficientnet-lite0", [701, 417, 723, 645, 557], [22.3453, 22.0795, 19.305, 17.4341, 16.0295]),
        ("efficientnet-lite1", [417, 723, 701, 879, 806], [27.0027, 25.5739, 19.0274, 18.5738, 16.1532]),
        ("efficientnet-lite2", [417, 522, 723, 806, 641], [26.4015, 17.089, 17.0881, 15.0087, 14.4929]),
    ],
)
@torch.inference_mode()
def test_imagenet_answers_equal_those_of_the_reference(
    architecture: str, classes: list[int], logits: list[float]
) -> None:
    """The expected numbers are those of the package efficientnet-lite-pytorch 0.1.0."""
    network = EfficientNetLite(architecture, 1000, 0.0, 0).eval()
    network.load_state_dict(imagenet.load_imagenet_weights(architecture))
    image = make_pattern()

    best = network(network.normalise(network.pad(image)))[0].topk(5)

    assert best.indices.tolist() == classes
    assert best.values.tolist() == pytest.approx(logits, abs=1e-3)


@pytest.mark.parametrize(("side", "kernel"), [(8, 3), (9, 3), (8, 5), (9, 5), (7, 5), (2, 5), (1, 3)])
def test_strided_convolution_pads_like_tensorflow(side: int, kernel: int) -> None:
    layer = SamePaddedConv2d(1, 1, kernel, 2, bias=False)
    nn.init.zeros_(layer.weight)
    # TensorFlow's SAME padding puts the smaller half before the image.
    missing = max(0, ((side + 1) // 2 - 1) * 2 + kernel - side)
    with torch.no_grad():
        layer.weight[0, 0, missing // 2, missing // 2] = 1
    image = torch.rand(1, 1, side, side)

    assert torch.equal(layer(image), image[:, :, ::2, ::2])


@pytest.mark.parametrize("side", [1, 6, 7])
def test_depthwise_convolution_is_the_same_in_training(side: int) -> None:
    layer = DepthwiseConv2d(4, 4, 5, 2, groups=4, bias=False)
    images = torch.rand(2, 4, side, side, requires_grad=True)

    def run(*, training: bool) -> tuple[Tensor, Tensor]:
        answer = layer.train(training)(images)
        return answer, torch.autograd.grad(answer.square().sum(), [images])[0]

    for trained, served in zip(run(training=True), run(training=False), strict=True):
        assert torch.allclose(trained, served, atol=1e-6)


def trained_weights(network: EfficientNetLite) -> set[str]:
    """The names of the weights that are not frozen."""
    return {name for name, weight in network.named_parameters() if weight.requires_grad}


def test_freeze_keeps_the_filters_of_depthwise_convolutions() -> None:
    network = EfficientNetLite("efficientnet-lite0", 2, 0.0, 0)

    network.freeze(3)

    trained = trained_weights(network)
    assert "body.2.project.0.weight" in trained
    assert not {name for name in trained if name.startswith(("stem", "body.0.", "body.1."))}
    assert not {name for name in trained if name.endswith("depthwise.0.weight")}


def test_filters_of_depthwise_convolutions_are_trained_on_request() -> None:
    kept = EfficientNetLite("efficientnet-lite0", 2, 0.0, 0)
    kept.freeze(3)
    network = EfficientNetLite("efficientnet-lite0", 2, 0.0, 0)
    parameters = Hyperparameters(
        architecture="efficientnet-lite0", frozen_blocks=3, depthwise_filters="trained"
    )

    prepare_network(network, parameters, has_weights=True)

    more = trained_weights(network) - trained_weights(kept)
    assert more == {f"body.{number}.depthwise.0.weight" for number in range(2, 16)}
    assert trained_weights(kept) < trained_weights(network)


def test_normalisation_is_that_of_the_weights_and_repeats_grey() -> None:
    network = EfficientNetLite("efficientnet-lite0", 2, 0.0, 0)
    grey = torch.tensor([[[[0, 127, 255]]]], dtype=torch.uint8)

    images = network.normalise(network.pad(grey))

    assert images.shape == (1, 3, 1, 3)
    for channel in images[0, :, 0]:
        assert channel.tolist() == pytest.approx([-127 / 128, 0, 1], abs=1e-6)


@torch.inference_mode()
def test_descriptors_are_means_after_the_fifth_and_the_seventh_stage() -> None:
    network = EfficientNetLite("efficientnet-lite0", 2, 0.0, 8).eval()
    images = network.normalise(network.pad(make_pattern()))

    maps, descriptors = network.features(images)

    assert maps.shape == (1, 1280, 3, 3)
    assert descriptors.shape == (1, DESCRIPTORS)
    assert len(network.blocks) == 18
    assert torch.equal(descriptors[:, -320:], network.run_blocks(images, 0, 17).mean((2, 3)))
    assert torch.equal(maps, network.run_blocks(network.run_blocks(images, 0, 5), 5))


@pytest.mark.parametrize("architecture", EFFICIENTNETS)
def test_starting_weights_fill_all_but_the_head(
    architecture: str, task: Task, capsys: pytest.CaptureFixture[str]
) -> None:
    network = build_network(task, Hyperparameters(architecture=architecture))
    head = network.head.weight.clone()
    weights = load_starting_weights(architecture)

    weights.start(network)

    state = network.state_dict()
    own = {name for name in state if not name.startswith("head.")}
    assert all(torch.equal(state[name], weights.tensors[name]) for name in own)
    assert torch.equal(network.head.weight, head)
    said = f"starting from {len(own)} of {len(state)} tensors of {architecture} (sha256 "
    assert said in capsys.readouterr().out
    assert weights.credit["licence"] == "Apache-2.0"


def test_all_architectures_have_scales_and_weights() -> None:
    assert SCALES.keys() == imagenet.FILES.keys() == set(EFFICIENTNETS)


def test_weights_that_are_not_installed_are_reported_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagenet, "find_spec", lambda _: None)

    with pytest.raises(TrainingError, match=r"efficientnet-lite0 are not installed.*requirements\.txt"):
        load_starting_weights("efficientnet-lite0")


def test_changed_weights_are_rejected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / imagenet.FILES["efficientnet-lite0"].name
    file.parent.mkdir()
    file.write_bytes(b"other weights")
    spec = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(imagenet, "find_spec", lambda _: spec)

    with pytest.raises(TrainingError, match="sha256 differs"):
        load_starting_weights("efficientnet-lite0")


@dataclass(frozen=True)
class Trained:
    """A complete training that starts from Lite0, as `training.train` runs it."""

    model: Candidate
    folder: Path
    test: Images


@pytest.fixture(scope="module")
def trained(small_task: Task, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    home = tmp_path_factory.mktemp("training")
    words = ["--task", small_task.name, "--smoke", "--start-from", "efficientnet-lite0"]
    words += ["--data", str(write_images(home / "data", small_task.class_names))]
    for name in ("model", "output", "checkpoint"):
        words += [f"--{name}-dir", str(home / name)]
        (home / name).mkdir()
    words += ["--frozen-blocks", "12", "--feature-views", "1", "--head-epochs", "2", "--epochs", "1"]
    run_ = Run(replace(parse_arguments(words), task=small_task), home, 0.0)
    prepared = steps.prepare(run_)
    choice = steps.choose(run_, prepared, steps.fit_networks(run_, prepared))
    steps.package(run_, prepared, choice, steps.test(run_, prepared, choice))
    return Trained(choice.model, home / "model", prepared.data.labelled("test").pixels)


def test_training_from_imagenet_makes_a_package_with_its_licence(trained: Trained, small_task: Task) -> None:
    package = ModelPackage.load(trained.folder)
    card = (trained.folder / "card.md").read_text(encoding="utf-8")

    package.check_fits(small_task)
    training = package.facts["training"]
    assert training["architecture"] == "efficientnet-lite0"
    assert training["start_from"].startswith("efficientnet-lite0 (sha256 ")
    assert training["starting_weights"]["licence"] == "Apache-2.0"
    assert "width" not in training
    assert "- Architecture: efficientnet-lite0\n" in card
    assert "licence Apache-2.0. Citation: Tan M, Le Q" in card
    assert package.facts["size_bytes"] < 8_000_000
    assert not re.search(rb"/(home|root|tmp|work|Users)/", package.graph_path.read_bytes())


def test_graph_has_the_outputs_of_all_packages_and_agrees_with_torch(trained: Trained) -> None:
    session = open_session(trained.folder / "model.onnx")
    images = trained.test[:3]
    with torch.inference_mode():
        expected = trained.model.model.eval()(torch.from_numpy(images))
    answers = run(session, images)

    for name, values in zip(("probabilities", "activation", "distance"), expected, strict=True):
        assert answers[name] == pytest.approx(values.numpy(), abs=1e-3)
    assert answers["activation"].shape == (3, 5, 8, 5)
    [image] = session.get_inputs()
    assert (image.name, image.type, image.shape) == ("image", "tensor(uint8)", ["batch", 1, 64, 40])
    assert [output.name for output in session.get_outputs()] == list(answers)
    nodes = {node.op_type for node in onnx.load(trained.folder / "model.onnx").graph.node}
    assert "BatchNormalization" not in nodes


def test_application_classifies_with_the_package(trained: Trained, small_task: Task) -> None:
    shutil.copytree(trained.folder, trained.folder.parent / "models" / small_task.name)
    classifier = Classifier({}, lambda: None, trained.folder.parent / "models")
    images = trained.test[:2]

    answers = classifier.classify(small_task, images, [(0, 0, 40, 64)] * 2)

    expected = run(open_session(trained.folder / "model.onnx"), images)["probabilities"]
    for answer, probabilities in zip(answers, expected, strict=True):
        assert list(answer.probabilities.values()) == pytest.approx(probabilities.tolist(), abs=1e-3)


def test_unused_hyperparameters_are_not_among_the_facts(task: Task) -> None:
    facts = Hyperparameters(architecture="efficientnet-lite0").in_use()

    assert facts["architecture"] == "efficientnet-lite0"
    assert not facts.keys() & {"width", "stem_stride", "normalization"}
    assert Hyperparameters().in_use() == Hyperparameters().to_dict()


@pytest.mark.parametrize("channels", [1, 3])
@torch.inference_mode()
def test_network_takes_grey_and_colour(task: Task, channels: int) -> None:
    changed = replace(task, input=replace(task.input, channels=channels))
    network = build_network(changed, Hyperparameters(architecture="efficientnet-lite0")).eval()

    assert network(network.normalise(torch.rand(2, channels, 50, 40))).shape == (2, len(task.classes))
