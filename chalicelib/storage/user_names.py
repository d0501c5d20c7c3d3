"""What colleagues know users by: looked up in the user pool whenever it is shown, and stored nowhere."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from chalicelib.limits import MAX_NAME

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class UserNames:
    """Finds the names of users."""

    def __init__(self, client: Callable[[], Any], user_pool_arn: str | None):
        """Find them with a client of Cognito; without a user pool, nobody has a name."""
        self._client = client
        self._pool = (user_pool_arn or "").rpartition("/")[2]
        self._known: dict[str, str | None] = {}

    def of(self, ids: Iterable[str | None]) -> dict[str, str]:
        """Names by id, of those users whom the pool still has; who else acts has no such id."""
        if not self._pool:
            return {}
        wanted = sorted({each for each in ids if each and _ID.fullmatch(each)})
        for each in wanted:
            if each not in self._known:
                self._known[each] = self._find(each)
        return {each: name for each in wanted if (name := self._known[each])}

    def _find(self, user: str) -> str | None:
        answer = self._client().list_users(
            UserPoolId=self._pool, AttributesToGet=["email"], Filter=f'sub = "{user}"', Limit=1
        )
        attributes = [pair for one in answer["Users"] for pair in one.get("Attributes", [])]
        emails = [pair["Value"] for pair in attributes if pair["Name"] == "email"]
        return name_in(emails[0]) if emails else None


def name_in(email: str) -> str | None:
    """What colleagues know the user with an e-mail address by: what is before the @; None if nothing is.

    In lower case, because DynamoDB's search distinguishes capitals.
    """
    return email.partition("@")[0].lower()[:MAX_NAME] or None
