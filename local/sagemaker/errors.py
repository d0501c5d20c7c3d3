"""Errors of the service, with the codes and messages of AWS."""


class SageMakerError(Exception):
    """A refused request: the error code and message of the response, and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def invalid(message: str) -> SageMakerError:
    """The request is invalid, or names a resource that does not exist."""
    return SageMakerError("ValidationException", message)


def in_use(message: str) -> SageMakerError:
    """The name is taken or the resource is busy."""
    return SageMakerError("ResourceInUse", message)


def not_found(message: str) -> SageMakerError:
    """The job does not exist."""
    return SageMakerError("ResourceNotFound", message)


def limit_exceeded(instance_type: str, usage: str) -> SageMakerError:
    """The account may not use instances of this type."""
    return SageMakerError(
        "ResourceLimitExceeded",
        f"The account-level service limit '{instance_type} for {usage}' is 0 Instances, with current "
        "utilization of 0 Instances and a request delta of 1 Instances. Please use AWS Service Quotas to "
        "request an increase for this quota.",
    )


def unsupported(what: str) -> SageMakerError:
    """SageMaker supports this and the emulator does not. Refusing is better than ignoring it."""
    return invalid(f"{what} is not supported by the local SageMaker.")


class JobFailed(Exception):
    """A job has failed; the message is its FailureReason."""
