"""Errors that a caller can act on. Each message says what is wrong and what to do."""

from http import HTTPStatus


class NegatoscopeError(Exception):
    """Base of all errors that people see; the name of the class is the error's `code`."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message

    @property
    def code(self) -> str:
        """The machine-readable name of this kind of error."""
        return type(self).__name__


def refusal(code: str, message: str, *kinds: type[NegatoscopeError]) -> NegatoscopeError:
    """The error that another Lambda answered with.

    Args:
        code: its code.
        message: its message.
        kinds: what it may be.

    Raises:
        ValueError: if it is none of `kinds`.
    """
    kind = globals().get(code)
    if isinstance(kind, type) and issubclass(kind, kinds):
        return kind(message)
    raise ValueError("not an error that was expected")


class InvalidRequest(NegatoscopeError):
    """The request's parameters or body make no sense."""

    status = HTTPStatus.BAD_REQUEST


class InvalidHyperparameters(InvalidRequest):
    """A hyper-parameter is unknown, of the wrong type or out of its range."""


class ExportTooLarge(InvalidRequest):
    """The table has more rows than can be exported at once."""


class UnsupportedMediaType(NegatoscopeError):
    """The operation does not accept the request's Content-Type."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class NotAllowed(NegatoscopeError):
    """The signed-in user may not do this."""

    status = HTTPStatus.FORBIDDEN


class TooManyRequests(NegatoscopeError):
    """The user has made too many costly requests; waiting helps."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class UnknownTask(NegatoscopeError):
    """There is no task with this name."""

    status = HTTPStatus.NOT_FOUND


class UnknownResult(NegatoscopeError):
    """There is no result with this id."""

    status = HTTPStatus.NOT_FOUND


class ResultDeleted(UnknownResult):
    """An admin has deleted the result for good."""

    status = HTTPStatus.GONE


class UnknownExport(NegatoscopeError):
    """The user has no export with this name."""

    status = HTTPStatus.NOT_FOUND


class TaskHasNoModel(NegatoscopeError):
    """No model has been trained for the task yet."""

    status = HTTPStatus.CONFLICT


class UnknownModel(NegatoscopeError):
    """The task has no such model."""

    status = HTTPStatus.NOT_FOUND


class UnknownRetraining(NegatoscopeError):
    """There is no retraining with this name."""

    status = HTTPStatus.NOT_FOUND


class AlreadyRetraining(NegatoscopeError):
    """The task is being retrained; it can only be retrained once at a time."""

    status = HTTPStatus.CONFLICT


class ExportsNotDeployed(NegatoscopeError):
    """The stage has no state machine that exports results."""

    status = HTTPStatus.CONFLICT


class RetrainingNotDeployed(NegatoscopeError):
    """The stage has no state machine that retrains models."""

    status = HTTPStatus.CONFLICT


class UnknownBatch(NegatoscopeError):
    """There is no batch with this name."""

    status = HTTPStatus.NOT_FOUND


class BatchesNotDeployed(NegatoscopeError):
    """The stage has no state machine that runs batches."""

    status = HTTPStatus.CONFLICT


class NothingToApprove(NegatoscopeError):
    """The retraining is not (or no longer) waiting for approval."""

    status = HTTPStatus.CONFLICT


class NothingToStop(NegatoscopeError):
    """The retraining has ended, or is deploying its model already."""

    status = HTTPStatus.CONFLICT


class NothingToRollBackTo(NegatoscopeError):
    """There is no model that was deployed before the current one."""

    status = HTTPStatus.CONFLICT


class ModelChanged(NegatoscopeError):
    """Another model has become the current one, so the request no longer applies."""

    status = HTTPStatus.CONFLICT


class NotClassified(NegatoscopeError):
    """The image is not (or not yet) classified, so there is nothing to review or to show."""

    status = HTTPStatus.CONFLICT


class NoPicture(NegatoscopeError):
    """No display picture of the image is stored."""

    status = HTTPStatus.NOT_FOUND


class ReviewChanged(NegatoscopeError):
    """The review, or the one to restore, has changed since the person saw it, so nothing was done."""

    status = HTTPStatus.CONFLICT


class TooManyReadings(NegatoscopeError):
    """The image already has the maximum number of readings."""

    status = HTTPStatus.CONFLICT


class ReviewRuleChanged(NegatoscopeError):
    """The review rule has changed since the person saw it, so nothing was changed."""

    status = HTTPStatus.CONFLICT


class ReviewRuleFixed(NegatoscopeError):
    """The model's review rule cannot be changed: all of its answers need a review, or it is not known."""

    status = HTTPStatus.CONFLICT


class EndpointNotReady(NegatoscopeError):
    """The SageMaker endpoint is missing, starting, or overloaded; trying again later can help."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class EndpointMissing(EndpointNotReady):
    """There is no SageMaker endpoint with that name, or it has never been in service."""


class EndpointNotChanged(NegatoscopeError):
    """SageMaker does not accept a change of the endpoint now."""

    status = HTTPStatus.CONFLICT


class AdministrationFailed(NegatoscopeError):
    """A change of a model or of an endpoint ended without an answer; it can be repeated."""


class StepInterrupted(NegatoscopeError):
    """A service that a retraining step uses failed; the state machine repeats the step."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class ModelFailed(NegatoscopeError):
    """The model returned an error, or an answer that is not a classification."""

    status = HTTPStatus.BAD_GATEWAY


class InvalidModelPackage(NegatoscopeError):
    """A model package is incomplete or its parts do not belong together."""


class FileRemoved(NegatoscopeError):
    """A file was removed or replaced before it could be read."""


class RetriesExhausted(NegatoscopeError):
    """Several attempts to process an image failed."""


class DecoderUnavailable(NegatoscopeError):
    """What decodes images cannot be started or asked. The image is not the cause."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class DecodingFailed(NegatoscopeError):
    """What decodes images crashed, or ran out of time or memory. The image may be the cause."""


class ImageError(NegatoscopeError):
    """The image cannot be used; sending the same bytes again cannot help."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class EmptyImage(ImageError):
    """The file is empty."""


class ImageTooLarge(ImageError):
    """More bytes or pixels than are accepted."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class ImageTooSmall(ImageError):
    """Too few pixels to classify."""


class NotAnImage(ImageError):
    """The file has no supported image format."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class DamagedImage(ImageError):
    """The file starts as an image but cannot be decoded."""


class InvalidImage(DamagedImage):
    """The file is complete but breaks its format's rules: something is missing, wrong or contradictory."""


class UnsupportedImage(ImageError):
    """A valid file in an unsupported variant of its format."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class NoPixels(ImageError):
    """A DICOM object that is not an image."""
