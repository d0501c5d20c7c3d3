"""Transfer learning: frozen blocks, cached views, the head first, and discriminative learning rates."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from chalicelib.hyperparameters import Hyperparameters
from chalicelib.tasks import Augmentation, Task
from tests.training.samples import NO_AUGMENTATION, make_network, write_images
from training.data.pixels import Labelled, PixelView
from training.data.preparation import PreparedData, prepare_data
from training.errors import TrainingError
from training.model import loop
from training.model.augmentation import Augmenter
from training.model.checkpoint import Checkpoint
from training.model.classifier import Classifier
from training.model.fitting import Fit, fit
from training.model.loop import Training
from training.model.optimisation import group_weights
from training.model.progress import Epoch
from training.model.random_numbers import RandomNumbers
from training.model.starting_weights import StartingWeights
from training.model.transfer import CachedViews, View, pool_view, train_head

FROZEN = 5
QUICK = Hyperparameters(
    epochs=2, batch_size=16, width=4, ema_decay=0.5, frozen_blocks=FROZEN, feature_views=2, head_epochs=3
)


@pytest.fixture(scope="module")
def data(small_task: Task, tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    folder = tmp_path_factory.mktemp("data")
    images = write_images(folder / "images", small_task.class_names)
    return prepare_data(images, "undescribed", small_task, 0, folder)


@pytest.fixture(scope="module")
def weights() -> StartingWeights:
    torch.manual_seed(5)
    return StartingWeights("teacher", make_network(width=QUICK.width).state_dict())


@pytest.fixture
def train(small_task: Task, data: PreparedData, weights: StartingWeights) -> Callable[[Hyperparameters], Fit]:
    parts = data.labelled("train"), data.labelled("validation")
    return lambda parameters: fit(small_task, *parts, parameters, 0, weights)


def changed(fitted: Fit, weights: StartingWeights) -> set[str]:
    """The parts of the network (stem, stages.N, head) whose tensors differ from the starting weights."""
    state = fitted.network.state_dict()
    return {
        name.split(".")[0] if not name.startswith("stages.") else ".".join(name.split(".")[:2])
        for name, tensor in state.items()
        # The moving average rounds.
        if tensor.shape != weights.tensors[name].shape
        or not torch.allclose(tensor.float(), weights.tensors[name].float(), rtol=1e-6, atol=1e-7)
    }


@pytest.mark.parametrize("views", [0, 2])
def test_frozen_blocks_keep_weights_and_statistics(
    train: Callable[[Hyperparameters], Fit], weights: StartingWeights, views: int
) -> None:
    fitted = train(QUICK.updated({"feature_views": views}))

    # Block 0 is the stem.
    assert changed(fitted, weights) == {"head", *(f"stages.{number}" for number in range(FROZEN - 1, 8))}


def test_all_blocks_can_be_frozen(train: Callable[[Hyperparameters], Fit], weights: StartingWeights) -> None:
    fitted = train(QUICK.updated({"frozen_blocks": 9}))

    assert changed(fitted, weights) == {"head"}


def test_transfer_is_reproducible(train: Callable[[Hyperparameters], Fit]) -> None:
    first, again = train(QUICK), train(QUICK)

    assert first.history == again.history
    assert torch.equal(first.network.head.weight, again.network.head.weight)


def cache(
    pixels: NDArray[np.uint8], labels: list[int], augmentation: Augmentation, views: int = 3
) -> tuple[Classifier, CachedViews]:
    """A network with random weights, and views of images that it computes."""
    network = make_network(width=8).eval()
    images = Labelled(PixelView(pixels, np.arange(len(labels))), np.array(labels))
    augment = Augmenter(augmentation, (1, 0), 0.0, RandomNumbers())
    return network, CachedViews(network, images, augment, views, FROZEN, seed=0)


PIXELS = np.random.default_rng(0).integers(0, 256, (3, 1, 64, 40), np.uint8)


@pytest.mark.parametrize("min_for_onnx", [1, 1000])
@torch.inference_mode()
def test_cached_views_are_the_output_of_the_frozen_blocks(
    min_for_onnx: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.model.runner.MIN_FOR_ONNX", min_for_onnx)
    network, views = cache(PIXELS, [0, 1, 1], NO_AUGMENTATION)
    images = network.normalise(network.pad(torch.from_numpy(PIXELS)))

    maps, labels, _ = views.of_epoch(1).take(np.array([2, 0]))

    assert torch.allclose(maps, network.run_blocks(images, 0, FROZEN)[[2, 0]], rtol=2e-3, atol=2e-3)
    assert labels.tolist() == [1, 0]
    pooled = pool_view(network, views.of_epoch(1), FROZEN)
    expected = network.features(images)[0].mean((2, 3))
    assert pooled.maps == pytest.approx(expected.numpy(), rel=1e-2, abs=1e-2)
    # The head, run on the cached maps, answers like the whole network.
    assert torch.allclose(network(maps, FROZEN), network(images)[[2, 0]], atol=1e-2)


def test_mirrored_views_have_the_mirrored_label() -> None:
    flips = replace(NO_AUGMENTATION, flip=True)
    symmetric = np.zeros((40, 1, 64, 40), np.uint8)
    symmetric[:, :, :, :20] = 255

    _, views = cache(symmetric, [0] * 40, flips, 1)

    view = views.of_epoch(0)
    mirrored = view.labels == 1
    assert 5 < mirrored.sum() < 35
    for same in (mirrored, ~mirrored):
        assert np.ptp(view.maps[same].astype(np.float32), axis=0).max() == 0
    assert not np.array_equal(view.maps[mirrored][0], view.maps[~mirrored][0])


def test_views_of_an_image_differ_and_follow_from_the_seed() -> None:
    noisy = replace(NO_AUGMENTATION, noise=0.2, gamma=0.3)
    torch.manual_seed(0)
    _, views = cache(PIXELS, [0, 1, 1], noisy)
    torch.manual_seed(0)
    _, again = cache(PIXELS, [0, 1, 1], noisy)

    maps = [views.of_epoch(epoch).maps for epoch in range(3)]
    assert not any(np.array_equal(maps[epoch], maps[epoch - 1]) for epoch in range(3))
    # A resumed training begins with a later one.
    assert all(np.array_equal(maps[epoch], again.of_epoch(epoch).maps) for epoch in (2, 0, 1))


def test_views_are_computed_once_each_when_an_epoch_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    _, views = cache(PIXELS, [0, 1, 1], NO_AUGMENTATION, 2)
    computed: list[int] = []
    compute = views._compute

    def count(number: int) -> View:
        computed.append(number)
        return compute(number)

    monkeypatch.setattr(views, "_compute", count)

    used = [views.of_epoch(epoch) for epoch in range(5)]

    assert computed == [0, 1]
    assert used[0] is used[2] is used[4]
    assert used[1] is used[3]


def test_only_the_head_changes_before_the_first_epoch(
    small_task: Task, data: PreparedData, weights: StartingWeights
) -> None:
    training = Training(small_task, data.labelled("train"), QUICK, 0, weights)
    before = {name: tensor.clone() for name, tensor in training.network.state_dict().items()}

    training.begin()

    after = training.network.state_dict()
    assert {name for name in before if not torch.equal(before[name], after[name])} == {
        "head.weight",
        "head.bias",
    }


def test_head_learns_separable_features() -> None:
    network = make_network(classes=3)
    labels = np.arange(90) % 3
    features = np.random.default_rng(0).normal(0, 0.3, (90, network.head.in_features))
    features[:, 0] += labels
    pooled = View(features.astype(np.float16), labels)
    parameters = QUICK.updated({"head_epochs": 60, "head_learning_rate": 0.05, "dropout": 0.0})

    train_head(network, pooled, parameters, torch.ones(3), seed=0)

    with torch.inference_mode():
        answers = network.head(torch.from_numpy(features).float()).argmax(1).numpy()
    assert (answers == labels).mean() > 0.9


def test_interrupted_transfer_resumes_to_the_same_network(
    small_task: Task,
    data: PreparedData,
    weights: StartingWeights,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = data.labelled("train"), data.labelled("validation")
    checkpoint = Checkpoint(tmp_path / "seed-0.pt", {"seed": 0})
    expected = fit(small_task, *parts, QUICK, 0, weights)

    def interrupt(epoch: Epoch) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(small_task, *parts, QUICK, 0, weights, checkpoint, interrupt)
    # The head has been trained, and must not be trained again.
    monkeypatch.delattr(loop, "train_head")
    resumed = fit(small_task, *parts, QUICK, 0, weights, checkpoint)

    assert resumed.history == expected.history
    assert torch.equal(resumed.network.head.weight, expected.network.head.weight)
    monkeypatch.delattr(loop, "CachedViews")
    assert fit(small_task, *parts, QUICK, 0, weights, checkpoint).history == expected.history


def rates(network: torch.nn.Module, groups: list[dict[str, object]]) -> dict[str, tuple[object, object]]:
    found = {
        id(weight): (group["lr"], group["weight_decay"])
        for group in groups
        for weight in group["params"]  # type: ignore[attr-defined]
    }
    return {name: found[id(weight)] for name, weight in network.named_parameters() if id(weight) in found}


def test_learning_rate_falls_from_the_head_to_the_first_block() -> None:
    parameters = Hyperparameters(layer_decay=0.5, learning_rate=0.01, weight_decay=0.1)
    network = make_network()
    network.freeze(2)

    found = rates(network, group_weights(network, parameters))

    assert found["head.weight"] == (0.01, 0.1)
    assert found["head.bias"] == (0.01, 0.0)
    assert found["stages.7.conv2.weight"] == (0.005, 0.1)
    assert found["stages.6.norm1.weight"] == (0.0025, 0.0)
    assert not any(name.startswith(("stem.", "stages.0.")) for name in found)
    assert any(name.startswith("stages.1.") for name in found)


def test_all_weights_learn_alike_by_default() -> None:
    groups = group_weights(make_network(), Hyperparameters(learning_rate=0.01))

    assert [(group["lr"], group["weight_decay"]) for group in groups] == [(0.01, 0.05), (0.01, 0.0)]


@pytest.mark.parametrize(
    ("changes", "has_weights", "message"),
    [
        ({"frozen_blocks": 10}, True, "has 9 blocks, so that 10 cannot be frozen"),
        ({"head_epochs": 0}, False, "nothing to keep: name them with --start-from"),
        ({"frozen_blocks": 0, "feature_views": 0}, False, "nothing to keep"),
    ],
)
def test_impossible_transfer_is_rejected(
    small_task: Task,
    data: PreparedData,
    weights: StartingWeights,
    changes: dict[str, int],
    has_weights: bool,
    message: str,
) -> None:
    with pytest.raises(TrainingError, match=message):
        Training(
            small_task, data.labelled("train"), QUICK.updated(changes), 0, weights if has_weights else None
        )


def test_maps_of_views_are_mixed_like_images(
    small_task: Task, data: PreparedData, weights: StartingWeights
) -> None:
    training = Training(small_task, data.labelled("train"), QUICK.updated({"mixup": 1.0}), 0, weights)
    training.begin()
    assert training.views is not None
    training.view = training.views.of_epoch(0)

    maps, targets, _ = training._draw_maps(np.arange(0, 80, 5))

    assert maps.shape[0] == 16
    assert isinstance(targets, Tensor)
    assert torch.allclose(targets.sum(1), torch.ones(16))
    assert ((targets > 0).sum(1) == 2).any()
