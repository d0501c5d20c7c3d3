"""Values that have broken decoders before: limits, powers of two and their neighbours."""

from random import Random

_EDGES = (0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 15, 16, 17, 20, 24, 31, 32, 33, 40, 64, 127, 128, 255, 256, 1000)
_NUMBERS_AS_TEXT = (
    "", " ", "0", "1", "-1", "2", "0.5", "-0.0", "100", "255", "40\\400", "\\", "\\1", "1\\", "1,5", "abc",
    "NaN", "inf", "-inf", "1e400", "-1e400", "1e-320", "1e38", "1e39", "1e308", "0x10", "+7", "--1", "1 2",
    "1_000", "9" * 16, "9" * 80, "2147483647", "2147483648", "-2147483649", "1.", ".", "e", "1d3",
    "\u0663",
)  # fmt: skip


def integer(random: Random, bits: int) -> int:
    """An unsigned integer of `bits` bits, mostly an edge."""
    top = (1 << bits) - 1
    choice = random.randrange(10)
    if choice < 5:
        return min(random.choice(_EDGES), top)
    if choice < 7:
        return top - random.randrange(3)
    if choice < 8:
        return (top >> 1) + random.randrange(2)
    if choice < 9:
        return max(0, min(top, (1 << random.randrange(bits + 1)) + random.randrange(-1, 2)))
    return random.randrange(top + 1)


def number_text(random: Random) -> bytes:
    """What should be a decimal number, padded to an even length as DICOM asks."""
    text = random.choice(_NUMBERS_AS_TEXT).encode()
    return text + b" " * (len(text) % 2)


def changed(value: int, random: Random, bits: int) -> int:
    """A neighbour of `value`, a flipped bit of it, or another integer."""
    choice = random.randrange(4)
    if choice == 0:
        return (value + random.choice((-2, -1, 1, 2))) % (1 << bits)
    if choice == 1:
        return value ^ (1 << random.randrange(bits))
    return integer(random, bits)
