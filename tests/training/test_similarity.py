"""The search for near duplicates, independent of brightness."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from training.data.pixels import batch_size
from training.data.similarity import find_similar, standardised_thumbnails
from training.errors import TrainingError


def make_scenes(count: int, height: int = 48, width: int = 64, channels: int = 1) -> NDArray[np.uint8]:
    """Unrelated images."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(40, 200, (count, channels, height // 8, width // 8))
    return coarse.repeat(8, 2).repeat(8, 3).astype(np.uint8)


def alter(image: NDArray[np.uint8], noise: float) -> NDArray[np.uint8]:
    """A darker copy with less contrast, noise and a burnt-in mark."""
    rng = np.random.default_rng(1)
    altered = image * 0.8 + 10 + rng.normal(0, noise, image.shape)
    altered[:, 5:8, 10:20] = 255
    return altered.clip(0, 255).astype(np.uint8)


def test_search_finds_altered_copies_and_nothing_else(tmp_path: Path) -> None:
    images = make_scenes(12)
    images[7] = alter(images[3], noise=6)
    images[10] = alter(images[3], noise=12)

    pairs = find_similar(images, 0.9, tmp_path / "thumbnails.npy")

    assert {(pair.first, pair.second) for pair in pairs} == {(3, 7), (3, 10), (7, 10)}
    assert all(0.9 < pair.correlation <= 1 for pair in pairs)


def test_search_compares_images_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.data.similarity.BLOCK", 4)
    monkeypatch.setattr("training.data.similarity.MAX_SHRUNK", 3)
    images = make_scenes(11)
    images[8] = images[3]
    images[5] = images[4]

    pairs = find_similar(images, 0.99, tmp_path / "thumbnails.npy")

    assert [(pair.first, pair.second) for pair in pairs] == [(3, 8), (4, 5)]


def test_search_reads_few_large_images_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As arrays of 2,048 x 2,048 pixels in colour, 256 images and their grey values would take 12 GB."""
    monkeypatch.setattr("training.data.pixels.MAX_BATCH_BYTES", 1_000_000)
    images = np.repeat(make_scenes(1, 256, 256), 100, axis=0)

    tracemalloc.start()
    find_similar(images, 1, tmp_path / "thumbnails.npy")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 15_000_000


def test_no_correlation_exceeds_one(tmp_path: Path) -> None:
    images = np.repeat(make_scenes(200), 2, axis=0)

    assert find_similar(images, 1, tmp_path / "thumbnails.npy") == []


def test_batch_is_smaller_if_images_are_large() -> None:
    sizes = [batch_size(np.zeros((1, *shape), np.uint8), 64) for shape in ((1, 160, 160), (3, 2048, 2048))]

    assert sizes == [64, 5]


def test_thumbnail_dot_product_is_the_correlation() -> None:
    images = make_scenes(3, channels=3)
    images[2] = 77

    vectors = standardised_thumbnails(images)

    first, second = (image.mean(0).reshape(6, 8, 8, 8).mean((1, 3)) for image in images[:2])
    assert vectors[0] @ vectors[0] == pytest.approx(1)
    assert vectors[0] @ vectors[1] == pytest.approx(
        np.corrcoef(first.ravel(), second.ravel())[0, 1], abs=0.08
    )
    assert not vectors[2].any()


def test_blank_images_are_similar_to_nothing(tmp_path: Path) -> None:
    assert find_similar(np.zeros((5, 1, 40, 40), np.uint8), 0.5, tmp_path / "thumbnails.npy") == []


def test_threshold_that_matches_too_many_images_is_rejected(tmp_path: Path) -> None:
    images = np.repeat(make_scenes(1), 60, axis=0)

    with pytest.raises(TrainingError, match="Raise --near-duplicates"):
        find_similar(images, 0.9, tmp_path / "thumbnails.npy")
