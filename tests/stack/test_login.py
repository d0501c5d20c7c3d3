"""Signing in where people have to: the login page, its tokens, and what the API does with them."""

import time
from collections.abc import Iterator

import pytest

from chalicelib.api.auth import GROUPS
from local.stack import LocalStack
from tests.images import grey_file
from tests.stack.client import TASK, send
from tests.stack.login_flow import PASSWORDS, LoginFlow, proof

NOBODY = "nobody@negatoscope.example"


@pytest.fixture(scope="module")
def login_flow(login_stack: LocalStack) -> LoginFlow:
    return LoginFlow(login_stack)


@pytest.fixture
def nobody(login_flow: LoginFlow) -> Iterator[str]:
    """The token of a user in no group."""
    user, password = {"UserPoolId": login_flow.pool, "Username": NOBODY}, PASSWORDS["reader"]
    attributes = [{"Name": "email", "Value": NOBODY}]
    login_flow.cognito.admin_create_user(
        **user, TemporaryPassword=password, UserAttributes=attributes, MessageAction="SUPPRESS"
    )
    login_flow.cognito.admin_set_user_password(**user, Password=password, Permanent=True)
    verifier, challenge = proof()
    code = login_flow.code_in(login_flow.submit(NOBODY, password, challenge))
    yield login_flow.redeem(code, verifier).json["id_token"]
    login_flow.cognito.admin_delete_user(**user)


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_may_do_what_it_is_for(login_flow: LoginFlow, group: str) -> None:
    token = login_flow.tokens(group)["id_token"]
    reviews, decides = group != "reader", group == "admin"

    me = login_flow.ask(token, "GET", "/me").json
    assert (me["login"], me["groups"], me["role"]) == (True, [group], group)
    assert login_flow.ask(token, "GET", "/results").status == 200
    upload = {"task": TASK, "size": 9, "content_type": "image/png"}
    assert login_flow.ask(token, "POST", "/uploads", upload).status == (201 if reviews else 403)
    classified = login_flow.ask(
        token, "POST", f"/tasks/{TASK}/classify", grey_file(height=91), Content_Type="image/png"
    )
    assert classified.status == (200 if reviews else 403)
    if reviews:
        review = {"label": classified.json["label"]}
        reviewed = login_flow.ask(token, "PUT", f"/results/{classified.json['id']}/review", review)
        assert reviewed.json["review"]["reviewer"] == me["user"]
    # There is no model before the bundled one.
    rolled_back = login_flow.ask(token, "POST", f"/tasks/{TASK}/rollback")
    assert rolled_back.status == (409 if decides else 403), rolled_back.body
    refused = rolled_back.json["code"]
    assert refused == ("NothingToRollBackTo" if decides else "NotAllowed")


def test_a_user_of_no_group_hears_whom_to_ask(login_flow: LoginFlow, nobody: str) -> None:
    assert login_flow.ask(nobody, "GET", "/me").json["role"] is None
    refused = login_flow.ask(nobody, "GET", "/tasks")
    assert refused.status == 403
    assert "Ask whoever manages the users of this installation" in refused.json["message"]


def test_only_identity_tokens_that_last_are_let_in(login_flow: LoginFlow) -> None:
    tokens = login_flow.tokens("admin")
    good = tokens["id_token"]
    head, _, signature = good.rpartition(".")
    forged = f"{head}.{signature[:-8]}AAAAAAAA"
    with login_flow.lasting(1):
        expired = login_flow.tokens("admin")["id_token"]
    time.sleep(2)

    assert login_flow.ask(good, "GET", "/tasks").status == 200
    for bad in (expired, forged, tokens["access_token"], tokens["refresh_token"], "nonsense"):
        answer = login_flow.ask(bad, "GET", "/tasks")
        assert (answer.status, answer.json["code"]) == (401, "Unauthorized")
    without = login_flow.client.api("GET", "/api/tasks")
    assert (without.status, without.json["code"]) == (401, "Unauthorized")


def test_a_code_is_good_once_and_for_whoever_asked_for_it(login_flow: LoginFlow) -> None:
    verifier, challenge = proof()
    code = login_flow.code("reader", challenge)

    assert login_flow.redeem(code, proof()[0]).json["error"] == "invalid_grant"
    assert login_flow.redeem(code, verifier).status == 200
    assert login_flow.redeem(code, verifier).json["error"] == "invalid_grant"


def test_the_login_page_leads_back_to_the_page_alone(login_flow: LoginFlow) -> None:
    _, challenge = proof()

    assert login_flow.authorize(challenge, redirect_uri="https://elsewhere.example/").status == 400
    assert login_flow.authorize(challenge, response_type="token").status == 400
    assert "error=invalid" in login_flow.authorize(challenge, scope="openid phone").headers["Location"]


def test_a_wrong_password_and_a_form_of_another_site_are_refused(login_flow: LoginFlow) -> None:
    _, challenge = proof()
    name = "reader@negatoscope.example"

    assert login_flow.submit(name, "wrong", challenge).status == 200  # the form again
    elsewhere = login_flow.submit(name, PASSWORDS["reader"], challenge, origin="https://elsewhere.example")
    assert elsewhere.status == 403


def test_a_renewal_keeps_the_groups_and_gives_a_refresh_token_for_the_next(login_flow: LoginFlow) -> None:
    first = login_flow.tokens("reviewer")
    renewed = login_flow.renew(first["refresh_token"])
    again = login_flow.renew(renewed.json["refresh_token"])

    assert again.status == 200
    assert login_flow.ask(again.json["id_token"], "GET", "/me").json["role"] == "reviewer"


def test_a_renewal_whose_answer_was_lost_can_be_asked_for_again(login_flow: LoginFlow) -> None:
    first = login_flow.tokens("reviewer")["refresh_token"]
    lost, found = login_flow.renew(first).json, login_flow.renew(first).json

    assert len({first, lost["refresh_token"], found["refresh_token"]}) == 3
    assert login_flow.renew(found["refresh_token"]).status == 200


def test_a_revoked_refresh_token_is_worth_nothing(login_flow: LoginFlow) -> None:
    token = login_flow.tokens("reader")["refresh_token"]
    body = f"token={token}&client_id={login_flow.login['client_id']}".encode()
    headers = {"Content_Type": "application/x-www-form-urlencoded", "Origin": login_flow.stack.url}
    revoked = send(login_flow.stack.emulator_port, "POST", "/oauth2/revoke", body, **headers)

    assert revoked.status == 200
    assert revoked.headers["Access-Control-Allow-Origin"] in ("*", login_flow.stack.url)
    assert login_flow.renew(token).json["error"] == "invalid_grant"


def test_whoever_is_signed_in_at_the_login_page_is_not_asked_again_until_signing_out(
    login_flow: LoginFlow,
) -> None:
    verifier, challenge = proof()
    signed_in = login_flow.submit("reader@negatoscope.example", PASSWORDS["reader"], challenge)
    cookie = signed_in.headers["Set-Cookie"].partition(";")[0]

    code = login_flow.code_in(login_flow.authorize(challenge, cookie))
    assert login_flow.redeem(code, verifier).status == 200
    logout = f"/logout?client_id={login_flow.login['client_id']}&logout_uri={login_flow.home}"
    left = send(login_flow.stack.emulator_port, "GET", logout, Cookie=cookie)
    assert (left.status, left.headers["Location"]) == (302, login_flow.home)
    assert login_flow.authorize(challenge, cookie).status == 200  # the form
