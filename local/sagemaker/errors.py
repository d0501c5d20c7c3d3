"""What the service refuses, in the words and with the codes of the real one."""


class SageMakerError(Exception):
    """A request is refused: `code` and `message` as the service answers them, `status` of HTTP."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def invalid(message: str) -> SageMakerError:
    """The request makes no sense, or names something that is not there."""
    return SageMakerError("ValidationException", message)


def in_use(message: str) -> SageMakerError:
    """The name is taken, or the resource is busy."""
    return SageMakerError("ResourceInUse", message)


def not_found(message: str) -> SageMakerError:
    """There is no such job."""
    return SageMakerError("ResourceNotFound", message)


def unsupported(what: str) -> SageMakerError:
    """Real SageMaker can do this, this machine cannot; to leave it out silently would be worse."""
    return invalid(f"{what} is not supported by the SageMaker of this machine.")


class JobFailed(Exception):
    """A job cannot go on; the message is its FailureReason."""
