"""Login: signing in, the roles, and work in progress when a session ends."""

import json
import time
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page, Request, Route, expect
from playwright.sync_api import Error as PlaywrightError

from local.stack import LocalStack
from local.users import USERS
from tests.browser import samples
from tests.browser.app_page import PATIENCE_MS, TASK, AppPage, fill_in
from tests.browser.conftest import LAPTOP
from tests.browser.stubbed_page import StubbedPage
from tests.browser.test_access import violations
from tests.images import grey_file
from tests.stack.login_flow import LoginFlow

KNOWN = {user.group: (user.name, user.password) for user in USERS}
"""Name and password of a user of each group."""
# Tokens are renewed half a minute before they expire, so these are renewed at once.
SHORT = 31


@pytest.fixture(scope="module")
def login_flow(login_stack: LocalStack) -> LoginFlow:
    return LoginFlow(login_stack)


@pytest.fixture
def app(browser: Browser, login_stack: LocalStack) -> Iterator[AppPage]:
    """A fresh page of a system with login."""
    context = browser.new_context(viewport=LAPTOP)
    opened = AppPage(context.new_page(), login_stack.url)
    yield opened
    context.close()
    assert opened.mistakes == []


@pytest.fixture(scope="module")
def result(login_flow: LoginFlow) -> str:
    """The id of a result made and reviewed by a reviewer."""
    token = login_flow.tokens("reviewer")["id_token"]
    path = f"/tasks/{TASK}/classify"
    made = login_flow.ask(token, "POST", path, grey_file(height=93), Content_Type="image/png").json
    login_flow.ask(token, "PUT", f"/results/{made['id']}/review", {"label": made["label"]})
    return str(made["id"])


def go_to(app: AppPage, place: str = "") -> None:
    """Open the page and wait for the sign-in view."""
    app.page.goto(f"{app.address}/{place}")
    expect(app.page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=PATIENCE_MS)


def sign_in(app: AppPage, group: str, place: str = "") -> None:
    """Open the page and sign in as a user of a group."""
    go_to(app, place)
    app.sign_in(*KNOWN[group])


def end_session(app: AppPage, login_flow: LoginFlow) -> Locator:
    """Sign in as a reviewer and end the session on the server; return the notice on the page."""
    app.http_errors_expected = True
    with login_flow.token_lifetime(SHORT):
        sign_in(app, "reviewer", f"#/tasks/{TASK}")
        user = {"UserPoolId": login_flow.pool, "Username": "reviewer@negatoscope.example"}
        login_flow.cognito.admin_user_global_sign_out(**user)
        notice = app.page.locator("#session-notice")
        expect(notice).to_be_visible(timeout=PATIENCE_MS)
    return notice


def remaining_lifetime(app: AppPage) -> float:
    """How long the page's token is still valid, in seconds."""
    session = json.loads(app.page.evaluate("sessionStorage.getItem('negatoscope.session')"))
    return float(session["expires_at"]) - time.time()


def keep_in_session(app: AppPage, changes: dict[str, object]) -> None:
    """Change the session that the tab keeps, which the page reads when it is loaded again."""
    app.page.evaluate(
        """(changes) => {
            const kept = JSON.parse(sessionStorage.getItem("negatoscope.session"));
            sessionStorage.setItem("negatoscope.session", JSON.stringify({ ...kept, ...changes }));
        }""",
        changes,
    )


def renewals(app: AppPage) -> list[Request]:
    """All silent token renewals."""
    return [request for request in app.requests if "grant_type=refresh_token" in (request.post_data or "")]


@pytest.mark.parametrize(("scheme", "language"), [("light", "de"), ("dark", "en")])
def test_signed_out_user_sees_only_the_login(
    app: AppPage, scheme: Literal["light", "dark"], language: str
) -> None:
    app.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    app.page.add_init_script(f"localStorage.setItem('negatoscope.language', '{language}')")
    app.page.goto(app.address)
    expect(app.page.locator("#sign-in-now")).to_be_visible(timeout=PATIENCE_MS)
    for hidden in (".viewing", "#worklist", "#task", "#account-button"):
        expect(app.page.locator(hidden)).to_be_hidden()
    asked = {request.url.partition("/api")[2] for request in app.requests if "/api/" in request.url}
    assert asked == {"/health"}
    assert violations(app) == []
    app.page.set_viewport_size({"width": 320, "height": 640})
    assert app.width_beyond_screen() <= 0


