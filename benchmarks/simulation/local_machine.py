"""The way of images through the local system: one machine, whose processes compete for its cores."""

from array import array
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from benchmarks.simulation.servers import Servers
from benchmarks.simulation.timeline import Process, Timeline
from local.aws.lambda_events import DELIVERY_DELAY

CALLS = 6
"""Parts into which the emulator's work on an image is divided, after the request that stored it: `prepare`
records it, asks `decode`, and stores the array; `decode` reads the file, and stores the picture; `classify`
reads the array, and stores document and result. How much each part takes is not known: they are equal."""


@dataclass(frozen=True)
class Demands:
    """Seconds of processor time of an image, by the process that needs them."""

    sender: float
    """Of the program that sends the file."""
    put: float
    """Of the emulator, to store it."""
    emulator: float
    """Of the emulator, for everything else."""
    prepare: float
    decode: float
    classify: float

    def total(self) -> float:
        """Of all processes together."""
        return float(sum(asdict(self).values()))


class LocalMachine:
    """The local system, and the images that are sent to it."""

    def __init__(self, demands: Demands, cores: int, workers: int) -> None:
        """`workers` is the number of processes of each Lambda."""
        self.timeline = Timeline()
        self._demands = demands
        self.cores = Servers(self.timeline, cores)
        self.emulator = Servers(self.timeline, 1)
        """One process in Python, which does one thing at a time (its global interpreter lock)."""
        self._prepare, self._decode, self._classify = (Servers(self.timeline, workers) for _ in range(3))
        self.latencies = array("d")
        """Seconds from the begin of sending an image to its result, in the order of the results."""
        self.ends = array("d")
        """Times of the results, in the same order."""

    def burst(self, images: int, senders: int) -> None:
        """Send images as fast as that many senders can, and wait for all results."""
        left = iter(range(images))
        for _ in range(senders):
            self.timeline.start(self._send(left))
        self.timeline.run()

    def paced(self, images: int, seconds: float) -> None:
        """Send an image every so many seconds, and wait for all results."""
        for number in range(images):
            self.timeline.start(self._send(iter((number,))), number * seconds)
        self.timeline.run()

    def _send(self, left: Iterator[int]) -> Process:
        for _ in left:
            began = self.timeline.now
            yield from self.cores.serve(self._demands.sender)
            yield from self._emulate(self._demands.put)
            self.timeline.start(self._image(began), DELIVERY_DELAY)
        return True

    def _image(self, began: float) -> Process:
        call = self._demands.emulator / CALLS
        yield from self._prepare.take()
        yield from self.cores.serve(self._demands.prepare)
        yield from self._emulate(call)
        yield from self._decode.take()
        yield from self._emulate(call)
        yield from self.cores.serve(self._demands.decode)
        yield from self._emulate(call)
        self._decode.give_back()
        yield from self._emulate(call)
        self._prepare.give_back()
        yield DELIVERY_DELAY
        yield from self._classify.take()
        yield from self._emulate(call)
        yield from self.cores.serve(self._demands.classify)
        yield from self._emulate(call)
        self._classify.give_back()
        self.ends.append(self.timeline.now)
        self.latencies.append(self.timeline.now - began)
        return True

    def _emulate(self, seconds: float) -> Process:
        yield from self.emulator.take()
        yield from self.cores.serve(seconds)
        self.emulator.give_back()
        return True
