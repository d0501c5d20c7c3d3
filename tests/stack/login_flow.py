"""The sign-in flow of a browser, without a browser."""

import hashlib
import json
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from local.stack import LocalStack
from local.users import USERS
from tests.stack.client import Answer, Client, send

FORM = "application/x-www-form-urlencoded"
PASSWORDS = {user.group: user.password for user in USERS}


def pkce_pair() -> tuple[str, str]:
    """A PKCE code verifier and its challenge (RFC 7636)."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, urlsafe_b64encode(digest).rstrip(b"=").decode()


class LoginFlow:
    """The user pool's login page and its OAuth 2.0 endpoints."""

    def __init__(self, stack: LocalStack):
        self.stack = stack
        self.client = Client(stack)
        self.home = f"{stack.url}/"

    @cached_property
    def login(self) -> dict[str, str]:
        """The login settings that the page gets from the API."""
        found: dict[str, str] = self.client.api("GET", "/api/health").json["login"]
        return found

    @cached_property
    def pool(self) -> str:
        """The id of the user pool."""
        stacks = self.client.aws("cloudformation").describe_stacks(StackName="negatoscope-local-foundation")
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks["Stacks"][0]["Outputs"]}
        return str(outputs["UserPoolId"])

    @cached_property
    def cognito(self) -> Any:
        """A client of Cognito with the permissions of an administrator."""
        return self.client.aws("cognito-idp")

    def authorize(self, challenge: str, cookie: str = "", **changed: str) -> Answer:
        """Request the login page."""
        query = {
            "response_type": "code",
            "client_id": self.login["client_id"],
            "redirect_uri": self.home,
            "scope": "openid",
            "state": "s",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        path = f"/oauth2/authorize?{urlencode(query | changed)}"
        return send(self.stack.emulator_port, "GET", path, Cookie=cookie)

    def submit(self, name: str, password: str, challenge: str, origin: str | None = None) -> Answer:
        """Submit a name and a password to the login page."""
        form = self.authorize(challenge)
        assert form.status == 200, form.body
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.body.decode()))
        fields = {field: value.replace("&amp;", "&") for field, value in fields.items()}
        body = urlencode(fields | {"username": name, "password": password}).encode()
        own = urlsplit(self.login["origin"]).netloc
        headers = {"Host": own, "Origin": origin or self.login["origin"], "Content_Type": FORM}
        return send(self.stack.emulator_port, "POST", "/login", body, **headers)

    def code(self, group: str, challenge: str) -> str:
        """Sign in as the user of a group, and return the authorization code."""
        answer = self.submit(f"{group}@negatoscope.example", PASSWORDS[group], challenge)
        return self.code_in(answer)

    def code_in(self, answer: Answer) -> str:
        """The authorization code in the redirect to the page."""
        assert answer.status == 302, answer.body
        address = answer.headers["Location"]
        assert address.startswith(f"{self.home}?")
        return parse_qs(urlsplit(address).query)["code"][0]

    def exchange(self, **fields: str) -> Answer:
        """Send a request to the token endpoint."""
        body = urlencode({"client_id": self.login["client_id"], **fields}).encode()
        headers = {"Content_Type": FORM, "Origin": self.stack.url}
        return send(self.stack.emulator_port, "POST", "/oauth2/token", body, **headers)

    def tokens(self, group: str) -> dict[str, Any]:
        """Sign in as the user of a group, and return the tokens."""
        verifier, challenge = pkce_pair()
        return self.redeem(self.code(group, challenge), verifier).json  # type: ignore[no-any-return]

    def redeem(self, code: str, verifier: str) -> Answer:
        """Exchange an authorization code for tokens."""
        return self.exchange(
            grant_type="authorization_code", code=code, code_verifier=verifier, redirect_uri=self.home
        )

    def renew(self, refresh_token: str) -> Answer:
        """Exchange a refresh token for new tokens."""
        return self.exchange(grant_type="refresh_token", refresh_token=refresh_token)

    def ask(self, token: str, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request to the API with a token."""
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        headers = {"Content_Type": "application/json", **headers, "Authorization": token}
        return self.client.api(method, f"/api{path}", content, **headers)

    @contextmanager
    def token_lifetime(self, seconds: int) -> Iterator[None]:
        """Issue access and identity tokens with this lifetime. That of refresh tokens does not change."""
        known = {"UserPoolId": self.pool, "ClientId": self.login["client_id"]}
        before = self.cognito.describe_user_pool_client(**known)["UserPoolClient"]
        validity = ("AccessTokenValidity", "IdTokenValidity", "TokenValidityUnits")
        units = {"AccessToken": "seconds", "IdToken": "seconds"}
        changed = {"AccessTokenValidity": seconds, "IdTokenValidity": seconds, "TokenValidityUnits": units}
        self.cognito.update_user_pool_client(**known, **changed)
        try:
            yield
        finally:
            self.cognito.update_user_pool_client(**known, **{name: before[name] for name in validity})
