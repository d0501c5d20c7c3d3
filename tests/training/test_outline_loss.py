"""Training that draws activation maps to outlined findings."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from chalicelib.hyperparameters import Hyperparameters
from chalicelib.tasks import Augmentation, Task
from tests.training.samples import NO_AUGMENTATION, make_network
from training.data.pixels import Labelled, PixelView
from training.model.augmentation import Augmenter
from training.model.fitting import fit
from training.model.loop import Training
from training.model.outline_loss import outline_cells, outline_loss
from training.model.random_numbers import RandomNumbers
from training.model.starting_weights import StartingWeights
from training.model.transfer import CachedViews

HEAD = nn.Linear(1, 2, bias=False)
nn.init.constant_(HEAD.weight, 10)
MAPS = torch.zeros(1, 1, 2, 2)
MAPS[0, 0, 0, 1] = 1
"""The activation is at the top right."""


def cells_at(row: int, column: int) -> Tensor:
    cells = torch.zeros(1, 4, 4)
    cells[0, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = 1
    return cells


def loss(cells: Tensor) -> float:
    return outline_loss(MAPS, HEAD, torch.tensor([[1.0, 0.0]]), cells).item()


def test_outline_loss_is_low_where_the_map_agrees() -> None:
    assert loss(cells_at(0, 1)) < 0.01
    assert loss(cells_at(1, 0)) > 5


def test_outline_loss_ignores_images_without_an_outline() -> None:
    assert loss(torch.zeros(1, 4, 4)) == 0


def outlined(classes: int) -> Labelled:
    """Sixteen images of each class, one after the other; noise, each outlined at the top left."""
    pixels = np.random.default_rng(0).integers(0, 255, (16 * classes, 1, 64, 40), np.uint8)
    outlines = np.zeros_like(pixels)
    outlines[:, :, :32, :16] = 255
    rows = np.arange(len(pixels))
    return Labelled(PixelView(pixels, rows), rows // 16, PixelView(outlines, rows))


@pytest.mark.parametrize(
    ("changes", "kept"), [({"mixup": 0.999}, False), ({"cutmix": 0.999}, False), ({}, True)]
)
@pytest.mark.parametrize("views", [0, 1])
def test_mixed_images_lose_their_outlines_even_within_a_class(
    small_task: Task, changes: dict[str, float], kept: bool, views: int
) -> None:
    parameters = Hyperparameters(
        width=4, batch_size=16, outline_weight=1.0, frozen_blocks=2 * views, feature_views=views
    ).updated(changes)
    start = StartingWeights("teacher", make_network(width=4).state_dict())
    task = replace(small_task, augmentation=NO_AUGMENTATION)
    training = Training(task, outlined(len(task.classes)), parameters, 0, start)
    training.begin()
    if training.views:
        training.view = training.views.of_epoch(0)

    _, targets, cells = (training._draw_maps if views else training._draw_images)(np.arange(16))

    assert torch.allclose(targets.amax(1), torch.ones(16))
    assert (cells is not None) is kept


def test_cached_views_keep_the_outlines_of_each_view(small_task: Task) -> None:
    pixels = np.zeros((6, 1, 64, 64), np.uint8)
    for number in range(6):
        pixels[number, :, 8 * number : 8 * number + 16, :24] = 255
    rows = np.arange(6)
    shown = PixelView(pixels, rows)
    spec = replace(NO_AUGMENTATION, flip=True, quarter_turns=True)
    augment = Augmenter(spec, (0, 1), 0.0, RandomNumbers())
    network = make_network()

    # No block is run, so that the cached maps are the normalised images.
    views = CachedViews(network, Labelled(shown, np.zeros(6, np.int64), shown), augment, 4, 0, seed=0)

    firsts = set()
    for epoch in range(4):
        maps, _, cells = views.of_epoch(epoch).take(rows)
        assert cells is not None
        assert cells.shape == (6, 8, 8)
        bright = functional.avg_pool2d((maps > 0).float(), 8)[:, 0]
        assert torch.allclose(cells, bright, atol=1e-3)
        firsts.add(cells[0].numpy().tobytes())
    assert len(firsts) > 1


def test_outline_cells_are_shares_of_squares() -> None:
    outlines = torch.zeros(1, 1, 16, 16)
    outlines[0, 0, :8, 4:] = 1

    assert outline_cells(outlines).tolist() == [[[0.5, 1.0], [0.0, 0.0]]]


@pytest.mark.parametrize(
    "spec",
    [
        replace(NO_AUGMENTATION, flip=True),
        replace(NO_AUGMENTATION, quarter_turns=True),
        replace(NO_AUGMENTATION, rotate_degrees=40, scale=0.3, shift=0.2),
    ],
)
def test_outlines_move_with_their_images(spec: Augmentation) -> None:
    images = torch.zeros(32, 1, 24, 24)
    images[:, :, 3:12, 5:11] = 1
    augment = Augmenter(spec, (0, 1), 0.0, RandomNumbers().manual_seed(1))

    changed, _, outlines = augment.with_outlines(images, torch.zeros(32, dtype=torch.long), images)

    assert torch.allclose(changed, outlines, atol=2e-3)
    assert not torch.allclose(changed, images, atol=0.5)


def test_outlines_do_not_change_what_is_drawn() -> None:
    spec = replace(NO_AUGMENTATION, flip=True, rotate_degrees=20, gamma=0.3, noise=0.1)
    images, labels = torch.rand(8, 1, 16, 16), torch.zeros(8, dtype=torch.long)

    def augmenter() -> Augmenter:
        return Augmenter(spec, (0, 1), 0.5, RandomNumbers().manual_seed(1))

    changed, _, _ = augmenter().with_outlines(images, labels, torch.zeros(8, 1, 16, 16))

    assert torch.equal(changed, augmenter()(images, labels)[0])


def inside(task: Task, weight: float) -> float:
    """The share of the true class's map that is inside the outline, after a short training."""
    rng = np.random.default_rng(0)
    labels = np.arange(64) % len(task.classes)
    pixels = rng.integers(0, 60, (64, 1, 64, 64), np.uint8)
    outlines = np.zeros_like(pixels)
    # The class shows at two places; one of them is outlined.
    pixels[labels == 1, :, :32, :32] += 120
    pixels[labels == 1, :, 32:, 32:] += 120
    outlines[labels == 1, :, 32:, 32:] = 255
    rows = np.arange(64)
    data = Labelled(PixelView(pixels, rows), labels, PixelView(outlines, rows))
    parameters = Hyperparameters().updated({
        "width": 4, "stem_stride": 2, "epochs": 6, "batch_size": 16, "ema_decay": 0.5, "random_erasing": 0,
        "learning_rate": 5e-3, "outline_weight": weight,
    })  # fmt: skip
    network = fit(task, data, data, parameters, 0).network
    with torch.no_grad():
        images = network.normalise(network.pad(torch.from_numpy(pixels[labels == 1])))
        maps = torch.einsum("nfhw,f->nhw", network.features(images)[0], network.head.weight[1])
    share = maps.flatten(1).softmax(1).view(maps.shape)
    middle = share.shape[1] // 2
    return float(share[:, middle:, middle:].sum((1, 2)).mean())


def test_training_draws_maps_into_outlines(small_task: Task) -> None:
    task = replace(small_task, augmentation=NO_AUGMENTATION)

    assert inside(task, 1.0) > inside(task, 0.0) + 0.1
