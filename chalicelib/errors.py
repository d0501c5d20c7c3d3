"""Everything that can go wrong in a way the caller can act on. Each message says what to do about it."""

from http import HTTPStatus


class NegatoscopeError(Exception):
    """Base of all errors that are shown to people; the class name is the error's `code`."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message

    @property
    def code(self) -> str:
        """The machine-readable name of this kind of error."""
        return type(self).__name__


class InvalidRequest(NegatoscopeError):
    """The request's parameters or body do not make sense."""

    status = HTTPStatus.BAD_REQUEST


class InvalidHyperparameters(InvalidRequest):
    """A hyper-parameter is unknown, of the wrong type or out of its range."""


class ExportTooLarge(InvalidRequest):
    """The table that is asked for has more rows than can be exported at once."""


class UnsupportedMediaType(NegatoscopeError):
    """The request's Content-Type is not one this route takes."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class NotAllowed(NegatoscopeError):
    """Whoever is signed in may not do this."""

    status = HTTPStatus.FORBIDDEN


class UnknownTask(NegatoscopeError):
    """There is no task of that name."""

    status = HTTPStatus.NOT_FOUND


class UnknownResult(NegatoscopeError):
    """There is no result with that id."""

    status = HTTPStatus.NOT_FOUND


class TaskHasNoModel(NegatoscopeError):
    """The task is known but no model has been trained for it yet."""

    status = HTTPStatus.CONFLICT


class UnknownModel(NegatoscopeError):
    """The task has no such model."""

    status = HTTPStatus.NOT_FOUND


class UnknownRetraining(NegatoscopeError):
    """There is no retraining with this name."""

    status = HTTPStatus.NOT_FOUND


class AlreadyRetraining(NegatoscopeError):
    """The task is being retrained, and one retraining at a time is enough."""

    status = HTTPStatus.CONFLICT


class RetrainingNotDeployed(NegatoscopeError):
    """The stage has no state machine that retrains models."""

    status = HTTPStatus.CONFLICT


class NothingToApprove(NegatoscopeError):
    """The retraining does not wait for anybody's approval (any more)."""

    status = HTTPStatus.CONFLICT


class NothingToRollBackTo(NegatoscopeError):
    """There is no model that was deployed before the current one."""

    status = HTTPStatus.CONFLICT


class ModelChanged(NegatoscopeError):
    """Another model has become the current one, so what was to be done makes no sense any more."""

    status = HTTPStatus.CONFLICT


class NotClassified(NegatoscopeError):
    """The result is not (or not yet) a classification, so there is nothing to review or to show."""

    status = HTTPStatus.CONFLICT


class EndpointNotReady(NegatoscopeError):
    """The SageMaker endpoint is missing, starting, or overloaded; trying again later can help."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class EndpointMissing(EndpointNotReady):
    """There is no SageMaker endpoint of that name, or none that has come into service."""


class EndpointNotChanged(NegatoscopeError):
    """SageMaker does not take a change of an endpoint now."""

    status = HTTPStatus.CONFLICT


class StepInterrupted(NegatoscopeError):
    """A service that a step of a retraining uses did not do its part; the state machine repeats the step."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class ModelFailed(NegatoscopeError):
    """The model answered with an error or with something that is not an answer."""

    status = HTTPStatus.BAD_GATEWAY


class InvalidModelPackage(NegatoscopeError):
    """A model package is incomplete or its parts do not belong together."""


class FileRemoved(NegatoscopeError):
    """A file was gone, or another one stood in its place, before it could be read."""


class RetriesExhausted(NegatoscopeError):
    """An image was sent through several times and never got a result."""


class DecoderUnavailable(NegatoscopeError):
    """The process that decodes compressed images cannot be started; it is no fault of the image."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class ImageError(NegatoscopeError):
    """The image cannot be used; sending the same bytes again cannot help."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class EmptyImage(ImageError):
    """There are no bytes."""


class ImageTooLarge(ImageError):
    """More bytes or pixels than are accepted."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class ImageTooSmall(ImageError):
    """Too few pixels to show anything."""


class NotAnImage(ImageError):
    """The bytes are of no supported image format."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class DamagedImage(ImageError):
    """The bytes start as an image but cannot be decoded."""


class InvalidImage(DamagedImage):
    """The file is whole but breaks its format's rules: something is missing, wrong or contradictory."""


class UnsupportedImage(ImageError):
    """A valid file of a supported format, in a variant that cannot be read."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class NoPixels(ImageError):
    """A DICOM object that holds something other than an image."""
