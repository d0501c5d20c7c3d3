"""Sign-in: the login page, its tokens, and what the API permits with them."""

import json
import time
from collections.abc import Iterator

import pytest

from chalicelib.api.auth import GROUPS
from deploy import users
from local.stack import LocalStack
from tests.images import grey_file
from tests.stack.client import TASK, send
from tests.stack.login_flow import PASSWORDS, LoginFlow, pkce_pair

OTHER_TASK = "chest-xray"
NO_GROUP = "nobody@negatoscope.example"


@pytest.fixture(scope="module")
def login_flow(login_stack: LocalStack) -> LoginFlow:
    return LoginFlow(login_stack)


@pytest.fixture
def token_without_group(login_flow: LoginFlow) -> Iterator[str]:
    """The token of a user in no group."""
    user, password = {"UserPoolId": login_flow.pool, "Username": NO_GROUP}, PASSWORDS["reader"]
    attributes = [{"Name": "email", "Value": NO_GROUP}]
    login_flow.cognito.admin_create_user(
        **user, TemporaryPassword=password, UserAttributes=attributes, MessageAction="SUPPRESS"
    )
    login_flow.cognito.admin_set_user_password(**user, Password=password, Permanent=True)
    verifier, challenge = pkce_pair()
    code = login_flow.code_in(login_flow.submit(NO_GROUP, password, challenge))
    yield login_flow.redeem(code, verifier).json["id_token"]
    login_flow.cognito.admin_delete_user(**user)


