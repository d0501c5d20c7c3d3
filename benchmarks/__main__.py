"""Prints every comparison. Run it on an otherwise idle machine."""

from benchmarks import classification, decoding, preparation


def main() -> None:
    """Measure and print, line by line."""
    print(f"{'':<44} {'ours/ms':>8} {'other/ms':>8} {'gain':>8}")
    print("compared with decoding, converting and windowing the whole image before the resize")
    for line in preparation.comparisons():
        print(line)
    print("compared with decoding in the same process")
    for line in decoding.comparisons():
        print(line)
    print("compared with one image at a time, one thread")
    for line in classification.comparisons():
        print(line)


if __name__ == "__main__":
    main()
