"""Random numbers of a batch: the same for one process and for several."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from chalicelib.tasks import load_task
from training.model import parallel
from training.model.augmentation import Augmenter
from training.model.random_numbers import RandomNumbers

TOTAL = 7


@pytest.fixture(params=[2, 3])
def shared(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Calls a function as each of several processes, with its share of a batch."""

    def call(draw: Callable[[RandomNumbers, slice], Any]) -> list[Any]:
        results = []
        for rank in range(request.param):
            own = slice(rank, None, request.param)
            monkeypatch.setattr(parallel, "share", lambda own=own: own)
            numbers = RandomNumbers().manual_seed(5)
            with numbers.shared(TOTAL):
                results.append(draw(numbers, own))
        return results

    return call


def interleave(shares: list[torch.Tensor]) -> torch.Tensor:
    return torch.stack([shares[image % len(shares)][image // len(shares)] for image in range(TOTAL)])


@pytest.mark.parametrize(
    "draw",
    [
        lambda numbers, images: numbers.uniform((images, 3), -1, 2),
        lambda numbers, images: numbers.normal((images, 2, 2)),
        lambda numbers, images: numbers.integers(images, 4),
        lambda numbers, images: numbers.partners(images),
    ],
)
def test_shares_make_up_the_numbers_of_the_whole_batch(
    shared: Callable[..., list[Any]], draw: Callable[[RandomNumbers, int], torch.Tensor]
) -> None:
    whole = draw(RandomNumbers().manual_seed(5), TOTAL)

    shares = shared(lambda numbers, own: draw(numbers, len(torch.arange(TOTAL)[own])))

    assert torch.equal(interleave(shares), whole)


def test_chosen_images_are_the_same_and_leave_the_same_numbers(shared: Callable[..., list[Any]]) -> None:
    alone = RandomNumbers().manual_seed(5)
    chosen = [image for image in alone.chosen(TOTAL, 0.5) if image is not None]
    after = alone.single_uniform(1)

    def choose(numbers: RandomNumbers, own: slice) -> tuple[list[int], torch.Tensor]:
        images = torch.arange(TOTAL)[own].tolist()
        found = [images[number] for number in numbers.chosen(len(images), 0.5) if number is not None]
        return found, numbers.single_uniform(1)

    shares = shared(choose)

    assert 0 < len(chosen) < TOTAL
    assert sorted(image for found, _ in shares for image in found) == chosen
    assert all(torch.equal(following, after) for _, following in shares)


def test_augmented_shares_make_up_the_augmented_batch(shared: Callable[..., list[Any]]) -> None:
    task = load_task("breast-histology")
    images, labels = torch.rand(TOTAL, 3, 32, 32), torch.zeros(TOTAL, dtype=torch.int64)

    def augment(numbers: RandomNumbers, own: slice) -> torch.Tensor:
        augmenter = Augmenter(task.augmentation, task.flip_permutation, 0.5, numbers)
        return augmenter(images[own].clone(), labels[own])[0]

    whole = augment(RandomNumbers().manual_seed(5), slice(None))

    torch.testing.assert_close(interleave(shared(augment)), whole)
    assert not torch.allclose(whole, images, atol=0.05)
