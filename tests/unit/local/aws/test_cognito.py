"""Refresh tokens of the emulator's Cognito, with a fake clock."""

import json
import time

import pytest
from ministack.services import cognito

from local.aws import cognito as patched

POOL = "us-east-1_pool"


def test_replaced_refresh_token_is_valid_until_the_grace_period_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = time.time()
    issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}"
    first = cognito._signed_jwt({"iss": issuer, "exp": now + 3600, "token_use": "refresh"})
    monkeypatch.setattr(cognito, "_refresh_tokens", {first: {"pool_id": POOL, "username": "reader"}})
    exchange = patched._rotating(lambda *_: (200, {}, b"{}"))

    def renewed(token: str, after: float) -> tuple[int, str]:
        monkeypatch.setattr(time, "time", lambda: now + after)
        status, _, content = exchange({}, {}, f"grant_type=refresh_token&refresh_token={token}".encode())
        return status, json.loads(content).get("refresh_token", "")

    _, second = renewed(first, after=0)
    assert renewed(first, after=patched.GRACE_PERIOD - 1)[0] == 200
    assert renewed(first, after=patched.GRACE_PERIOD)[0] == 400
    _, third = renewed(second, after=2 * patched.GRACE_PERIOD)
    assert third not in ("", first, second)
    assert renewed(third, after=3600)[0] == 400
