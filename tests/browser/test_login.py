"""Signing in, what each role finds, and what becomes of work when a session ends."""

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Request, Route, expect

from local.stack import LocalStack
from local.users import USERS
from tests.browser import samples
from tests.browser.conftest import LAPTOP
from tests.browser.app_page import PATIENCE_MS, TASK, Desk, fill_in
from tests.browser.test_access import violations
from tests.images import grey_file
from tests.stack.login_flow import LoginFlow

KNOWN = {user.group: (user.name, user.password) for user in USERS}
"""Name and password of a user of each group."""
# Renewed half a minute before they run out, these are renewed at once.
SHORT = 31


@pytest.fixture(scope="module")
def login_flow(login_stack: LocalStack) -> LoginFlow:
    return LoginFlow(login_stack)


@pytest.fixture
def desk(browser: Browser, login_stack: LocalStack) -> Iterator[Desk]:
    """A fresh page of the system where people have to sign in."""
    context = browser.new_context(viewport=LAPTOP)
    opened = Desk(context.new_page(), login_stack.url)
    yield opened
    context.close()
    assert opened.mistakes == []


@pytest.fixture(scope="module")
def result(login_flow: LoginFlow) -> str:
    """The id of a result that a reviewer has made and reviewed."""
    token = login_flow.tokens("reviewer")["id_token"]
    path = f"/tasks/{TASK}/classify"
    made = login_flow.ask(token, "POST", path, grey_file(height=93), Content_Type="image/png").json
    login_flow.ask(token, "PUT", f"/results/{made['id']}/review", {"label": made["label"]})
    return str(made["id"])


def go_to(desk: Desk, place: str = "") -> None:
    """Open the page and wait until it asks to sign in."""
    desk.page.goto(f"{desk.address}/{place}")
    expect(desk.page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=PATIENCE_MS)


def sign_in(desk: Desk, group: str, place: str = "") -> None:
    """Open the page and sign in as a user of a group."""
    go_to(desk, place)
    desk.sign_in(*KNOWN[group])


def end_session(desk: Desk, login_flow: LoginFlow) -> Locator:
    """Sign in as a reviewer, and end the session behind the page's back; what the page says then."""
    desk.http_errors_expected = True
    with login_flow.token_lifetime(SHORT):
        sign_in(desk, "reviewer", f"#/tasks/{TASK}")
        user = {"UserPoolId": login_flow.pool, "Username": "reviewer@negatoscope.example"}
        login_flow.cognito.admin_user_global_sign_out(**user)
        notice = desk.page.locator("#session-notice")
        expect(notice).to_be_visible(timeout=PATIENCE_MS)
    return notice


def renewals(desk: Desk) -> list[Request]:
    """Every request for new tokens that needed nobody."""
    return [request for request in desk.requests if "grant_type=refresh_token" in (request.post_data or "")]


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_whoever_is_not_signed_in_sees_nothing_but_the_way_in(
    desk: Desk, scheme: Literal["light", "dark"], language: str
) -> None:
    desk.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    desk.page.add_init_script(f"localStorage.setItem('negatoscope.language', '{language}')")
    desk.page.goto(desk.address)
    expect(desk.page.locator("#sign-in-now")).to_be_visible(timeout=PATIENCE_MS)
    for hidden in (".https_proxy", "#worklist", "#task", "#account-button"):
        expect(desk.page.locator(hidden)).to_be_hidden()
    asked = {request.url.partition("/api")[2] for request in desk.requests if "/api/" in request.url}
    assert asked == {"/health"}
    assert violations(desk) == []
    desk.page.set_viewport_size({"width": 320, "height": 640})
    assert desk.width_beyond_screen() <= 0


def test_a_reader_comes_back_to_the_view_and_may_only_read(desk: Desk, result: str) -> None:
    sign_in(desk, "reader", f"#/results/{result}")
    desk.wait_for_reading()
    assert desk.page.url == f"{desk.address}/#/results/{result}"
    form = desk.page.locator(".review-form")
    expect(form).to_contain_text("Your role is reader.")
    expect(form).to_contain_text("Confirmed")
    expect(form.get_by_role("button")).to_have_count(0)
    desk.press("1", "Enter", "u", "o")
    expect(form).to_contain_text("Confirmed")
    for button in desk.page.locator("[data-choose]").all():
        expect(button).to_be_hidden()
    desk.drop(samples.jpeg())
    expect(desk.problem.first).to_contain_text("takes the role reviewer")
    assert desk.posts() == [url for url in desk.posts() if "/oauth2/" in url or "/login" in url]
    desk.page.goto(f"{desk.address}/#/tasks/{TASK}")
    expect(desk.page.get_by_role("heading", name="Open a result")).to_be_visible()
    assert violations(desk) == []


def test_tokens_are_kept_for_the_tab_alone(desk: Desk) -> None:
    sign_in(desk, "reader")
    kept = desk.page.evaluate("[JSON.stringify(localStorage), document.cookie, location.href]")
    assert "eyJ" not in "".join(kept)
    assert kept[2] in (f"{desk.address}/", f"{desk.address}/#/")
    desk.page.reload()
    expect(desk.chooser).to_be_enabled(timeout=PATIENCE_MS)
    second = desk.page.context.new_page()
    second.goto(desk.address)
    expect(second.locator("#sign-in-now")).to_be_visible(timeout=PATIENCE_MS)
    # Those of a session that is over are worth nothing.
    desk.http_errors_expected = True
    desk.page.evaluate(
        """() => {
            const kept = JSON.parse(sessionStorage.getItem("negatoscope.session"));
            const dead = { ...kept, expires_at: 0, refresh_token: "dead" };
            sessionStorage.setItem("negatoscope.session", JSON.stringify(dead));
        }"""
    )
    desk.page.reload()
    expect(desk.page.locator("#sign-in-now")).to_be_visible(timeout=PATIENCE_MS)
    expect(desk.page.locator("#session-notice")).to_be_hidden()


