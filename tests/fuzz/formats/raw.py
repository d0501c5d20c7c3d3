"""Operations that know nothing of the format."""

from random import Random

from tests.fuzz.formats import Operations
from tests.fuzz.formats.values import integer


def flip(data: bytes, random: Random) -> bytes:
    mutant = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 4, 16))):
        if mutant:
            mutant[random.randrange(len(mutant))] ^= 1 << random.randrange(8)
    return bytes(mutant)


def overwrite(data: bytes, random: Random) -> bytes:
    size = random.choice((1, 2, 4, 8))
    start = random.randrange(max(1, len(data)))
    value = integer(random, 8 * size).to_bytes(size, random.choice(("big", "little")))
    return data[:start] + value + data[start + size :]


def cut(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def remove(data: bytes, random: Random) -> bytes:
    start = random.randrange(max(1, len(data)))
    return data[:start] + data[start + random.choice((1, 2, 3, 16, 100)) :]


def duplicate(data: bytes, random: Random) -> bytes:
    start = random.randrange(max(1, len(data)))
    block = data[start : start + random.choice((1, 2, 4, 16, 256))]
    return data[:start] + block * random.choice((2, 2, 3, 100)) + data[start + len(block) :]


def append(data: bytes, random: Random) -> bytes:
    return data + random.randbytes(random.choice((1, 2, 100, 5000)))


OPERATIONS: Operations = {
    "flip": flip,
    "overwrite": overwrite,
    "cut": cut,
    "remove": remove,
    "duplicate": duplicate,
    "append": append,
}
