"""Every entry point of Negatoscope: the API, the S3 handlers and the schedules. Wiring only."""

# ruff: noqa: E402 - imports follow on a statement

import gc

# Nothing that is imported becomes garbage. Looking for it takes a tenth of the time of the imports.
gc.disable()

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chalice.app import Chalice, CloudWatchEvent, ConvertToMiddleware, Rate, S3Event

from chalicelib import dependencies
from chalicelib.observability import logger
from chalicelib.resource_names import resource_name
from chalicelib.routes import api
from chalicelib.settings import settings
from chalicelib.storage import inbox

if TYPE_CHECKING:
    from chalicelib.pipeline.decoding import Answer, Refusal

app = Chalice(app_name="negatoscope")
# The name of the API, by which CloudWatch distinguishes the metrics of the stages.
app.app_name = resource_name(settings().stage)
app.register_middleware(ConvertToMiddleware(logger.inject_lambda_context))
api.serve(app, settings().user_pool_arn, key_required=settings().key_required)


@app.lambda_function(name="decode")
def decode(event: Any, _context: Any) -> "Answer | Refusal":
    """Decode one file for another Lambda."""
    # No other Lambda decodes, or waits for what that needs.
    from chalicelib.pipeline import decoding

    return decoding.answer(event, dependencies.bucket())


@app.on_s3_event(settings().data_bucket, ["s3:ObjectCreated:*"], prefix=inbox.INBOX, name="prepare")
def prepare(event: S3Event) -> None:
    """Prepare the images that have arrived in the inbox."""
    for original in inbox.event_objects(event.to_dict()):
        dependencies.pipeline().prepare(original)


@app.on_s3_event(settings().data_bucket, ["s3:ObjectCreated:*"], prefix=inbox.PREPARED, name="classify")
def classify(event: S3Event) -> None:
    """Classify prepared images."""
    dependencies.pipeline().classify(inbox.event_keys(event.to_dict()))


@app.schedule(Rate(10, unit=Rate.MINUTES), name="sweep")
def sweep(_event: CloudWatchEvent) -> None:
    """Finish what was left unfinished."""
    dependencies.sweeper().run(datetime.now(UTC))


@app.schedule(Rate(1, unit=Rate.DAYS), name="drift-monitor")
def drift_monitor(_event: CloudWatchEvent) -> None:
    """Look for drift."""
    dependencies.drift_monitor().run()


@app.lambda_function(name="administration")
def administration(event: Any, _context: Any) -> dict[str, Any]:
    """Change models or endpoints at an administrator's request."""
    return dependencies.administration().answer(event)


@app.lambda_function(name="retraining")
def retraining(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Run one step of a retraining."""
    return dependencies.retraining_steps().run(event)


@app.lambda_function(name="batch")
def batch(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Classify one part of a batch, or report on all of it."""
    return dependencies.batch_steps().run(event)


gc.freeze()
gc.enable()
