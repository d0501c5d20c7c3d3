"""How much room installed packages take, with everything that they need.

`python -m benchmarks.packages NAME...` prints the megabytes, in the environment of that interpreter.
"""

import re
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from benchmarks.program import PROJECT, ProgramFailed

_NAME = re.compile(r"^[A-Za-z0-9._-]+")


def needed(names: Iterable[str]) -> dict[str, Distribution]:
    """Installed distributions and those that they require, without extras.

    Raises:
        PackageNotFoundError: if one of `names` is not installed.
    """
    found: dict[str, Distribution] = {}
    waiting = [(name, True) for name in names]
    while waiting:
        name, wanted = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            found[key] = distribution(name)
        except PackageNotFoundError:
            if wanted:
                raise
            continue  # for another platform
        requirements = (text for text in found[key].requires or () if "extra ==" not in text)
        waiting += [(match[0], False) for text in requirements if (match := _NAME.match(text))]
    return found


def megabytes(distributions: Iterable[Distribution]) -> float:
    """The size of their files, without the bytecode that Python adds."""
    total = 0
    for one in distributions:
        for file in one.files or ():
            path = Path(str(one.locate_file(file)))
            if path.suffix != ".pyc" and path.is_file():
                total += path.stat().st_size
    return total / 1e6


def installed_megabytes(python: Path, names: Iterable[str]) -> float:
    """The same in another environment.

    Raises:
        ProgramFailed: if it or one of the packages is missing.
    """
    command = [str(python), "-m", "benchmarks.packages", *names]
    try:
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    except OSError as error:
        raise ProgramFailed(f"{python.parent.parent.name} is not installed") from error
    except subprocess.CalledProcessError as error:
        raise ProgramFailed(error.stderr.strip().splitlines()[-1]) from error
    return float(done.stdout)


def folder_megabytes(*folders: Path) -> float:
    """The size of the files in folders, without bytecode."""
    files = (path for folder in folders for path in folder.rglob("*") if path.suffix != ".pyc")
    return sum(path.stat().st_size for path in files if path.is_file()) / 1e6


if __name__ == "__main__":
    print(megabytes(needed(sys.argv[1:]).values()))
