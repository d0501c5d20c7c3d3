"""Show what a deployment would change: `python -m deploy.diff STAGE`, with the options of a deployment.

It changes nothing. Change sets of CloudFormation are made, described and deleted.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import boto3
from samtranslator.yaml_helper import yaml_parse

from chalicelib.errors import InvalidModelPackage
from chalicelib.models.package import bundled_package
from chalicelib.models.registry import Registry
from chalicelib.models.seeding import is_deployed_by_seeding
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import load_tasks
from deploy import (
    account_budget,
    alarms,
    application,
    batches,
    change_sets,
    failures,
    foundation,
    gateway,
    history,
    lambdas,
    network,
    options,
    page,
    retraining,
    stacks,
    stages,
    website,
)
from deploy.progress import say, step

Parameters = Mapping[str, str | None]


def main() -> None:
    """Run the command; exit with a message if it fails."""
    wanted = options.parse_arguments("Show what a deployment of Negatoscope would change.")
    with failures.reported("The changes cannot be shown.", InvalidModelPackage):
        show(wanted)


def show(wanted: argparse.Namespace) -> None:
    """Print what a deployment with these options would change."""
    stage: str = wanted.stage
    stages.check(stage)
    stages.check_account(stage)
    bucket = foundation.data_bucket(stage)
    if bucket is None:
        step(f"The stage {stage} does not exist in this account and region: everything would be created")
        for template in (
            foundation.TEMPLATE,
            batches.TEMPLATE,
            retraining.TEMPLATE,
            website.TEMPLATE,
            alarms.TEMPLATE,
        ):
            say(f"{template.parent.name}/{template.name}: at most {_summary(template.read_text())}")
        return
    before = history.last(bucket)
    if before:
        say(f"Last complete deployment: {before['ended_at']}, commit {before['commit'] or 'unknown'}")
    outputs = stacks.outputs(foundation.stack_name(stage))
    _show("Stacks", _stacks(wanted, outputs))
    _show("Lambdas", _lambdas(wanted, outputs, before))
    _show("Models", _models(bucket))
    if wanted.site_origin is None:
        _show("Page", _page(stage))
    say("Nothing has been changed.")


def _show(title: str, lines: Iterable[str]) -> None:
    step(title)
    for line in lines:
        say(line)


# ------------------------------------------------------------------------------------------------ stacks


def _stacks(wanted: argparse.Namespace, outputs: Mapping[str, str]) -> Iterator[str]:
    stage: str = wanted.stage
    origin = wanted.site_origin or (f"https://{wanted.domain}" if wanted.domain else None)
    of_foundation = foundation.parameters(
        stage, origin, wanted.alarm_email, local_login=wanted.local_login, mfa=wanted.mfa
    )
    of_retraining = retraining.parameters(stage, outputs, retraining.Options.of(wanted))
    yield from _stack(foundation.stack_name(stage), foundation.TEMPLATE.read_text(), of_foundation)
    of_batches = batches.parameters(stage, outputs)
    yield from _stack(batches.stack_name(stage), batches.TEMPLATE.read_text(), of_batches)
    if wanted.decoder_vpc == "on" or stacks.stack_status(network.stack_name(stage)):
        of_network = network.parameters(stage, outputs["DataBucket"])
        yield from _stack(network.stack_name(stage), network.TEMPLATE.read_text(), of_network)
    yield from _stack(retraining.stack_name(stage), retraining.TEMPLATE.read_text(), of_retraining)
    api = application.deployed_api(stage) or next(application.apis(stage), None)
    if wanted.site_origin is None and api:
        key = gateway.newest_key(stage)
        of_site = website.parameters(
            *(
                stage,
                website.Api(api, key.value if key else "new"),
                outputs["DataBucket"],
                stages.login_origin(outputs),
            ),
            domain=wanted.domain,
            certificate=wanted.certificate,
            firewall=wanted.firewall,
        )
        yield from _stack(website.stack_name(stage), website.TEMPLATE.read_text(), of_site)
    told = {"AlarmEmail": wanted.alarm_email} if wanted.alarm_email else {}
    of_alarms = alarms.parameters(stage, {**outputs, **told}, wanted.budget)
    yield from _stack(alarms.stack_name(stage), alarms.TEMPLATE.read_text(), of_alarms)
    yield from _budget(alarms.stack_name(stage), of_alarms)


def _budget(name: str, given: Parameters) -> Iterator[str]:
    """How the budget would change; `name` is that of the stack that says what is wanted."""
    before = stacks.outputs(name) if stacks.stack_status(name) else {}
    after = before | {key: value for key, value in given.items() if value is not None}
    if (was := account_budget.described(before)) != (becomes := account_budget.described(after)):
        yield f"budget: {was} -> {becomes}"


def _stack(name: str, template: str, parameters: Parameters) -> Iterator[str]:
    status = stacks.stack_status(name)
    # A change set of a stack that does not exist would create one in REVIEW_IN_PROGRESS.
    if status is None:
        yield f"{name}: new, with at most {_summary(template)}"
    elif status in stacks.UNFINISHED:
        yield f"{name}: {status}, so it would be deleted and created anew"
    elif status == stacks.ROLLBACK_FAILED or status.endswith("_IN_PROGRESS"):
        yield f"{name}: {status}; what would change can be told when that has ended"
    else:
        found = change_sets.changes(name, template, parameters)
        yield f"{name}: {'changed' if found else 'unchanged'}"
        yield from (f"  {change}" for change in found)


def _summary(template: str) -> str:
    """How many resources of which types a template describes; conditions may leave some out."""
    described = yaml_parse(template)["Resources"].values()
    # Fn::ForEach describes resources with a list.
    kinds = Counter("series of resources" if isinstance(one, list) else one["Type"] for one in described)
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))


# --------------------------------------------------------------------------------- code, models, page


def _lambdas(
    wanted: argparse.Namespace, outputs: Mapping[str, str], before: history.CompleteDeployment | None
) -> Iterator[str]:
    has_site = wanted.site_origin is None
    settings = stages.settings(wanted.stage, outputs, wanted.serving, key_required=has_site)
    comparison = lambdas.Comparison(wanted.stage, settings)
    alike: dict[tuple[str, ...], list[str]] = {}
    for function, name in stages.functions(wanted.stage).items():
        alike.setdefault(tuple(comparison.differences(function, name)), []).append(name)
    for differences, names in alike.items():
        yield f"{', '.join(names)}: {'changed' if differences else 'unchanged'}"
        yield from (f"  ~ {difference}" for difference in differences)
    if before and before["packages"] != history.packages():
        yield "packages of the layer: requirements.txt differs"


def _models(bucket: str) -> Iterator[str]:
    registry = Registry(DataBucket(boto3.client("s3"), bucket))
    for task in load_tasks():
        current = registry.current(task)
        version = current.version if current else "none"
        package = bundled_package(task)
        if package and is_deployed_by_seeding(registry, task, package, current):
            yield f"{task}: {version} -> {package.version}, which comes with the application"
        else:
            yield f"{task}: {version} stays"


def _page(stage: str) -> Iterator[str]:
    if stacks.stack_status(website.stack_name(stage)) is None:
        yield "new"
        return
    deployed = stacks.outputs(website.stack_name(stage))
    found = {file.name: file for file in website.files(website.FOLDER)}
    version = website.fingerprint(list(found.values()))
    if version == deployed["Version"]:
        yield f"version {version}: unchanged"
        return
    yield f"version {deployed['Version']} -> {version}"
    before = website.deployed_listing(deployed["SiteBucket"], deployed["Version"])
    after = json.loads(found[page.LISTING].content)["files"]
    for name in lambdas.changed_files(before, after):
        yield f"  {'+' if name not in before else '-' if name not in after else '~'} {name}"


if __name__ == "__main__":
    main()
