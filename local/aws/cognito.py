"""Cognito of the emulator: sessions of the login page, and rotation and revocation of refresh tokens.

ministack has a login page and issues tokens, but it keeps no session, renewed tokens lack the user's groups,
and refresh tokens neither rotate nor expire and cannot be revoked by the page. The first passwords that it
makes are too short for the user pool. Each patch can go when ministack passes tests/stack/test_login.py and
tests/stack/test_installation.py without it.
"""

import functools
import json
import math
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, urlsplit
from uuid import uuid4

from ministack import app
from ministack.services import cognito

from local.aws import patching

Response = tuple[int, dict[str, Any], bytes]
Handler = Callable[..., Response]

FORM = "/login"
"""Path to which the login page posts name and password, with its own origin."""
COOKIE = "cognito"
SESSION = 3600.0  # seconds, as on AWS
GRACE_PERIOD = 60.0
"""Seconds for which a replaced refresh token stays valid, in case the response was lost (foundation.yaml)."""
REPLACED = "good_until"
"""The entry of a replaced refresh token that says until when it is valid."""


class _Session(NamedTuple):
    """A session of the login page."""

    pool: str
    user: str
    until: float


_sessions: dict[str, _Session] = {}


def install() -> None:
    """Apply the patches.

    Refresh tokens rotate as foundation.yaml configures; a replaced one stays valid for the grace period.
    """
    patching.wrap(cognito, "handle_login_submit", _keeping_session)
    patching.wrap(cognito, "handle_oauth2_authorize", _knowing_session)
    patching.wrap(cognito, "handle_logout", _ending_session)
    patching.wrap(cognito, "_fake_token", _with_groups)
    patching.wrap(cognito, "_oauth2_token", _rotating)
    patching.wrap(cognito, "_generate_temp_password", _as_long_as_required)
    patching.wrap(app, "_handle_cognito_body_request", _with_revocation)


def _as_long_as_required(generate: Callable[[], str]) -> Callable[[], str]:
    """Make first passwords that satisfy the policy of the user pool: two in a row have 24 characters."""
    return lambda: generate() + generate()


# ----------------------------------------------------------------------------------- login page


def _keeping_session(submit: Handler) -> Handler:
    @functools.wraps(submit)
    def handle_login_submit(*arguments: Any) -> Response:
        status, headers, body = submit(*arguments)
        query = dict(parse_qsl(urlsplit(headers.get("Location", "")).query))
        issued = cognito._authorization_codes.get(query.get("code"))
        if issued:
            session = secrets.token_urlsafe(32)
            _sessions[session] = _Session(issued["pool_id"], issued["username"], time.time() + SESSION)
            headers = headers | {"Set-Cookie": _cookie(session, SESSION)}
        return status, headers, body

    return handle_login_submit


def _knowing_session(authorize: Handler) -> Handler:
    """Skip the form while a session is valid."""

    @functools.wraps(authorize)
    def handle_oauth2_authorize(method: str, path: str, headers: dict[str, str], query: Any) -> Response:
        answer = authorize(method, path, headers, query)
        session = _sessions.get(_session_id(headers))
        request = {name: cognito._qp(query, name) for name in query}
        pool = cognito._find_pool_by_client_id(request.get("client_id"))[0]
        is_form = answer[0] == 200  # errors and redirects pass through
        if not (is_form and session and session.pool == pool and time.time() < session.until):
            return answer
        challenge = [request.get(name, "") for name in ("code_challenge", "code_challenge_method", "state")]
        redirect: Response = cognito._issue_auth_code_redirect(
            request["client_id"],
            pool,
            request["redirect_uri"],
            request.get("scope", ""),
            session.user,
            request.get("nonce", ""),
            *challenge,
        )
        return redirect

    return handle_oauth2_authorize


def _ending_session(logout: Handler) -> Handler:
    @functools.wraps(logout)
    def handle_logout(method: str, path: str, headers: dict[str, str], query: Any) -> Response:
        status, answer, body = logout(method, path, headers, query)
        if status == 302:
            _sessions.pop(_session_id(headers), None)
            answer = answer | {"Set-Cookie": _cookie("", 0)}
        return status, answer, body

    return handle_logout


def _session_id(headers: Mapping[str, str]) -> str:
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""


def _cookie(value: str, seconds: float) -> str:
    return f"{COOKIE}={value}; Max-Age={seconds:.0f}; Path=/; HttpOnly; SameSite=Lax"


# --------------------------------------------------------------------------------------- tokens


def _with_groups(make: Callable[..., str]) -> Callable[..., str]:
    @functools.wraps(make)
    def fake_token(sub: str, pool: str, client: str, kind: str = "access", **claims: Any) -> str:
        if claims.get("groups") is None and claims.get("username"):
            user = cognito._get_pool_unscoped(pool)["_users"][claims["username"]]
            claims["groups"] = user.get("_groups", [])
        return make(sub, pool, client, kind, **claims)

    return fake_token


def _rotating(exchange: Handler) -> Handler:
    @functools.wraps(exchange)
    def oauth2_token(data: Any, query: Any, body: bytes = b"", headers: Any = None) -> Response:
        form = _form(body)
        if form.get("grant_type") != "refresh_token":
            return exchange(data, query, body, headers)
        old = form.get("refresh_token", "")
        claims = cognito._token_claims(old)
        issued = cognito._refresh_tokens.get(old, {})
        if min(claims.get("exp", 0), issued.get(REPLACED, math.inf)) <= time.time():
            return _error("invalid_grant")
        status, answer, content = exchange(data, query, body, headers)
        if status != 200:
            return status, answer, content
        # Rotation does not extend the lifetime.
        new = cognito._signed_jwt(claims | {"jti": str(uuid4())}, _pool_of(claims), "access")
        if issued:
            cognito._refresh_tokens[new] = {name: known for name, known in issued.items() if name != REPLACED}
            issued.setdefault(REPLACED, time.time() + GRACE_PERIOD)
        else:
            # It was issued to a program, without the login page.
            cognito._revoked_tokens.add(old)
        return status, answer, json.dumps(json.loads(content) | {"refresh_token": new}).encode()

    return oauth2_token


def _with_revocation(handle: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(handle)
    async def handle_body_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        if (method, path) == ("POST", "/oauth2/revoke"):
            return _revoke(_form(body))
        return await handle(method, path, headers, body, query)

    return handle_body_request


def _revoke(form: Mapping[str, str]) -> Response:
    """Revoke a refresh token and all that were issued from it."""
    claims = cognito._token_claims(form.get("token", ""))
    if claims.get("token_use") != "refresh":
        return _error("unsupported_token_type")
    if claims.get("client_id") != form.get("client_id"):
        return _error("invalid_client")
    cognito._revoke_token({"Token": form["token"]})
    return 200, {}, b""


def _pool_of(claims: Mapping[str, Any]) -> str:
    return str(claims["iss"]).rpartition("/")[2]


def _form(body: bytes) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}


def _error(code: str) -> Response:
    return 400, {"Content-Type": "application/json"}, json.dumps({"error": code}).encode()