def test_reader_returns_to_the_view_and_cannot_write(app: AppPage, result: str) -> None:
    sign_in(app, "reader", f"#/results/{result}")
    app.wait_for_result()
    assert app.page.url == f"{app.address}/#/results/{result}"
    form = app.page.locator(".review-form")
    expect(form).to_contain_text("Your role (reader) does not allow")
    expect(form).to_contain_text("Confirmed")
    expect(form.get_by_role("button")).to_have_count(0)
    app.press("1", "Enter", "u", "o")
    expect(form).to_contain_text("Confirmed")
    for button in app.page.locator("[data-choose]").all():
        expect(button).to_be_hidden()
    app.drop(samples.jpeg())
    expect(app.problem.first).to_contain_text("for the reviewer role")
    assert app.posts() == [url for url in app.posts() if "/oauth2/" in url or "/login" in url]
    app.reload()  # the refusal is shown at the address of the task
    expect(app.page.get_by_role("heading", name="Open a result")).to_be_visible()
    assert violations(app) == []


def test_tokens_are_stored_for_the_tab_only(app: AppPage) -> None:
    sign_in(app, "reader")
    kept = app.page.evaluate("[JSON.stringify(localStorage), document.cookie, location.href]")
    assert "eyJ" not in "".join(kept)
    assert kept[2] in (f"{app.address}/", f"{app.address}/#/")
    app.reload()
    second = app.page.context.new_page()
    second.goto(app.address)
    expect(second.locator("#sign-in-now")).to_be_visible(timeout=PATIENCE_MS)
    # Tokens of an ended session are invalid.
    app.http_errors_expected = True
    keep_in_session(app, {"expires_at": 0, "refresh_token": "dead"})
    app.page.reload()
    expect(app.page.locator("#sign-in-now")).to_be_visible(timeout=PATIENCE_MS)
    expect(app.page.locator("#session-notice")).to_be_hidden()


def test_reviewer_classifies_reviews_and_exports(app: AppPage) -> None:
    sign_in(app, "reviewer")
    app.open()
    made = app.classify(samples.jpeg())
    app.press("Enter")
    expect(app.outcome).to_contain_text("by you")
    with app.page.expect_download() as download:
        app.page.get_by_role("link", name="Export CSV").click()
    assert download.value.suggested_filename == f"negatoscope-{TASK}.csv"
    assert made in download.value.path().read_text()
    app.page.locator('.facts a[href*="/models/"]').click()
    expect(app.sheet.locator(".document")).to_contain_text("Not for clinical use", timeout=PATIENCE_MS)


def test_sign_out_ends_the_session_in_all_tabs(app: AppPage) -> None:
    sign_in(app, "admin")
    other = AppPage(app.page.context.new_page(), app.address)
    go_to(other)
    other.page.get_by_role("button", name="Sign in", exact=True).click()
    # The login page still has its own session.
    other.wait_for_view()
    app.page.get_by_role("button", name="Account").click()
    account = app.page.get_by_role("dialog", name="Account")
    expect(account).to_contain_text("admin@negatoscope.example")
    expect(account).to_contain_text("manages models and retraining")
    assert violations(app) == []
    account.get_by_role("button", name="Sign out").click()
    for page in (app.page, other.page):
        expect(page.locator("#sign-in-now")).to_be_visible(timeout=PATIENCE_MS)
        assert page.evaluate("sessionStorage.getItem('negatoscope.session')") is None
    app.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(app.page.get_by_label("Password")).to_be_visible()


