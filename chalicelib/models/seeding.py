"""Registers the models that come with the application, at each deployment."""

from contextlib import suppress
from datetime import datetime

from chalicelib.errors import ModelChanged, UnknownModel
from chalicelib.models.archive import pack, package_files
from chalicelib.models.deployment import Deployment
from chalicelib.models.package import ModelPackage, describe_misfit
from chalicelib.models.registry import Registry

BUNDLED = "bundled"
"""The origin of versions that came with the application."""


def seed(registry: Registry, task: str, package: ModelPackage) -> Deployment:
    """Register the model that came with the application, and return the deployment that results.

    A new package becomes the current model, unless a retraining has replaced the bundled model or a later
    release has been deployed before. Seeding the same package again changes nothing, so a rollback to an
    older model survives the next deployment. A model that no longer fits its task, because this release has
    changed classes or input, is always replaced.
    """
    try:
        record = registry.record(task, package.version)
    except UnknownModel:
        record = registry.add(task, pack(package_files(package.folder)), {"origin": BUNDLED})
    is_new = record["decision"] is None
    while True:
        current = registry.current(task)
        if current and not is_deployed_by_seeding(registry, task, package, current):
            break
        with suppress(ModelChanged):  # another model has become current, which may be newer: look again
            replaces = (current.version if current else None,)
            current = registry.promote(task, package.version, None, None, replaces)
            break
    if is_new:
        # Last, so that an interrupted seeding is repeated as a whole.
        registry.decide(task, package.version, accepted=True, reasons=["It came with the application."])
    return current


def is_deployed_by_seeding(
    registry: Registry, task: str, package: ModelPackage, current: Deployment | None
) -> bool:
    """Whether `seed` would make the package the current model instead of `current`."""
    if current is None or describe_misfit(registry.facts(task, current.version), package.task):
        return True
    try:
        is_new = registry.record(task, package.version)["decision"] is None
    except UnknownModel:
        is_new = True
    return is_new and _supersedes(package, current, registry)


def _supersedes(package: ModelPackage, current: Deployment, registry: Registry) -> bool:
    """Whether `current` is a bundled model that is older than `package`."""
    record = registry.record(package.facts["task"], current.version)
    before, after = (datetime.fromisoformat(at) for at in (record["created_at"], package.facts["created_at"]))
    return record.get("origin") == BUNDLED and before < after
