"""Transport of the emulator: requests over loopback count as encrypted."""

from collections.abc import Callable

from ministack import app

from local.aws import patching


def install() -> None:
    """Tell policies that every request came over TLS (`aws:SecureTransport`).

    The emulator speaks plain HTTP, which the data bucket's policy refuses. Loopback cannot be intercepted.
    Can go when the emulator speaks HTTPS.
    """
    patching.wrap(app, "pin_request_origin", _as_secure)


def _as_secure(pin: Callable[[str, bool], None]) -> Callable[[str, bool], None]:
    return lambda source_ip, _secure: pin(source_ip, True)
