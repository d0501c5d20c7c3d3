"""Lock files: the version, and the hashes of the files, of every Python package that is installed.

`make lock` writes each from the requirements that people change (`.in`), and keeps the locked versions that
still fit. `python -m deploy.requirement_locks --check` compares them without a network.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parent.parent

NOTHING = re.compile(r"(?!)")
RUNTIME = re.compile("botocore|python-dateutil|six|urllib3")
"""Packages that Lambda's runtime brings along, besides boto3."""
PIP = re.compile("pip")
"""Chalice needs it; a lock of its own holds the version that makes an environment."""
TORCH = "torch|triton|(cuda|nvidia)-.*"
"""torch, and the libraries for GPUs that its build in registries needs on Linux."""

_PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[^ ;]+)")
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})\b")
_SOURCE = re.compile(r"# +(?:via )?-r ")


@dataclass(frozen=True)
class Lock:
    """A lock file, and how it is made. Paths are relative to the project."""

    path: str
    source: str
    python: str = "3.12"
    """The oldest version of Python that the packages are for."""
    within: str | None = None
    """Another lock, installed into the same environment, with whose versions this one agrees."""
    left_out: re.Pattern[str] = NOTHING
    """Names of packages that the lock omits."""
    dependencies: bool = True
    """Whether it holds the packages that those of the source need."""


LOCKS = (
    Lock("local/pip.txt", "local/pip.in"),
    Lock("requirements.txt", ".chalice/requirements.in", left_out=RUNTIME),
    Lock("local/requirements.txt", "local/requirements.in", within="requirements.txt", left_out=PIP),
    Lock("local/aws/lambda-runtime.txt", "local/aws/lambda-runtime.in", within="local/requirements.txt"),
    Lock("tests/requirements.txt", "tests/requirements.in", within="local/requirements.txt", left_out=PIP),
    Lock("tests/infrastructure.txt", "tests/infrastructure.in"),
    Lock("benchmarks/requirements.txt", "benchmarks/requirements.in"),
    # Only the table of container images in it is read.
    Lock("deploy/requirements.txt", "deploy/requirements.in", dependencies=False),
    Lock("training/requirements-serving.txt", "training/requirements-serving.in", "3.11"),
    Lock(
        "training/requirements.txt",
        "training/requirements.in",
        "3.11",
        within="training/requirements-serving.txt",
    ),
    Lock(
        "training/requirements-dev.txt",
        "training/requirements-dev.in",
        "3.11",
        within="training/requirements.txt",
        left_out=re.compile(TORCH),
    ),
    Lock(
        "training/torch.txt", "training/requirements-dev.in", "3.11", left_out=re.compile(f"(?!({TORCH})$).*")
    ),
)


@dataclass(frozen=True)
class Pin:
    """A package in a lock file."""

    name: str
    version: str
    text: str
    """Its lines."""

    @property
    def hashes(self) -> set[str]:
        """Of the files that may be installed."""
        return set(_HASH.findall(self.text))

    @property
    def direct(self) -> bool:
        """Whether requirements name it, and not only other packages."""
        return bool(_SOURCE.search(self.text))


def pins(text: str) -> Iterator[Pin]:
    """The packages in the text of a lock file; one can be there twice, for different versions of Python."""
    for block in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE):
        if found := _PIN.match(block):
            yield Pin(found["name"], found["version"], block)


def requirements(source: Path) -> dict[str, Requirement]:
    """The requirements in a file and those that it includes, by name."""
    found: dict[str, Requirement] = {}
    for line in source.read_text(encoding="utf-8").splitlines():
        content = line.partition("#")[0].strip()
        if content.startswith("-r "):
            found |= requirements(source.parent / content.removeprefix("-r ").strip())
        elif content:
            requirement = Requirement(content)
            found[canonicalize_name(requirement.name)] = requirement
    return found


# ------------------------------------------------------------------------------------------ writing


def write(lock: Lock, upgrade: bool) -> None:
    """Write a lock file, with the newest versions or those that it has.

    Raises:
        SystemExit: if there are no versions that fit; uv says which.
    """
    command = [str(Path(sys.executable).with_name("uv")), "pip", "compile", lock.source, "--quiet"]
    command += ["--universal", "--generate-hashes", "--no-header", "--python-version", lock.python]
    command += ["--output-file", lock.path]
    command += ["--upgrade"] if upgrade else []
    command += ["--constraints", lock.within] if lock.within else []
    command += [] if lock.dependencies else ["--no-deps"]
    if subprocess.run(command, cwd=PROJECT, stdout=subprocess.DEVNULL, check=False).returncode:
        sys.exit(f"{lock.path} could not be written.")
    path = PROJECT / lock.path
    kept = [pin for pin in pins(path.read_text(encoding="utf-8")) if not lock.left_out.fullmatch(pin.name)]
    header = f"# Written by `make lock` from {lock.source}.\n"
    path.write_text(header + "".join(pin.text for pin in kept), "utf-8")


# ----------------------------------------------------------------------------------------- checking


def problems(lock: Lock) -> Iterator[str]:
    """Sentences that say where a lock file does not fit its requirements."""
    locked = list(pins((PROJECT / lock.path).read_text(encoding="utf-8")))
    wanted = requirements(PROJECT / lock.source)
    names = {name for name in wanted if not lock.left_out.fullmatch(name)}
    for name in sorted(names - {pin.name for pin in locked}):
        yield f"lacks {name}"
    for pin in locked:
        if pin.name in names:
            if not wanted[pin.name].specifier.contains(pin.version):
                yield f"holds {pin.name} {pin.version} instead of {wanted[pin.name]}"
        elif pin.direct:
            yield f"holds {pin.name}, which no requirement names"
        if not pin.hashes:
            yield f"has no hash of {pin.name}"
    yield from _disagreements(lock, locked)


def _disagreements(lock: Lock, locked: list[Pin]) -> Iterator[str]:
    if lock.within:
        other = {(pin.name, pin.version) for pin in pins((PROJECT / lock.within).read_text(encoding="utf-8"))}
        shared = {name for name, _ in other}
        for pin in locked:
            if pin.name in shared and (pin.name, pin.version) not in other:
                yield f"holds {pin.name} {pin.version}, and {lock.within} another version"


def main() -> None:
    """Write all lock files, or check them."""
    parser = argparse.ArgumentParser(prog="python -m deploy.requirement_locks")
    parser.add_argument("--check", action="store_true", help="compare with the requirements; write nothing")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    arguments = parser.parse_args()
    if not arguments.check:
        for lock in LOCKS:
            write(lock, arguments.upgrade)
    found = [f"{lock.path} {problem}." for lock in LOCKS for problem in problems(lock)]
    if found:
        sys.exit("\n".join([*found, "Run `make lock`, and commit what it writes."]))


if __name__ == "__main__":
    main()
