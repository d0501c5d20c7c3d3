"""Names of users are looked up in the user pool."""

from typing import Any

from chalicelib.storage.user_names import UserNames

POOL = "arn:aws:cognito-idp:eu-central-1:000000000000:userpool/eu-central-1_abc"
ADA, GONE, NAMELESS = (f"{digit * 8}-d9cb-469f-a165-70867728950e" for digit in "123")


class Cognito:
    """A user pool with one user who has an e-mail address, and one who has none."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def list_users(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        email = {"Name": "email", "Value": "ada.lovelace@example.org"}
        known = {f'sub = "{ADA}"': [{"Attributes": [email]}], f'sub = "{NAMELESS}"': [{}]}
        return {"Users": known.get(request["Filter"], [])}


def test_names_of_users_who_have_one() -> None:
    cognito = Cognito()
    names = UserNames(lambda: cognito, POOL)

    assert names.of([ADA, GONE, NAMELESS, ADA]) == {ADA: "ada.lovelace"}
    assert {(one["UserPoolId"], *one["AttributesToGet"]) for one in cognito.asked} == {
        ("eu-central-1_abc", "email")
    }
    assert len(cognito.asked) == 3

    names.of([ADA])
    assert len(cognito.asked) == 3


def test_who_is_no_user_is_not_looked_up() -> None:
    cognito = Cognito()
    others = ["local", "drift monitor", None, 'x" or sub ^= "', "arn:aws:iam::000000000000:user/ada"]

    assert UserNames(lambda: cognito, POOL).of(others) == {}
    assert UserNames(lambda: cognito, None).of([ADA]) == {}
    assert cognito.asked == []
