"""Random numbers for the images of a batch, which do not depend on the number of processes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self

import torch
from torch import Tensor

from training.model import parallel


class RandomNumbers:
    """Draws numbers for the images of a batch from one generator.

    While a batch is shared between processes, each draws the numbers of the whole batch and uses those of its
    share, so that all of them together do what one process alone would do.
    """

    def __init__(self) -> None:
        self._generator = torch.Generator()
        self._total: int | None = None
        """Images of the whole batch; None if this process has all of them."""

    def manual_seed(self, seed: int) -> Self:
        """Seed the generator."""
        self._generator.manual_seed(seed)
        return self

    @contextmanager
    def shared(self, total: int) -> Iterator[None]:
        """In the block, the images are this process's share of a batch of `total` images."""
        self._total = total
        try:
            yield
        finally:
            self._total = None

    def uniform(self, shape: Sequence[int], low: float = 0, high: float = 1) -> Tensor:
        """Uniform numbers of this shape, whose first axis is that of the images."""
        return self._own(torch.empty(self._whole(shape)).uniform_(low, high, generator=self._generator))

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Standard normal numbers of this shape, whose first axis is that of the images."""
        return self._own(torch.randn(self._whole(shape), generator=self._generator))

    def integers(self, images: int, high: int) -> Tensor:
        """An integer from 0 to below `high` for each image."""
        return self._own(torch.randint(0, high, self._whole([images]), generator=self._generator))

    def chosen(self, images: int, share: float) -> Iterator[int | None]:
        """Yield the number of each image that is among about this share of the images, in order.

        An image that another process has is yielded as None: what is drawn for it must be drawn here as well.
        """
        own = self._own(torch.arange(*self._whole([images]))).tolist()
        position = {image: number for number, image in enumerate(own)}
        drawn = torch.empty(self._whole([images])).uniform_(generator=self._generator)
        for image in (drawn < share).nonzero().flatten().tolist():
            yield position.get(image)

    def partners(self, images: int) -> Tensor:
        """A random order of the whole batch: the number of a partner for each of this process's images."""
        return self._own(torch.randperm(*self._whole([images]), generator=self._generator))

    def whole_batch(self, values: Tensor) -> Tensor:
        """The values of all images of the batch, in order; `values` are those of this process's images."""
        return values if self._total is None else parallel.gather(values, self._total)

    def single_uniform(self, count: int, low: float = 0, high: float = 1) -> Tensor:
        """Uniform numbers that belong to one image, or to all of them: the same in all processes."""
        return torch.empty(count).uniform_(low, high, generator=self._generator)

    def single_integer(self, high: int) -> int:
        """An integer from 0 to below `high`: the same in all processes."""
        return int(torch.randint(0, high, (1,), generator=self._generator))

    def _whole(self, shape: Sequence[int]) -> list[int]:
        return list(shape) if self._total is None else [self._total, *shape[1:]]

    def _own(self, whole: Tensor) -> Tensor:
        return whole if self._total is None else whole[parallel.share()]
