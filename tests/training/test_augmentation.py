"""Augmentation: mirrored images get mirrored labels, and results are reproducible by seed."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from chalicelib.tasks import Augmentation, Task
from tests.training.samples import NO_AUGMENTATION
from training.model.augmentation import Augmenter
from training.model.random_numbers import RandomNumbers


def images(count: int = 64, height: int = 24, width: int = 16) -> Tensor:
    """Different images, with grey values rising from the top left to the bottom right."""
    ramp = torch.linspace(0.3, 0.6, height * width).view(1, 1, height, width)
    return ramp ** torch.linspace(0.5, 2, count).view(count, 1, 1, 1)


def make_augmenter(
    spec: Augmentation, permutation: tuple[int, ...] = (0, 1), random_erasing: float = 0.0
) -> Augmenter:
    return Augmenter(spec, permutation, random_erasing, RandomNumbers().manual_seed(0))


def test_flip_mirrors_labels_of_exactly_the_mirrored_images(task: Task) -> None:
    permutation = task.flip_permutation
    labels = torch.arange(64) % len(permutation)

    changed, new_labels = make_augmenter(replace(NO_AUGMENTATION, flip=True), permutation)(images(), labels)

    mirrored = (changed - images().flip(3)).abs().amax((1, 2, 3)) < 1e-3
    assert 16 < mirrored.sum() < 48
    expected = torch.where(mirrored, torch.tensor(permutation)[labels], labels)
    assert new_labels.tolist() == expected.tolist()
    assert not torch.equal(new_labels, labels)


def test_labels_are_unchanged_without_flip() -> None:
    labels = torch.arange(64) % 2

    _, new_labels = make_augmenter(replace(NO_AUGMENTATION, rotate_degrees=10), (1, 0))(images(), labels)

    assert torch.equal(new_labels, labels)


@pytest.mark.parametrize(
    "spec",
    [
        replace(NO_AUGMENTATION, rotate_degrees=10),
        replace(NO_AUGMENTATION, scale=0.2),
        replace(NO_AUGMENTATION, shift=0.1),
        replace(NO_AUGMENTATION, gamma=0.5),
        replace(NO_AUGMENTATION, contrast=0.5),
        replace(NO_AUGMENTATION, fog=0.3),
        replace(NO_AUGMENTATION, noise=0.1),
        replace(NO_AUGMENTATION, inversion=0.5),
        replace(NO_AUGMENTATION, markers=0.5),
    ],
)
def test_each_setting_changes_images_within_the_value_range(spec: Augmentation) -> None:
    labels = torch.zeros(64, dtype=torch.long)

    changed, _ = make_augmenter(spec)(images(), labels)

    assert (changed - images()).abs().amax() > 0.01
    assert 0 <= changed.min() <= changed.max() <= 1


def test_colour_shifts_the_channels_apart() -> None:
    grey = torch.full((8, 3, 16, 16), 0.5)

    changed, _ = make_augmenter(replace(NO_AUGMENTATION, colour=0.2))(grey, torch.zeros(8, dtype=torch.long))

    means = changed.mean((2, 3))
    assert (means.amax(1) - means.amin(1)).max() > 0.05


def test_stain_changes_tissue_more_than_glass() -> None:
    tissue, glass = torch.tensor([0.6, 0.3, 0.6]), torch.tensor([0.95, 0.95, 0.95])
    patches = torch.stack([tissue, glass], 1).view(1, 3, 1, 2).expand(64, -1, 8, -1)

    changed, _ = make_augmenter(replace(NO_AUGMENTATION, stain=0.2))(
        patches, torch.zeros(64, dtype=torch.long)
    )

    of_tissue, of_glass = (changed.log() - patches.log()).abs().mean((0, 1, 2)).tolist()
    assert of_tissue > 2 * of_glass > 0


def test_quarter_turns_turn_square_images() -> None:
    square = images(64, 16, 16)

    changed, _ = make_augmenter(replace(NO_AUGMENTATION, quarter_turns=True))(
        square, torch.zeros(64, dtype=torch.long)
    )

    turned = [
        min(
            range(4),
            key=lambda turns: (image - source.rot90(turns, (1, 2))).abs().max(),
        )
        for image, source in zip(changed, square, strict=True)
    ]
    assert set(turned) == {0, 1, 2, 3}


def test_fog_leaves_the_padding_black() -> None:
    padded = functional.pad(images(), [8, 8, 8, 8])

    changed, _ = make_augmenter(replace(NO_AUGMENTATION, fog=0.3))(padded, torch.zeros(64, dtype=torch.long))

    lifted = (changed - padded)[:, :, 8:-8, 8:-8].amin((1, 2, 3))
    assert changed[:, :, :8].max() < 1e-3
    assert 16 < (lifted > 0.001).sum() < 48


def test_random_erasing_blanks_a_rectangle() -> None:
    changed, _ = make_augmenter(NO_AUGMENTATION, random_erasing=1.0)(
        images(), torch.zeros(64, dtype=torch.long)
    )

    for image in changed:
        values, counts = image.unique(return_counts=True)
        assert len(values) < image.numel()
        assert counts.max() >= 2


def test_augmentation_is_reproducible_by_seed(task: Task) -> None:
    labels = torch.arange(64) % len(task.classes)

    first, again = (
        make_augmenter(task.augmentation, task.flip_permutation, 0.5)(images(), labels) for _ in range(2)
    )

    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
