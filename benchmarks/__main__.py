"""Prints every comparison. Run it on a machine that does nothing else."""

from benchmarks import classifying, preparing


def main() -> None:
    """Measure and print, line by line."""
    print(f"{'':<44} {'ours/ms':>8} {'other/ms':>8} {'gain':>8}")
    print("against decoding, converting and windowing the whole image before the resize")
    for line in preparing.comparisons():
        print(line)
    print("against one image at a time, one thread")
    for line in classifying.comparisons():
        print(line)


if __name__ == "__main__":
    main()
