"""Images that are read whenever they are needed, so that a data set of any size takes no disk."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from chalicelib.tasks import InputSpec
from training.data.decoding import ARRAY, decode
from training.data.storage import CONNECTIONS, Storage
from training.errors import FileMissing, TrainingError

MAX_MEMORY = 2_000_000_000
"""Bytes of prepared images that a process keeps."""


class StreamedImages:
    """The prepared images of files, indexed like an array of shape (N, channels, height, width).

    The first ones that are read are kept in memory, up to a limit. Every epoch reads each image once, in
    random order, so that any other choice would save as many reads.
    """

    def __init__(self, storage: Storage, addresses: Sequence[str], digests: Sequence[bytes], spec: InputSpec):
        """Take the address of each file and the SHA-256 that it must have."""
        self._storage = storage
        self._addresses = addresses
        self._digests = digests
        self._spec = spec
        self._kept: dict[int, NDArray[np.uint8]] = {}

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, channels, height, width)."""
        return len(self._addresses), *self._spec.shape

    def __getitem__(self, rows: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Read images; the answer has the shape (n, channels, height, width).

        Raises:
            TrainingError: if a file cannot be read, or was changed or deleted since its preparation.
        """
        wanted = rows.tolist()
        missing = sorted({row for row in wanted if row not in self._kept})
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            read = dict(zip(missing, pool.map(self._read, missing), strict=True))
        images = np.empty((len(wanted), *self.shape[1:]), np.uint8)
        for position, row in enumerate(wanted):
            images[position] = read[row] if row in read else self._kept[row]
        room = MAX_MEMORY // max(1, images[:1].nbytes) - len(self._kept)
        self._kept |= dict(list(read.items())[: max(0, room)])
        return images

    def _read(self, row: int) -> NDArray[np.uint8]:
        address = self._addresses[row]
        try:
            data = self._storage.read(address)
        except FileMissing:
            raise TrainingError(
                f"'{address}' was deleted after the data were prepared. Prepare them again."
            ) from None
        # The digest of an array is that of the image that it was made of.
        if not data.startswith(ARRAY) and hashlib.sha256(data).digest() != self._digests[row]:
            raise TrainingError(f"'{address}' has changed since the data were prepared. Prepare them again.")
        return decode(data, self._spec)
