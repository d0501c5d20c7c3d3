"""model.tar.gz as SageMaker serves it: a model package and, in code/, the code that serves it.

`python -m training.archive --package FOLDER --output model.tar.gz`
"""

import argparse
import sys
import tarfile
import zlib
from collections.abc import Sequence
from modulefinder import ModuleFinder
from pathlib import Path

from chalicelib.errors import InvalidModelPackage
from chalicelib.models.archive import pack, package_files, verify_end
from chalicelib.models.package import ModelPackage
from chalicelib.tasks import Task
from chalicelib.tasks.reader import TASKS_FOLDER
from training.errors import TrainingError

PROJECT = Path(__file__).resolve().parent.parent
INFERENCE = Path(__file__).resolve().with_name("inference.py")
REQUIREMENTS = Path(__file__).with_name("requirements-serving.txt")
"""The packages that serving needs, with their hashes; the container installs them at each start."""


def write_archive(folder: Path, task: Task, path: Path) -> None:
    """Write the package in `folder` and the code that serves it to `path`; reproducible byte for byte.

    Raises:
        TrainingError: if the package is broken or not for `task`.
    """
    try:
        ModelPackage.load(folder).check_fits(task)
    except InvalidModelPackage as error:
        raise TrainingError(error.message) from error
    code = {f"code/{name}": content for name, content in serving_code(task).items()}
    path.write_bytes(pack(package_files(folder) | code))


def serving_code(task: Task) -> dict[str, bytes]:
    """The content of the files in the folder `code`, by path."""
    description = TASKS_FOLDER / f"{task.name}.toml"
    files = {module.relative_to(PROJECT).as_posix(): module.read_bytes() for module in _imported()}
    files[description.relative_to(PROJECT).as_posix()] = description.read_bytes()
    files["inference.py"] = INFERENCE.read_bytes()
    files["requirements.txt"] = REQUIREMENTS.read_bytes()
    return files


def write_serving_code(folder: Path, task: Task) -> None:
    """Write the folder `code` beside the package in `folder`, of which SageMaker makes a model.tar.gz."""
    for name, content in serving_code(task).items():
        path = folder / "code" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def read_archive(path: Path, folder: Path) -> ModelPackage:
    """Unpack `path` into `folder` and verify the package; its code is not run.

    Raises:
        TrainingError: if it is damaged, would write outside `folder`, or holds no valid package.
    """
    try:
        with tarfile.open(path) as archive:
            for entry in archive:
                _extract(archive, entry, folder.resolve())
            verify_end(archive)
        package = ModelPackage.load(folder)
        package.check_fits(package.task)
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise TrainingError(f"{path.name} cannot be unpacked: {error}. Write or copy it again.") from error
    except InvalidModelPackage as error:
        raise TrainingError(error.message) from error
    return package


def _extract(archive: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path) -> None:
    """Extract plain files only; early releases of Python 3.11 lack the filters of tarfile."""
    if entry.isdir():
        return
    target = (folder / entry.name).resolve()
    content = archive.extractfile(entry) if entry.isfile() and target.is_relative_to(folder) else None
    if content is None:
        raise TrainingError(f"The archive holds '{entry.name}', which is not a file of a model package.")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.read())


def _imported() -> list[Path]:
    """The modules of this project that serving imports, including deferred imports."""
    finder = ModuleFinder(path=[str(PROJECT)])
    finder.run_script(str(INFERENCE))
    files = [getattr(module, "__file__", None) for module in finder.modules.values()]
    return [Path(file) for file in files if file and Path(file) != INFERENCE]


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; the exit status says whether there is an archive."""
    parser = argparse.ArgumentParser(
        prog="training.archive", description="Make a model.tar.gz for SageMaker."
    )
    parser.add_argument("--package", type=Path, required=True, help="folder with model.onnx and model.json")
    parser.add_argument("--output", type=Path, required=True, help="the file to write")
    arguments = parser.parse_args(argv)
    try:
        write_archive(arguments.package, ModelPackage.load(arguments.package).task, arguments.output)
    except (TrainingError, InvalidModelPackage, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{arguments.output}: {arguments.output.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
