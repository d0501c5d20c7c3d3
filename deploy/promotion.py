"""Move versions of models between stages, also of different accounts.

    python -m deploy.promotion promote TASK --to STAGE [--from STAGE] [--version VERSION] [--ignore-gate]
    python -m deploy.promotion export TASK --from STAGE --file FILE [--version VERSION]
    python -m deploy.promotion import --to STAGE --file FILE

A version that is promoted is registered with the decision on it, and becomes the current one as after a
retraining: in one conditional write, with an entry in the audit record, and open to a rollback.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chalicelib import resource_names
from chalicelib.errors import InvalidModelPackage, NegatoscopeError, UnknownModel
from chalicelib.models.deployment import Deployment
from chalicelib.models.model_version import IMPORTED
from chalicelib.models.unused_endpoint import delete_unused
from chalicelib.tasks import Task, load_task, load_tasks
from deploy import failures, model_file, stages
from deploy.model_file import ModelFile
from deploy.progress import say, step
from deploy.stacks import DeployError
from deploy.stage_access import StageAccess

MADE_IN_SOURCE = ("origin", "run", "registered_at")
"""What is kept of the record in the stage that a version comes from."""
MAX_TEXT = 200
"""Characters of each of these."""


def main() -> None:
    """Run the command; exit with a message if it fails."""
    arguments = parse_arguments()
    with failures.reported("Not done.", NegatoscopeError, OSError):
        arguments.command(arguments)


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description="Move versions of models between stages.")
    commands = parser.add_subparsers(required=True)
    for name, command in (("promote", promote), ("export", export), ("import", import_file)):
        one = commands.add_parser(name)
        one.set_defaults(command=command)
        if name != "import":
            one.add_argument("task", choices=sorted(load_tasks()))
            one.add_argument("--from", dest="source", required=name == "export", help="stage that has it")
            one.add_argument("--from-profile", help="AWS profile for that stage")
            one.add_argument("--version", help="of the model; otherwise the current one")
        if name != "export":
            one.add_argument("--to", dest="target", required=True, help="stage that gets it")
            one.add_argument("--to-profile", help="AWS profile for that stage")
        if name != "promote":
            one.add_argument("--file", type=Path, required=True)
        if name == "promote":
            one.add_argument("--ignore-gate", action="store_true", help="deploy it although it failed")
    return parser.parse_args()


# --------------------------------------------------------------------------------------------- commands


def promote(arguments: argparse.Namespace) -> None:
    """Deploy a version in a stage, after copying it from another one if that is named."""
    task, target = load_task(arguments.task), StageAccess.connect(arguments.target, arguments.to_profile)
    version = arguments.version
    if arguments.source:
        source = StageAccess.connect(arguments.source, arguments.from_profile)
        step(f"Copying from {source} to {target}")
        found = model_file.read(exported(source, task, version))
        register(target, found)
        version = found.version
    elif version is None:
        raise DeployError("Name the version to deploy with VERSION=, or the stage it comes from with FROM=.")
    step(f"Deploying {version} in {target}")
    deploy_version(target, task, version, ignore_gate=arguments.ignore_gate)


def export(arguments: argparse.Namespace) -> None:
    """Write a version to a file."""
    source, task = StageAccess.connect(arguments.source, arguments.from_profile), load_task(arguments.task)
    content = exported(source, task, arguments.version)
    with arguments.file.open("xb") as file:
        file.write(content)
    say(f"{arguments.file}: exported from {source}")


def import_file(arguments: argparse.Namespace) -> None:
    """Register the version in a file, without deploying it."""
    target = StageAccess.connect(arguments.target, arguments.to_profile)
    if arguments.file.stat().st_size > model_file.MAX_BYTES:
        raise DeployError(f"{arguments.file} is larger than {model_file.MAX_BYTES:,} bytes.")
    found = model_file.read(arguments.file.read_bytes())
    register(target, found)
    say(f"To deploy it: make promote TO={target.name} TASK={found.task.name} VERSION={found.version}")


# ------------------------------------------------------------------------------------------------ steps


def exported(source: StageAccess, task: Task, version: str | None) -> bytes:
    """A version of a stage, as a file; without a version the current one.

    Raises:
        UnknownModel: if there is none.
    """
    current = source.registry.current(task.name)
    if version is None and current is None:
        raise UnknownModel(f"Nothing has been deployed for {task.name} in {source}.")
    chosen = version or (current.version if current else "")
    record, archive = source.registry.record(task.name, chosen), source.registry.archive(task.name, chosen)
    return model_file.write(task.name, chosen, archive, record, source.name)


def register(target: StageAccess, found: ModelFile) -> None:
    """Register a version with the decision on it. Repeating it changes nothing.

    Raises:
        InvalidModelPackage: if the stage has another model of that name.
    """
    registry, task = target.registry, found.task.name
    try:
        known: Mapping[str, Any] | None = registry.record(task, found.version)
    except UnknownModel:
        known = None
    if known and known["sha256"] != found.facts["sha256"]:
        raise InvalidModelPackage(f"{target} has another model that is called {found.version}.")
    if known and known["decision"]:
        say(f"{found.version} is registered already")
        return
    source = {name: str(found.record[name])[:MAX_TEXT] for name in MADE_IN_SOURCE if found.record.get(name)}
    origin = {"origin": IMPORTED, "source": {**source, "stage": found.source["stage"]}}
    target.audit.record(target.user, "import-model", task, version=found.version, stage=found.source["stage"])
    record = registry.add(task, found.archive, {} if known else origin)
    decision = found.record.get("decision")
    if decision:
        made = f"Decided in the stage {found.source['stage']}."
        registry.decide(
            task, record["version"], accepted=decision["accepted"], reasons=[*decision["reasons"], made]
        )
    say(f"{found.version} is registered in {target}")


def deploy_version(target: StageAccess, task: Task, version: str, *, ignore_gate: bool) -> Deployment:
    """Make a registered version the current one, and return the deployment. Repeating it changes nothing.

    Raises:
        DeployError: if it failed its gate, and that is not ignored.
        AlreadyRetraining: if a retraining is about to change the current model.
        ModelChanged: if another version has become current in the meantime.
    """
    registry = target.registry
    record, facts = registry.record(task.name, version), registry.facts(task.name, version)
    problems = list(gate_problems(task, record, facts))
    if problems and not ignore_gate:
        raise DeployError(
            f"{version} is registered, but not deployed, because it did not pass its gate: "
            f"{' '.join(problems)} To deploy it nevertheless, add GATE=ignore."
        )
    target.retraining_service.check_idle(task)
    current = registry.current(task.name)
    if current and current.version == version:
        say(f"{version} is the current model already")
        return current
    details = {"version": version} | ({"gate": "ignored"} if problems else {})
    target.audit.record(target.user, "deploy-model", task.name, **details)
    replaces = (current.version if current else None,)
    deployment = registry.promote(task.name, version, None, None, replaces)
    say(f"{version} classifies from now on, everywhere within a minute; before it was {replaces[0]}")
    kind = stages.serving(target.name).get(task.name, task.serving.kind)
    if kind != "embedded":
        say(f"The Lambda runs it. SERVING={kind} applies to retrained models only; the next has an endpoint.")
    endpoint = resource_names.endpoint(target.name, task.name)
    if left := delete_unused(task.name, endpoint, registry, target.endpoint_manager):
        say(left)
    return deployment


def gate_problems(task: Task, record: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[str]:
    """Why a version must not be deployed, in sentences: the decision on it, and the gate as it is now."""
    decision = record["decision"]
    if decision is None:
        yield "It has not been evaluated."
    elif not decision["accepted"]:
        yield f"It was rejected: {' '.join(decision['reasons'])}"
    for metric, value in task.shortfall(facts["metrics"]["test"]).items():
        yield f"Its {metric} is {'unknown' if value is None else f'{value:.3f}'}, below {task.gate[metric]}."


if __name__ == "__main__":
    main()
