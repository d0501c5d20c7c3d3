"""Selecting rows of the worklist, and confirming them together."""

from http import HTTPStatus

from playwright.sync_api import Locator, Route, expect

from tests.browser.app_page import AppPage
from tests.browser.test_worklist import send


def review_of(app: AppPage, result_id: str) -> object:
    """The review that the server has."""
    return app.page.request.get(f"{app.address}/api/results/{result_id}").json()["review"]


def box(app: AppPage, result_id: str) -> Locator:
    return app.row(result_id).get_by_role("checkbox")


def select(app: AppPage, count: int) -> list[str]:
    """Begin selecting in a list of new results, newest first; return their ids."""
    ids = [send(app.page.request, app.address) for _ in range(count)][::-1]
    app.open()
    expect(app.row(ids[-1])).to_be_visible()
    app.page.get_by_role("button", name="Select", exact=True).click()
    return ids


def test_selected_results_are_confirmed_and_undone_together(app: AppPage) -> None:
    ids = select(app, 3)
    group = app.page.get_by_role("group", name="Selected results")
    box(app, ids[0]).focus()
    app.press("Space", "ArrowDown", "ArrowDown")
    expect(box(app, ids[2])).to_be_focused()
    expect(box(app, ids[2])).not_to_be_checked()
    box(app, ids[2]).click(modifiers=["Shift"])
    expect(group).to_contain_text("3 selected")
    expect(box(app, ids[1])).to_be_checked()

    group.get_by_role("button", name="Confirm 3").click()
    expect(app.page.locator("#toast")).to_have_text("Confirmed: 3.")
    for result_id in ids:
        expect(app.row(result_id)).to_contain_text("Confirmed")
        assert review_of(app, result_id)

    undo = group.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    undo.click()
    expect(app.page.locator("#toast")).to_have_text("Undone: 3.")
    assert [review_of(app, result_id) for result_id in ids] == [None] * 3


def test_shortcut_undoes_all_that_were_confirmed_together(app: AppPage) -> None:
    ids = select(app, 2)
    for result_id in ids:
        box(app, result_id).check()
    app.page.get_by_role("button", name="Confirm 2").click()
    expect(app.page.locator("#toast")).to_have_text("Confirmed: 2.")
    app.press("Escape")
    expect(box(app, ids[0])).to_have_count(0)
    app.press("u")
    expect(app.page.locator("#toast")).to_have_text("Undone: 2.")
    assert [review_of(app, result_id) for result_id in ids] == [None] * 2


def test_results_that_could_not_be_confirmed_are_counted(app: AppPage) -> None:
    ids = select(app, 3)

    def refuse(status: HTTPStatus, code: str, message: str) -> object:
        body = {"code": code, "message": message, "request_id": "1"}
        return lambda route: route.fulfill(status=status, json=body)

    answers = {
        ids[0]: refuse(HTTPStatus.CONFLICT, "ReviewChanged", "Another review."),
        ids[1]: refuse(HTTPStatus.SERVICE_UNAVAILABLE, "Overloaded", "Try again later."),
    }

    def answer(route: Route) -> None:
        handler = answers.get(route.request.url.split("/")[-2])
        handler(route) if callable(handler) else route.fallback()

    app.http_errors_expected = True
    app.intercept("**/review?*", answer)
    for result_id in ids:
        box(app, result_id).check()
    app.page.get_by_role("button", name="Confirm 3").click()
    toast = app.page.locator("#toast")
    expect(toast).to_contain_text("Confirmed: 1. Changed by others meanwhile, and left as they are: 1.")
    expect(toast).to_contain_text("Failed, and still selected: 1. Try again later.")
    expect(app.page.get_by_role("button", name="Confirm 1")).to_be_visible()
    expect(box(app, ids[1])).to_be_checked()
    assert [review_of(app, result_id) is None for result_id in ids] == [True, True, False]
