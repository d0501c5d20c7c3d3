"""Prepared images of a data set: every file is read, hashed and decoded once."""

import hashlib
import math
import os
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ImageError
from chalicelib.imaging import prepare
from chalicelib.tasks import InputSpec
from training.core.hosts import ALONE, Hosts
from training.data.dataset import Record
from training.data.decoding import ARRAY, OutdatedArray, unpack
from training.data.manifest import MANIFEST, read_digests
from training.data.storage import CONNECTIONS, Storage, join
from training.data.streaming import StreamedImages
from training.errors import FileMissing, TrainingError

MAX_UNREADABLE = 0.05
"""Share of unreadable files above which the folder, rather than single files, must be wrong."""
CHUNK = 1024
"""Files that are handed to the threads at once; tasks for a million would fill the memory."""
MAX_BATCH_BYTES = 64_000_000
"""Of images that are worked on at once. What is computed from them can take a hundred times as much."""
MAX_MESSAGE = 256_000_000
"""Bytes of images that several hosts exchange at once."""
PRINT_EVERY = 10.0
"""Seconds between two lines of progress."""


class ImageArray(Protocol):
    """An array of images, of shape (M, channels, height, width), that can be indexed with row numbers."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(M, channels, height, width)."""

    def __getitem__(self, rows: NDArray[np.int64], /) -> NDArray[np.uint8]:
        """A copy in memory of some images."""


