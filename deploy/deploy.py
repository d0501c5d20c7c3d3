"""Deploy Negatoscope to one stage: `python -m deploy.deploy STAGE`.

Safe to repeat: every step creates what is missing, changes what differs and leaves the rest. After a failure
the same command continues. It deploys to AWS or, if AWS_ENDPOINT_URL is set, to an emulator.
"""

import argparse
import signal
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from chalicelib.errors import InvalidModelPackage
from deploy import (
    alarms,
    application,
    batches,
    failures,
    foundation,
    gateway,
    history,
    models,
    network,
    options,
    preflight,
    restore,
    result_index,
    retraining,
    stage_lock,
    stages,
    website,
)
from deploy.progress import say, step


def main() -> None:
    """Run every step in order; exit with a message if one fails."""
    # The lock is released when a job of a pipeline is cancelled, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    deployment = Deployment(options.parse_arguments("Deploy Negatoscope to one stage."))
    with failures.reported("Not deployed.", InvalidModelPackage, rest=deployment.position):
        deployment.run()


class Deployment:
    """One run of the command: its steps, and what they hand on to later ones."""

    def __init__(self, wanted: argparse.Namespace) -> None:
        self._wanted = wanted
        self._stage: str = wanted.stage
        self._held = ExitStack()
        self._lock: stage_lock.StageLock | None = None
        self._before: history.CompleteDeployment | None = None
        self._begun = 0
        self._outputs: Mapping[str, str] = {}
        self._connection: network.Connection | None = None
        self._api_id = ""
        self._page: str | None = wanted.site_origin
        self._has_site = self._page is None
        with_page = [
            ("Page, with CloudFront (some minutes the first time)", self._deploy_page),
            ("Permission for the page to upload images, and protection from deletion", self._protect),
        ]
        without_page = [("Protection from deletion", self._protect)] if self._stage != "local" else []
        self.steps: list[tuple[str, Callable[[], None]]] = [
            ("Checks before the deployment", self._check),
            ("Foundation stack", self._deploy_foundation),
            ("Stage settings in .chalice/config.json", self._record_settings),
            ("State machine for batches", lambda: batches.deploy(self._stage, self._outputs)),
            ("Code, with `chalice deploy`", self._deploy_code),
            ("Answer of the new code", lambda: application.check_code(self._stage)),
            ("Errors, limits and access log of the API", self._configure_gateway),
            ("Index of results by probability", self._complete_index),
            ("Bundled models", lambda: models.register(self._outputs["DataBucket"])),
            ("State machine for retraining", self._deploy_retraining),
            *(with_page if self._has_site else without_page),
            ("Alarms and dashboard", lambda: alarms.deploy(self._stage, self._outputs, wanted.budget)),
            ("Record of the deployment", lambda: history.record(self._outputs["DataBucket"])),
        ]

    def run(self) -> None:
        """Run the steps, and hold the lock of the stage as soon as there is one."""
        with self._held:
            for title, act in self.steps:
                self._begun += 1
                if self._lock:
                    self._lock.check()
                step(f"{self._begun}/{len(self.steps)} {title}")
                act()
        step("Done")
        say(f"Page: {self._page}/")
        closed = f"{self._page}/{stages.api_stage()}/"
        say(f"API: {closed if self._has_site else application.api_url(self._api_id)}")
        if self._stage != "local":
            say(alarms.told(self._outputs))
        if back := history.way_back(self._stage, self._before):
            say(back)

    def position(self) -> list[str]:
        """Where a run that failed stands, and how to go on or back, in sentences."""
        titles = [title for title, _ in self.steps]
        if self._begun <= 1:
            return ["Nothing has been changed."]
        left = titles[self._begun :]
        sentences = (
            f"It ended in step {self._begun} of {len(titles)}: {titles[self._begun - 1]}.",
            "All steps before are complete." + (f" Not begun: {'; '.join(left)}." if left else ""),
            "To go on, remove the cause: the same command continues from here.",
            history.way_back(self._stage, self._before),
        )
        return [*filter(None, sentences)]

    def _take_lock(self, bucket: str) -> None:
        self._before = history.last(bucket)
        if self._stage != "local":  # `make run` lets one process at a time use its emulator
            self._lock = self._held.enter_context(stage_lock.held(self._stage, bucket, "make deploy"))

    # ------------------------------------------------------------------------------------------- steps

    def _check(self) -> None:
        preflight.report(self._wanted)
        alarms.check(self._stage, self._wanted.budget, self._wanted.alarm_email)
        # The bucket has the lock. Of two first deployments, CloudFormation lets one create the stack.
        if bucket := foundation.data_bucket(self._stage):
            self._take_lock(bucket)

    def _deploy_foundation(self) -> None:
        wanted = self._wanted
        self._outputs = foundation.deploy(
            *(self._stage, wanted.site_origin, wanted.alarm_email),
            local_login=wanted.local_login,
            mfa=wanted.mfa,
        )
        if self._lock is None:
            self._take_lock(self._outputs["DataBucket"])
        self._connection = network.deploy(self._stage, self._outputs["DataBucket"], wanted.decoder_vpc)

    def _record_settings(self) -> None:
        stages.record(
            *(self._stage, self._outputs, self._wanted.serving, self._connection),
            key_required=self._has_site,
        )

    def _deploy_code(self) -> None:
        self._api_id = application.deploy(self._stage, self._outputs["LostEventsArn"])
        network.remove(self._stage, self._wanted.decoder_vpc)

    def _configure_gateway(self) -> None:
        outputs = self._outputs
        gateway.configure(self._stage, self._api_id, outputs["AccessLogsArn"], outputs["GatewayLogsRoleArn"])

    def _complete_index(self) -> None:
        result_index.complete(restore.connect(self._outputs["DataBucket"], self._outputs["ResultsTable"])[1])

    def _deploy_retraining(self) -> None:
        retraining.deploy(self._stage, self._outputs, retraining.Options.of(self._wanted))

    def _deploy_page(self) -> None:
        wanted, login = self._wanted, stages.login_origin(self._outputs)
        key = gateway.current_key(self._stage, self._api_id)
        self._page = website.deploy(
            *(self._stage, website.Api(self._api_id, key.value), self._outputs["DataBucket"], login),
            domain=wanted.domain,
            certificate=wanted.certificate,
            firewall=wanted.firewall,
        )
        gateway.retire_keys(self._stage, keep=key)

    def _protect(self) -> None:
        foundation.deploy(self._stage, self._page, protected=True)


if __name__ == "__main__":
    main()
