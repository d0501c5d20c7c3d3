"""CloudFront of the emulator: origins that are REST APIs of the emulator's API Gateway.

ministack resolves load balancers and function URLs by their AWS names, but no REST APIs. Can go when
tests/stack/test_installation.py passes without it.
"""

import functools
import os
import re
from collections.abc import Callable
from typing import Any

from ministack.services import cloudfront

from local.aws import patching
from local.loopback import HOST

PAGE_ORIGIN = re.compile(r"https://([a-z0-9]+)\.cloudfront\.net")
API_NAME = re.compile(r"([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com")

Response = tuple[int, str, list[tuple[str, str]], bytes]
"""Status, reason, headers and body."""


def install() -> None:
    """Forward requests for REST APIs to the emulator's own API Gateway."""
    patching.wrap(cloudfront, "_forward_to_origin", _resolving_apis)


def has_page(origin: str) -> bool:
    """Whether a web origin belongs to one of the emulator's distributions."""
    page = PAGE_ORIGIN.fullmatch(origin)
    return page is not None and cloudfront.find_distribution_for_label(page[1]) is not None


def _resolving_apis(forward: Callable[..., Response]) -> Callable[..., Response]:
    @functools.wraps(forward)
    def forward_to_origin(
        origin: dict[str, Any], method: str, uri: str, query: str, headers: dict[str, Any], *rest: Any
    ) -> Response:
        api = API_NAME.fullmatch(origin["domain_name"])
        if api is None:
            return forward(origin, method, uri, query, headers, *rest)
        if headers.get("host", api[0]) != api[0]:
            # API Gateway's answer to a foreign Host header, as when a policy forwards the viewer's.
            return 403, "Forbidden", [("Content-Type", "application/json")], b'{"message":"Forbidden"}'
        port = os.environ["GATEWAY_PORT"]
        here = {**origin, "domain_name": HOST, "http_port": int(port), "protocol_policy": "http-only"}
        name = f"{api[1]}.execute-api.localhost:{port}"
        return forward(here, method, uri, query, {**headers, "host": name}, *rest)

    return forward_to_origin