def test_a_reviewer_classifies_reviews_and_takes_the_table_home(desk: Desk) -> None:
    sign_in(desk, "reviewer")
    desk.page.goto(f"{desk.address}/#/tasks/{TASK}")
    made = desk.classify(samples.jpeg())
    desk.press("Enter")
    expect(desk.outcome).to_contain_text("by you")
    with desk.page.expect_download() as download:
        desk.page.get_by_role("link", name="Download CSV").click()
    assert download.value.suggested_filename == f"negatoscope-{TASK}.csv"
    assert made in download.value.path().read_text()
    desk.page.locator('.facts a[href*="/models/"]').click()
    expect(desk.sheet.locator(".document")).to_contain_text("Not for clinical use", timeout=PATIENCE_MS)


def test_signing_out_ends_it_everywhere(desk: Desk) -> None:
    sign_in(desk, "admin")
    other = Desk(desk.page.context.new_page(), desk.address)
    go_to(other)
    other.page.get_by_role("button", name="Sign in", exact=True).click()
    # The login page knows who it is.
    expect(other.chooser).to_be_enabled(timeout=PATIENCE_MS)
    desk.page.get_by_role("button", name="Account").click()
    account = desk.page.get_by_role("dialog", name="Account")
    expect(account).to_contain_text("admin@negatoscope.example")
    expect(account).to_contain_text("decides which model classifies")
    assert violations(desk) == []
    account.get_by_role("button", name="Sign out").click()
    for page in (desk.page, other.page):
        expect(page.locator("#sign-in-now")).to_be_visible(timeout=PATIENCE_MS)
        assert page.evaluate("sessionStorage.getItem('negatoscope.session')") is None
    desk.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(desk.page.get_by_label("Password")).to_be_visible()


def test_tokens_are_renewed_unnoticed(desk: Desk, login_flow: LoginFlow) -> None:
    desk.http_errors_expected = True
    with login_flow.token_lifetime(SHORT):
        sign_in(desk, "reviewer")
        desk.page.goto(f"{desk.address}/#/tasks/{TASK}")
        desk.page.wait_for_timeout(2000)
        desk.classify(samples.jpeg())
        assert renewals(desk)
        desk.page.wait_for_timeout(1500)
    # Also where only the API knows that a token is good no more.
    desk.page.reload()
    desk.wait_for_reading()
    # A renewal under way would spare the one that is looked for.
    desk.page.wait_for_load_state("networkidle")
    before = len(renewals(desk))
    desk.page.route("**/review", lambda route: route.fulfill(status=401, json={}), times=1)
    desk.press("Enter")
    expect(desk.outcome).to_contain_text("by you")
    assert len(renewals(desk)) == before + 1
    expect(desk.page.locator("#session-notice")).to_be_hidden()


def test_a_reload_while_tokens_are_renewed_does_not_end_the_session(
    desk: Desk, login_flow: LoginFlow
) -> None:
    desk.http_errors_expected = True
    lost: list[int] = []

    def lose(route: Route) -> None:
        lost.append(route.fetch().status)
        route.abort()

    with login_flow.token_lifetime(SHORT):
        sign_in(desk, "reviewer")
        desk.page.wait_for_timeout(1500)
        # The pool gives new tokens, but whoever has asked for them is gone.
        with desk.page.expect_event("requestfailed", lambda request: request.url.endswith("/oauth2/token")):
            desk.page.route("**/oauth2/token", lose, times=1)
            desk.page.reload()
        desk.page.reload()
        expect(desk.chooser).to_be_enabled(timeout=PATIENCE_MS)
    assert lost == [200]


def test_the_end_of_a_session_does_not_lose_what_is_under_way(desk: Desk, login_flow: LoginFlow) -> None:
    notice = end_session(desk, login_flow)
    image = samples.jpeg()["buffer"]
    # What follows the end of an image makes three of one.
    contents = [image + bytes([index]) for index in range(3)]
    desk.drop(*(FilePayload(name="a.jpg", mimeType="image/jpeg", buffer=content) for content in contents))
    expect(desk.page.locator("#queue-summary")).to_contain_text("0 of 3 done")
    assert violations(desk) == []
    with desk.page.context.expect_page() as beside:
        notice.get_by_role("button", name="Sign in again").click()
    expect(notice).to_be_hidden(timeout=PATIENCE_MS)
    desk.wait_for_queue()
    expect(desk.page.locator("#queue-summary")).to_have_text("3 of 3 done")
    assert beside.value.is_closed() or "You are signed in" in beside.value.inner_text("main")


def test_nobody_goes_on_with_the_work_of_another(desk: Desk, login_flow: LoginFlow) -> None:
    notice = end_session(desk, login_flow)
    desk.page.context.clear_cookies()
    with desk.page.context.expect_page() as beside:
        notice.get_by_role("button", name="Sign in again").click()
    fill_in(beside.value, *KNOWN["reader"])
    # The page began anew: nothing waits, and it offers what a reader may do.
    expect(desk.page.locator("body")).to_have_attribute("data-role", "reader", timeout=PATIENCE_MS)
    expect(notice).to_be_hidden()
    desk.page.get_by_role("button", name="Account").click()
    expect(desk.page.get_by_role("dialog", name="Account")).to_contain_text("reader@negatoscope.example")