@pytest.fixture
def foreign_token(login_flow: LoginFlow) -> Iterator[str]:
    """The identity token of an administrator of another user pool."""
    cognito, flow = login_flow.cognito, "ADMIN_USER_PASSWORD_AUTH"
    pool = {"UserPoolId": cognito.create_user_pool(PoolName="other")["UserPool"]["Id"]}
    client = cognito.create_user_pool_client(**pool, ClientName="page", ExplicitAuthFlows=[f"ALLOW_{flow}"])
    user, password = {**pool, "Username": "admin"}, PASSWORDS["admin"]
    cognito.admin_create_user(**user, TemporaryPassword=password, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(**user, Password=password, Permanent=True)
    cognito.create_group(**pool, GroupName="admin")
    cognito.admin_add_user_to_group(**user, GroupName="admin")
    answer = cognito.admin_initiate_auth(
        **pool,
        ClientId=client["UserPoolClient"]["ClientId"],
        AuthFlow=flow,
        AuthParameters={"USERNAME": "admin", "PASSWORD": password},
    )
    yield answer["AuthenticationResult"]["IdToken"]
    cognito.delete_user_pool(**pool)


@pytest.mark.parametrize("group", GROUPS)
def test_groups_have_their_permissions_only(login_flow: LoginFlow, group: str) -> None:
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


def test_user_without_a_group_learns_whom_to_ask(login_flow: LoginFlow, token_without_group: str) -> None:
    assert login_flow.ask(token_without_group, "GET", "/me").json["role"] is None
    refused = login_flow.ask(token_without_group, "GET", "/tasks")
    assert refused.status == 403
    assert "Ask an administrator of this installation" in refused.json["message"]


def test_only_valid_identity_tokens_are_accepted(login_flow: LoginFlow) -> None:
    tokens = login_flow.tokens("admin")
    good = tokens["id_token"]
    head, _, signature = good.rpartition(".")
    forged = f"{head}.{signature[:-8]}AAAAAAAA"
    with login_flow.token_lifetime(1):
        expired = login_flow.tokens("admin")["id_token"]
    time.sleep(2)

    assert login_flow.ask(good, "GET", "/tasks").status == 200
    for bad in (expired, forged, tokens["access_token"], tokens["refresh_token"], "nonsense"):
        answer = login_flow.ask(bad, "GET", "/tasks")
        assert (answer.status, answer.json["code"]) == (401, "Unauthorized")
    without = login_flow.client.api("GET", "/api/tasks")
    assert (without.status, without.json["code"]) == (401, "Unauthorized")


def test_token_of_another_pool_is_refused(login_flow: LoginFlow, foreign_token: str) -> None:
    answer = login_flow.ask(foreign_token, "GET", "/tasks")
    assert (answer.status, answer.json["code"]) == (401, "Unauthorized")


def test_reader_of_one_task_sees_nothing_of_others(login_flow: LoginFlow) -> None:
    """The group's name, which has a colon, passes through the pool, its token and API Gateway."""
    user = {"UserPoolId": login_flow.pool, "Username": "reader@negatoscope.example"}
    users.put_groups(login_flow.cognito, login_flow.pool, user["Username"], [f"reader:{OTHER_TASK}"])
    try:
        token = login_flow.tokens("reader")["id_token"]
        assert login_flow.ask(token, "GET", "/me").json["tasks"] == [OTHER_TASK]
        tasks = login_flow.ask(token, "GET", "/tasks").json["tasks"]
        assert [task["name"] for task in tasks] == [OTHER_TASK]
        assert login_flow.ask(token, "GET", f"/tasks/{TASK}/drift").status == 403
    finally:
        users.put_groups(login_flow.cognito, login_flow.pool, user["Username"], ["reader"])


def test_authorization_code_is_valid_once_and_with_its_verifier(login_flow: LoginFlow) -> None:
    verifier, challenge = pkce_pair()
    code = login_flow.code("reader", challenge)

    assert login_flow.redeem(code, pkce_pair()[0]).json["error"] == "invalid_grant"
    assert login_flow.redeem(code, verifier).status == 200
    assert login_flow.redeem(code, verifier).json["error"] == "invalid_grant"


def test_login_page_redirects_only_to_the_page(login_flow: LoginFlow) -> None:
    _, challenge = pkce_pair()

    assert login_flow.authorize(challenge, redirect_uri="https://elsewhere.example/").status == 400
    assert login_flow.authorize(challenge, response_type="token").status == 400
    assert "error=invalid" in login_flow.authorize(challenge, scope="openid phone").headers["Location"]


def test_wrong_password_and_foreign_form_are_refused(login_flow: LoginFlow) -> None:
    _, challenge = pkce_pair()
    name = "reader@negatoscope.example"

    assert login_flow.submit(name, "wrong", challenge).status == 200  # the form again
    elsewhere = login_flow.submit(name, PASSWORDS["reader"], challenge, origin="https://elsewhere.example")
    assert elsewhere.status == 403


def test_renewal_keeps_the_groups_and_rotates_the_refresh_token(login_flow: LoginFlow) -> None:
    first = login_flow.tokens("reviewer")
    renewed = login_flow.renew(first["refresh_token"])
    again = login_flow.renew(renewed.json["refresh_token"])

    assert again.status == 200
    assert login_flow.ask(again.json["id_token"], "GET", "/me").json["role"] == "reviewer"


def test_renewal_can_be_repeated_after_a_lost_response(login_flow: LoginFlow) -> None:
    first = login_flow.tokens("reviewer")["refresh_token"]
    lost, found = login_flow.renew(first).json, login_flow.renew(first).json

    assert len({first, lost["refresh_token"], found["refresh_token"]}) == 3
    assert login_flow.renew(found["refresh_token"]).status == 200


def test_revoked_refresh_token_is_refused(login_flow: LoginFlow) -> None:
    token = login_flow.tokens("reader")["refresh_token"]
    body = f"token={token}&client_id={login_flow.login['client_id']}".encode()
    headers = {"Content_Type": "application/x-www-form-urlencoded", "Origin": login_flow.stack.url}
    revoked = send(login_flow.stack.emulator_port, "POST", "/oauth2/revoke", body, **headers)

    assert revoked.status == 200
    assert revoked.headers["Access-Control-Allow-Origin"] in ("*", login_flow.stack.url)
    assert login_flow.renew(token).json["error"] == "invalid_grant"


def test_login_page_keeps_the_session_until_sign_out(
    login_flow: LoginFlow,
) -> None:
    verifier, challenge = pkce_pair()
    signed_in = login_flow.submit("reader@negatoscope.example", PASSWORDS["reader"], challenge)
    cookie = signed_in.headers["Set-Cookie"].partition(";")[0]

    code = login_flow.code_in(login_flow.authorize(challenge, cookie))
    assert login_flow.redeem(code, verifier).status == 200
    logout = f"/logout?client_id={login_flow.login['client_id']}&logout_uri={login_flow.home}"
    left = send(login_flow.stack.emulator_port, "GET", logout, Cookie=cookie)
    assert (left.status, left.headers["Location"]) == (302, login_flow.home)
    assert login_flow.authorize(challenge, cookie).status == 200  # the form


def test_every_request_is_logged_with_its_user(login_flow: LoginFlow) -> None:
    reader, admin = (login_flow.tokens(group)["id_token"] for group in ("reader", "admin"))
    user = login_flow.ask(reader, "GET", "/me").json["user"]
    unknown = "ac" * 16
    looked = f"/results/{unknown}"
    login_flow.ask(reader, "GET", f"{looked}?search=Doe")
    login_flow.ask(reader, "DELETE", looked)
    login_flow.client.api("GET", f"/api{looked}")

    answer = login_flow.ask(admin, "GET", f"/access-log?search={unknown}").json

    assert [(one["user"], one["method"], one["status"], one["refused"]) for one in answer["entries"]] == [
        (user, "GET", 404, None),
        (user, "DELETE", 403, None),
        (None, "GET", 401, "UNAUTHORIZED"),
    ]
    assert {one["path"] for one in answer["entries"]} == {f"/api{looked}"}
    assert answer["names"] == {user: "reader"}
    assert "Doe" not in json.dumps(answer)
    pages = [login_flow.ask(admin, "GET", f"/access-log?search={unknown}&limit=2").json]
    pages.append(
        login_flow.ask(admin, "GET", f"/access-log?search={unknown}&limit=2&cursor={pages[0]['cursor']}").json
    )
    assert [one for page in pages for one in page["entries"]] == answer["entries"]
    assert login_flow.ask(reader, "GET", "/access-log").status == 403