def test_tokens_are_renewed_silently(app: AppPage, login_flow: LoginFlow) -> None:
    app.http_errors_expected = True
    with login_flow.token_lifetime(SHORT):
        sign_in(app, "reviewer")
        app.open()
        # The token is no longer valid long enough for the next request.
        app.wait_until(lambda: renewals(app) or remaining_lifetime(app) < SHORT - 1)
        app.classify(samples.jpeg())
        assert renewals(app)
    # The next renewal brings a token with the usual lifetime. Only then does the 401 alone cause a renewal.
    app.wait_until(lambda: not 30 <= remaining_lifetime(app) <= 60)
    app.reload()
    app.wait_for_result()
    app.wait_until(lambda: remaining_lifetime(app) > 60)
    # Also if only the API knows that a token is invalid.
    before = len(renewals(app))
    keep_in_session(app, {"id_token": "invalid"})
    app.reload()
    app.wait_for_result()
    app.press("Enter")
    expect(app.outcome).to_contain_text("by you")
    assert len(renewals(app)) == before + 1
    expect(app.page.locator("#session-notice")).to_be_hidden()


def test_reload_during_token_renewal_keeps_the_session(app: AppPage) -> None:
    app.http_errors_expected = True
    lost: list[int] = []

    def lose(route: Route) -> None:
        lost.append(route.fetch().status)
        route.abort()

    sign_in(app, "reviewer")
    keep_in_session(app, {"expires_at": 0})
    # The pool issues new tokens, but the page that requested them is gone.
    with app.page.expect_event("requestfailed", lambda request: request.url.endswith("/oauth2/token")):
        app.intercept("**/oauth2/token", lose, once=True)
        app.page.reload()
    app.reload()
    assert lost == [200]


def test_expired_session_keeps_uploads_in_progress(app: AppPage, login_flow: LoginFlow) -> None:
    notice = end_session(app, login_flow)
    image = samples.jpeg()["buffer"]
    # Bytes after the end of the image make three different files.
    contents = [image + bytes([index]) for index in range(3)]
    app.drop(*(FilePayload(name="a.jpg", mimeType="image/jpeg", buffer=content) for content in contents))
    expect(app.page.locator("#queue-summary")).to_contain_text("0 of 3 done")
    assert violations(app) == []
    with app.page.context.expect_page() as beside:
        notice.get_by_role("button", name="Sign in again").click()
    expect(notice).to_be_hidden(timeout=PATIENCE_MS)
    app.wait_for_queue()
    expect(app.page.locator("#queue-summary")).to_have_text("3 of 3 done")
    app.wait_until(lambda: is_done(beside.value))


def is_done(tab: Page) -> bool:
    """Whether a tab in which the user signed in for another one has closed, or says that it may be closed."""
    try:
        return tab.is_closed() or "You are signed in" in tab.inner_text("main", timeout=1_000)
    except PlaywrightError:
        # It is being closed or loaded.
        return False


def test_sign_in_as_another_user_drops_pending_work(app: AppPage, login_flow: LoginFlow) -> None:
    notice = end_session(app, login_flow)
    app.page.context.clear_cookies()
    with app.page.context.expect_page() as beside:
        notice.get_by_role("button", name="Sign in again").click()
    fill_in(beside.value, *KNOWN["reader"])
    # The page has reloaded: nothing waits, and it shows the permissions of a reader.
    expect(app.page.locator("body")).to_have_attribute("data-role", "reader", timeout=PATIENCE_MS)
    expect(notice).to_be_hidden()
    app.page.get_by_role("button", name="Account").click()
    expect(app.page.get_by_role("dialog", name="Account")).to_contain_text("reader@negatoscope.example")


def test_notice_of_an_ended_session_is_seen_over_the_full_screen(stub: StubbedPage) -> None:
    stub.open()
    result_id = stub.run('return server.arrive("mammography-views").id;')
    stub.app.row(result_id).get_by_role("link").click()
    stub.app.wait_for_view(f"#/results/{result_id}")
    seen = """
        const notice = document.querySelector("#session-notice");
        notice.hidden = false;
        const { left, top, width, height } = notice.getBoundingClientRect();
        return notice.contains(document.elementFromPoint(left + width / 2, top + height / 2));
    """
    assert stub.run(seen)
    stub.run('document.querySelector("#light-box").classList.add("full");')
    assert stub.run(seen)