class PixelView:
    """Chosen rows of an array of images, read only when indexed: a part of a data set takes no memory."""

    def __init__(self, images: ImageArray, rows: NDArray[np.int64]):
        """Take images of shape (M, channels, height, width), on disk or in S3, and row numbers (N,)."""
        self._images = images
        self._rows = rows

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, channels, height, width)."""
        return len(self._rows), *self._images.shape[1:]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, chosen: slice | NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
        """A copy in memory of the chosen images, shape (n, channels, height, width)."""
        return self._images[self._rows[chosen]]

    def view(self, chosen: Sequence[int]) -> "PixelView":
        """A view of some of these images; nothing is read."""
        return PixelView(self._images, self._rows[np.array(chosen, np.int64)])


Images = NDArray[np.uint8] | PixelView
"""Prepared images, in memory or not: shape (N, channels, height, width), indexed along N."""


def batch_size(images: Images, most: int) -> int:
    """How many images to work on at once: `most`, or fewer if they are large."""
    return max(1, min(most, MAX_BATCH_BYTES // math.prod(images.shape[1:])))


@dataclass(frozen=True)
class Labelled:
    """Prepared images and their classes."""

    pixels: PixelView
    """Shape (N, channels, height, width)."""
    labels: NDArray[np.int64]
    """Shape (N,)."""
    outlines: PixelView | None = None
    """White inside the outlines of findings, shape (N, 1, height, width)."""


@dataclass(frozen=True)
class PreparedImages:
    """Prepared images of files, and what was found while reading them."""

    pixels: ImageArray
    """Shape (N, channels, height, width), memory-mapped or streamed. Only the rows in `rows` are filled."""
    rows: NDArray[np.int64]
    """For each file, the row of its image in `pixels`; identical files share a row."""
    digests: tuple[bytes, ...]
    """SHA-256 of each file; that of its address if it is missing."""
    contents: tuple[bytes, ...]
    """SHA-256 of each file's pixels, which are equal if an image was saved again in another format; that of a
    file that cannot be read."""
    problems: dict[bytes, str]
    """By digest, the reason why a file cannot be read."""
    outdated: frozenset[bytes]
    """Digests of arrays that were prepared for another input than the task has now."""
    shapes: Counter[tuple[str, int, int]]
    """How many files have a format, width and height; identical files count once."""

    def view(self) -> PixelView:
        """The images of all files, in their order."""
        return PixelView(self.pixels, self.rows)

    def readable(self, index: int) -> bool:
        """Whether a file is an image that serving would accept, and not an outdated array."""
        return self.digests[index] not in self.problems and self.digests[index] not in self.outdated


@dataclass
class _Contents:
    """What was found in files, by the SHA-256 of their contents."""

    row_of: dict[bytes, int] = field(default_factory=dict)
    """Where the image is in the array."""
    problems: dict[bytes, str] = field(default_factory=dict)
    outdated: set[bytes] = field(default_factory=set)
    shapes: dict[bytes, tuple[str, int, int]] = field(default_factory=dict)
    """Format, width and height of images that were decoded."""
    pixels: dict[bytes, bytes] = field(default_factory=dict)
    """The SHA-256 of the prepared pixels."""

    def add(self, other: "_Contents") -> None:
        """Add what was found in other files, or in copies of the same."""
        for digest, row in other.row_of.items():
            self.row_of.setdefault(digest, row)
        self.problems |= other.problems
        self.outdated |= other.outdated
        self.shapes |= other.shapes
        self.pixels |= other.pixels


class _Reader:
    """Reads files from several threads, each content once; several hosts read different files.

    A file may also be the array that the application made of an image.
    """

    def __init__(self, storage: Storage, spec: InputSpec, pixels: NDArray[np.uint8] | None, hosts: Hosts):
        self.storage = storage
        self.spec = spec
        self.pixels = pixels
        self.hosts = hosts
        self.known = _Contents()
        """Of all hosts."""
        self.lock = Lock()
        self._new = _Contents()
        """Of this host, in the current chunk."""

    def read_chunk(self, pool: ThreadPoolExecutor, first: int, addresses: Sequence[str]) -> list[bytes]:
        """Read files with the other hosts; the first file has the row `first`. Returns their digests."""
        own = slice(self.hosts.number, None, self.hosts.count)
        rows = range(first, first + len(addresses))
        read = list(pool.map(self._read, rows[own], addresses[own]))
        shares = self._exchange(read)
        return [shares[number % self.hosts.count][number // self.hosts.count] for number in range(len(rows))]

    def _exchange(self, read: list[bytes]) -> list[list[bytes]]:
        """Give what this host has read to the others, and take theirs; returns the digests of each host."""
        found, self._new = self._new, _Contents()
        pixels = self.pixels if self.hosts.count > 1 else None
        images = None if pixels is None else pixels[list(found.row_of.values())]
        shares = self.hosts.gather((read, found, images))
        for number, (_, contents, others) in enumerate(shares):
            if pixels is not None and number != self.hosts.number:
                pixels[list(contents.row_of.values())] = others
            self.known.add(contents)
        return [digests for digests, _, _ in shares]

    def _read(self, row: int, address: str) -> bytes:
        try:
            data = self.storage.read(address)
        except FileMissing as error:  # deleted since it was listed
            missing = hashlib.sha256(os.fsencode(address)).digest()
            self._new.row_of[missing] = row
            self._new.problems[missing] = error.message
            return missing
        digest = hashlib.sha256(data).digest()
        with self.lock:
            if digest in self.known.row_of or digest in self._new.row_of:
                return digest
            self._new.row_of[digest] = row
        try:
            if data.startswith(ARRAY):
                pixels = unpack(data, self.spec)
            else:
                image = prepare(data, self.spec)
                pixels = image.pixels
                self._new.shapes[digest] = image.source.format, image.source.columns, image.source.rows
            self._new.pixels[digest] = hashlib.sha256(pixels.tobytes()).digest()
            if self.pixels is not None:
                self.pixels[row] = pixels
        except OutdatedArray:
            # It tells nothing about the folder: the input has changed since reviews were made.
            self._new.outdated.add(digest)
        except ImageError as error:
            self._new.problems[digest] = error.message
        return digest


def prepare_images(
    storage: Storage,
    folder: str,
    records: Sequence[Record],
    spec: InputSpec,
    store: Path | None,
    hosts: Hosts = ALONE,
) -> PreparedImages:
    """Prepare every record's file exactly as serving does, into one array file at `store`.

    Memory holds a few files at a time, however many there are. The array file needs channels x height x width
    bytes per record; without it (None), files are read again when they are needed. Each of several hosts
    reads a share of the files, and gets the images of the others.

    Raises:
        TrainingError: if a file cannot be fetched, or more than a few are missing or not readable images.
    """
    count = len(records)
    shape = (count, *spec.shape)
    pixels: NDArray[np.uint8] | None = None
    if store:
        pixels = np.lib.format.open_memmap(store, mode="w+", dtype=np.uint8, shape=shape)
    reader = _Reader(storage, spec, pixels, hosts)
    digests: list[bytes] = []
    unreadable = 0
    start = printed = time.monotonic()
    fitting = MAX_MESSAGE // math.prod(shape[1:])
    chunk = CHUNK if hosts.count == 1 else max(hosts.count, min(CHUNK, fitting))
    # Pillow releases the interpreter lock while it decodes and resizes.
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for first in range(0, count, chunk):
            addresses = [join(folder, record.path) for record in records[first : first + chunk]]
            read = reader.read_chunk(pool, first, addresses)
            digests += read
            unreadable += sum(digest in reader.known.problems for digest in read)
            if unreadable > MAX_UNREADABLE * count:
                raise TrainingError(
                    f"{unreadable} of {len(digests)} files cannot be read. The first: "
                    f"{next(iter(reader.known.problems.values()))} Is this a folder of images?"
                )
            if (now := time.monotonic()) - printed >= PRINT_EVERY:
                printed = now
                print(
                    f"read {len(digests)} of {count} files; {len(digests) / (now - start):.0f}/s", flush=True
                )
    images: ImageArray
    if pixels is None:
        images = StreamedImages(storage, [join(folder, record.path) for record in records], digests, spec)
    else:
        images = pixels
    rows = np.array([reader.known.row_of[digest] for digest in digests], np.int64)
    known = reader.known
    contents = tuple(known.pixels.get(digest, digest) for digest in digests)
    shapes = Counter(known.shapes.values())
    outdated = frozenset(known.outdated)
    return PreparedImages(images, rows, tuple(digests), contents, known.problems, outdated, shapes)


def stream_images(
    storage: Storage, folder: str, records: Sequence[Record], spec: InputSpec
) -> PreparedImages:
    """The images of a preparation, whose manifest.csv in `folder` lists `records`; none is read here.

    Raises:
        TrainingError: if the manifest was not written by a preparation.
    """
    digests_of = read_digests(storage, join(folder, MANIFEST))
    digests, contents = zip(*(digests_of[record.path] for record in records), strict=True)
    addresses = [join(folder, record.path) for record in records]
    images = StreamedImages(storage, addresses, digests, spec)
    return PreparedImages(images, np.arange(len(records)), digests, contents, {}, frozenset(), Counter())
