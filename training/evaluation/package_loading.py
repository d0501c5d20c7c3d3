"""Opening model packages: archives, folders, and the bundled ones."""

from pathlib import Path

from chalicelib.errors import InvalidModelPackage
from chalicelib.models.package import BUNDLED_MODELS, ModelPackage, describe_misfit
from chalicelib.tasks import Task
from training.archive import read_archive
from training.errors import TrainingError


def open_package(path: Path | None, task: Task, workplace: Path) -> ModelPackage:
    """The verified package for `task` at `path`.

    Args:
        path: a model.tar.gz, a folder with model.onnx and model.json, or that model.onnx; None for the
            bundled package.
        task: of the package.
        workplace: folder to unpack an archive in.

    Raises:
        TrainingError: if the package is missing or damaged, or has another task, classes or input.
    """
    try:
        package = _load(path, task, workplace / "package")
    except InvalidModelPackage as error:
        raise TrainingError(error.message) from error
    made_for = package.facts["task"]
    if made_for != task.name:
        raise TrainingError(f"The package is for the task '{made_for}', not for '{task.name}'.")
    if misfit := describe_misfit(package.facts, task):
        raise TrainingError(f"The package {misfit}.")
    return package


def _load(path: Path | None, task: Task, workplace: Path) -> ModelPackage:
    if path is None:
        bundled = BUNDLED_MODELS / task.name
        if not (bundled / "model.json").is_file():
            raise TrainingError(
                f"No model is bundled for '{task.name}'. Name one with --package, or train one: "
                f"make train TASK={task.name}."
            )
        return ModelPackage.load(bundled)
    if path.is_dir():
        return ModelPackage.load(path)
    if not path.is_file():
        raise TrainingError(f"There is no package '{path}'.")
    if path.name == "model.onnx":
        return ModelPackage.load(path.parent)
    if path.suffix == ".onnx":
        raise TrainingError(f"'{path.name}' must be called model.onnx and have its model.json beside it.")
    return read_archive(path, workplace)
