"""Reviews: confirming, correcting and undoing by keys."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser import samples
from tests.browser.app_page import AppPage
from tests.browser.stubbed_page import StubbedPage
from tests.browser.test_access import violations
from tests.browser.test_many_uploads import LEAVE
from tests.browser.test_worklist import send

REVIEW = re.compile(r"/review\?")


def saved(app: AppPage, result_id: str) -> Any:
    """The review stored on the server."""
    return app.page.request.get(f"{app.address}/api/results/{result_id}").json()["review"]


def begin_at(app: AppPage, result_id: str, *, advance: bool) -> None:
    """Open a result of the worklist, ready for keys."""
    app.open()
    app.row(result_id).get_by_role("link").click()
    app.wait_for_result(result_id)
    app.page.get_by_label("Then open the next unreviewed image").set_checked(advance)
    app.heading.focus()


def other_class(app: AppPage) -> int:
    """The number of a class other than the predicted one."""
    pressed = app.page.locator(".class-buttons button")
    names = [pressed.nth(index).inner_text() for index in range(pressed.count())]
    return 1 + next(index for index, name in enumerate(names) if "Confirm" not in name)


def test_enter_confirms_and_u_undoes(app: AppPage) -> None:
    app.open()
    result_id = app.classify(samples.jpeg())
    expect(app.outcome).to_have_text("Not reviewed yet.")
    app.press("Enter")
    expect(app.outcome).to_contain_text("Confirmed")
    expect(app.outcome).to_contain_text("on this installation")
    expect(app.row(result_id)).to_contain_text("Confirmed")
    label = app.page.request.get(f"{app.address}/api/results/{result_id}").json()["label"]
    assert saved(app, result_id)["label"] == label

    app.press("u")
    expect(app.outcome).to_have_text("Not reviewed yet.")
    expect(app.row(result_id)).not_to_contain_text("Confirmed")
    assert saved(app, result_id) is None


def test_digit_corrects_and_undo_restores_the_previous_review(app: AppPage) -> None:
    app.open()
    result_id = app.classify(samples.jpeg())
    app.press("Enter")
    expect(app.outcome).to_contain_text("Confirmed")
    confirmed = saved(app, result_id)["label"]

    app.press("c")
    app.page.keyboard.type("1 marker says otherwise")
    assert saved(app, result_id)["label"] == confirmed, "a digit in a comment is no review"
    number = other_class(app)
    button = app.page.locator(".class-buttons button").nth(number - 1)
    app.heading.focus()
    app.press(str(number))
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(app.outcome).to_contain_text("Corrected to")
    expect(app.row(result_id)).to_contain_text("Corrected")
    corrected = saved(app, result_id)
    assert corrected["label"] != confirmed
    assert corrected["comment"] == "1 marker says otherwise"

    app.press("u")
    expect(app.outcome).to_contain_text("Confirmed")
    assert saved(app, result_id)["label"] == confirmed
    app.press("u")
    expect(app.outcome).to_have_text("Not reviewed yet.")


def test_comment_can_be_added_later(app: AppPage) -> None:
    app.open()
    result_id = app.classify(samples.jpeg())
    app.page.get_by_role("button", name="Confirm:").click()
    expect(app.outcome).to_contain_text("Confirmed")
    app.page.get_by_label("Comment").fill("Good position.")
    app.page.get_by_role("button", name="Save comment").click()
    expect(app.page.get_by_role("button", name="Save comment")).to_be_hidden()
    assert saved(app, result_id)["comment"] == "Good position."


def test_typed_comment_survives_another_language_and_another_image(app: AppPage) -> None:
    second, third = (send(app.page.request, app.address) for _ in range(2))
    begin_at(app, third, advance=False)
    app.page.get_by_label("Comment").fill("Half a sent")

    app.choose_language("Deutsch")
    expect(app.page.get_by_label("Kommentar")).to_have_value("Half a sent")
    app.choose_language("English")
    app.row(second).get_by_role("link").click()
    app.wait_for_result(second)
    expect(app.page.get_by_label("Comment")).to_have_value("")
    app.row(third).get_by_role("link").click()
    app.wait_for_result(third)
    expect(app.page.get_by_label("Comment")).to_have_value("Half a sent")

    app.page.get_by_role("button", name="Confirm:").click()
    expect(app.outcome).to_contain_text("Confirmed")
    assert saved(app, third)["comment"] == "Half a sent"
    app.open()
    app.row(third).get_by_role("link").click()
    app.wait_for_result(third)
    expect(app.page.get_by_label("Comment")).to_have_value("Half a sent")


def test_failed_review_is_reported_and_keeps_the_comment(app: AppPage) -> None:
    app.http_errors_expected = True
    app.open()
    app.classify(samples.jpeg())
    app.page.get_by_label("Comment").fill("Typed.")
    app.intercept(REVIEW, lambda route: route.abort())
    app.page.get_by_role("button", name="Confirm:").click()
    expect(app.outcome).to_contain_text("The review was not saved.")
    expect(toast(app)).to_contain_text("The review was not saved.")
    expect(toast(app)).to_be_in_viewport()
    expect(app.page.get_by_label("Comment")).to_have_value("Typed.")
    app.page.unroute(REVIEW)
    app.page.get_by_role("button", name="Confirm:").click()
    expect(app.outcome).to_contain_text("Confirmed")


def test_worklist_is_reviewed_by_keys_with_progress(app: AppPage) -> None:
    first, second, third = (send(app.page.request, app.address) for _ in range(3))
    begin_at(app, third, advance=True)
    before = app.page.locator("#reviewed").inner_text()
    app.press("Enter")
    app.wait_for_result(second)
    expect(app.heading).to_be_focused()
    app.press("Enter")
    app.wait_for_result(first)
    expect(app.page.locator("#reviewed")).not_to_have_text(before)
    reviewed, total = (int(word) for word in before.split(",")[0].split() if word.isdigit())
    expect(app.page.locator("#reviewed")).to_contain_text(f"{reviewed + 2} of {total} reviewed")
    app.press("k")
    app.wait_for_result(second)
    expect(app.outcome).to_contain_text("Confirmed")
    app.press("j")
    app.wait_for_result(first)


def test_held_enter_confirms_no_image_that_appears_meanwhile(app: AppPage) -> None:
    second, third = (send(app.page.request, app.address) for _ in range(2))
    begin_at(app, third, advance=True)

    app.page.keyboard.down("Enter")
    app.wait_for_result(second)
    expect(app.heading).to_be_focused()
    for _ in range(5):
        app.page.keyboard.down("Enter")  # as a key that is held repeats
    app.page.keyboard.up("Enter")
    app.press("c")
    expect(app.page.locator("#review-comment")).to_be_focused()

    expect(app.outcome).to_have_text("Not reviewed yet.")
    expect(app.page.locator(".review-form")).not_to_have_attribute("aria-busy", "true")
    assert saved(app, second) is None
    assert saved(app, third) is not None


def test_key_after_a_step_applies_to_the_next_image(app: AppPage) -> None:
    second, third = (send(app.page.request, app.address) for _ in range(2))
    begin_at(app, third, advance=False)
    # Faster than any person.
    app.page.evaluate(
        """() => ["j", "Enter"].forEach((key) =>
            document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })))"""
    )
    app.wait_for_result(second)
    expect(app.outcome).to_have_text("Not reviewed yet.")
    assert saved(app, third) is None


def test_saved_review_does_not_move_on_after_navigation(app: AppPage) -> None:
    _, second, third = (send(app.page.request, app.address) for _ in range(3))
    begin_at(app, third, advance=True)
    held: list[Route] = []
    app.intercept(REVIEW, lambda route: held.append(route))
    with app.page.expect_request(REVIEW):
        app.press("Enter")
    app.press("j")
    app.wait_for_result(second)
    app.wait_until(lambda: held)
    held[0].continue_()
    expect(app.row(third)).to_contain_text("Confirmed")
    expect(app.page).to_have_url(f"{app.address}/#/results/{second}")
    expect(app.outcome).to_have_text("Not reviewed yet.")


def test_keys_pressed_while_a_review_is_being_saved_are_applied_after_it(app: AppPage) -> None:
    app.open()
    result_id = app.classify(samples.jpeg())
    number = other_class(app)
    held: list[Route] = []
    app.intercept(REVIEW, lambda route: held.append(route), once=True)
    app.press("Enter", "Enter", str(number), "b")
    # What does not change the review does not wait for it.
    expect(app.page.locator("#compare")).to_have_attribute("aria-pressed", "true")
    app.wait_until(lambda: held)
    held[0].continue_()
    expect(app.outcome).to_contain_text("Corrected to")
    expect(app.page.locator(".review-form")).to_have_attribute("aria-busy", "false")
    changes = [request for request in app.requests if request.method == "PUT"]
    assert len(changes) == 2, "the second Enter changes nothing"

    app.intercept(REVIEW, lambda route: held.append(route), once=True)
    app.press("u", "u")
    app.wait_until(lambda: len(held) == 2)
    held[1].continue_()
    expect(app.outcome).to_have_text("Not reviewed yet.")
    assert saved(app, result_id) is None


def test_keys_for_the_view_apply_to_the_image_that_is_being_opened(app: AppPage) -> None:
    app.open()
    result_id = app.classify(samples.jpeg())
    app.open()
    held: list[Route] = []
    app.intercept(f"**/results/{result_id}", lambda route: held.append(route), once=True)
    app.row(result_id).get_by_role("link").click()
    app.wait_until(lambda: held)
    app.heading.focus()
    # A review needs an image that has been seen.
    app.press("b", "i", "Enter")
    expect(toast(app)).to_have_text("Not reviewed: the next image is not open yet.")
    held[0].continue_()
    app.wait_for_result(result_id)
    expect(app.page.locator("#compare")).to_have_attribute("aria-pressed", "true")
    expect(app.page.locator("#invert")).to_have_attribute("aria-pressed", "true")
    expect(app.outcome).to_have_text("Not reviewed yet.")
    assert saved(app, result_id) is None


def test_keys_for_the_view_apply_to_the_image_that_is_being_classified(app: AppPage) -> None:
    app.open()
    held: list[Route] = []
    app.intercept("**/classify", lambda route: held.append(route), once=True)
    app.pick(samples.jpeg())
    app.wait_until(lambda: held)
    app.press("b")
    held[0].continue_()
    app.wait_for_result()
    expect(app.page.locator("#compare")).to_have_attribute("aria-pressed", "true")


def test_single_key_shortcuts_can_be_turned_off(app: AppPage) -> None:
    app.open()
    result_id = app.classify(samples.jpeg())
    app.press("?")
    app.page.get_by_role("checkbox", name="Enable single-key shortcuts").uncheck()
    app.page.get_by_role("dialog", name="Keyboard shortcuts").get_by_role("button", name="Close").click()
    expect(app.page.locator("dialog[open]")).to_have_count(0)
    app.heading.focus()
    app.press("Enter", "1", "?")
    expect(app.page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()
    assert saved(app, result_id) is None


def toast(app: AppPage) -> Locator:
    return app.page.locator("#toast")


def review_elsewhere(app: AppPage, result_id: str, number: int, comment: str = "Seen by another.") -> str:
    """Review an image as another person would, with the class of a button; returns the class."""
    url = f"{app.address}/api/results/{result_id}"
    name = str(list(app.page.request.get(url).json()["probabilities"])[number - 1])
    answer = app.page.request.put(f"{url}/review", data={"label": name, "comment": comment})
    assert answer.ok
    return name


def labels(app: AppPage, result_id: str) -> list[str]:
    """The classes of all readings of an image."""
    result = app.page.request.get(f"{app.address}/api/results/{result_id}").json()
    return [reading["label"] for reading in result["readings"]]


def open_with_news_held_back(app: AppPage) -> str:
    """Classify an image; the page gets no news of it from the list."""
    app.http_errors_expected = True
    app.open()
    result_id = app.classify(samples.jpeg())
    app.intercept(re.compile(r"/api/results\?"), lambda route: route.abort())
    return result_id


def resolve_conflict(app: AppPage, choice: str) -> None:
    conflict = app.page.get_by_role("group", name="Not saved")
    conflict.get_by_role("button", name=choice).click()
    expect(conflict).to_be_hidden()


def test_review_of_another_person_is_never_replaced_unseen(app: AppPage) -> None:
    result_id = open_with_news_held_back(app)
    number = other_class(app)
    theirs = review_elsewhere(app, result_id, number)
    app.page.get_by_label("Comment").fill("Mine.")
    app.heading.focus()
    app.press("Enter")
    conflict = app.page.get_by_role("group", name="Not saved")
    expect(conflict).to_contain_text("Seen by another.")
    expect(conflict).to_be_in_viewport()
    expect(conflict).to_be_focused()
    assert saved(app, result_id)["label"] == theirs
    assert violations(app) == []

    resolve_conflict(app, "Keep that review")
    expect(app.outcome).to_contain_text("Corrected to")
    assert saved(app, result_id)["label"] == theirs
    assert labels(app, result_id) == [theirs]


def test_review_of_another_person_can_be_replaced_and_restored(app: AppPage) -> None:
    result_id = open_with_news_held_back(app)
    theirs = review_elsewhere(app, result_id, other_class(app))
    app.press("Enter")
    resolve_conflict(app, "Replace it with mine")
    expect(app.outcome).to_contain_text("Confirmed")
    mine = saved(app, result_id)["label"]
    assert labels(app, result_id) == [theirs, mine]
    app.page.get_by_text("All readings (2)").click()
    expect(app.page.locator(".readings li")).to_have_count(2)
    expect(app.page.locator(".readings")).to_contain_text("Seen by another.")

    app.press("u")
    expect(app.outcome).to_contain_text("Corrected to")
    restored = saved(app, result_id)
    assert (restored["label"], restored["comment"]) == (theirs, "Seen by another.")


def test_reading_can_be_added_to_the_review_of_another_person(app: AppPage) -> None:
    result_id = open_with_news_held_back(app)
    theirs = review_elsewhere(app, result_id, other_class(app))
    app.press("Enter")
    resolve_conflict(app, "Add mine as another reading")
    expect(toast(app)).to_contain_text("Saved as another reading.")
    assert saved(app, result_id)["label"] == theirs
    assert len(labels(app, result_id)) == 2


def test_undo_keeps_the_review_that_another_person_has_made_since(app: AppPage) -> None:
    result_id = open_with_news_held_back(app)
    app.press("Enter")
    expect(app.outcome).to_contain_text("Confirmed")
    theirs = review_elsewhere(app, result_id, other_class(app))
    app.press("u")
    expect(toast(app)).to_contain_text("Not undone: the review has changed since.")
    expect(app.outcome).to_contain_text("Corrected to")
    assert saved(app, result_id)["label"] == theirs


def test_keys_that_wait_behind_another_persons_review_change_nothing(app: AppPage) -> None:
    result_id = open_with_news_held_back(app)
    first, last = other_class(app), 5
    held: list[Route] = []
    app.intercept(REVIEW, held.append, once=True)
    app.press(str(first), str(last))
    app.wait_until(lambda: held)
    assert app.page.evaluate("!dispatchEvent(new Event('beforeunload', { cancelable: true }))"), "no warning"
    theirs = review_elsewhere(app, result_id, first + 1)
    held[0].continue_()
    conflict = app.page.get_by_role("group", name="Not saved")
    expect(conflict).to_contain_text(re.compile(r"Yours: Not a mammogram"))
    expect(app.page.locator(".review-form")).to_have_attribute("aria-busy", "false")
    assert labels(app, result_id) == [theirs]
    assert app.page.evaluate("dispatchEvent(new Event('beforeunload', { cancelable: true }))"), "a warning"


def test_failed_review_names_the_image_that_was_left(app: AppPage) -> None:
    app.http_errors_expected = True
    second, third = (send(app.page.request, app.address) for _ in range(2))
    begin_at(app, third, advance=False)
    app.intercept(re.compile(r"/api/results\?"), lambda route: route.abort())
    review_elsewhere(app, second, other_class(app))
    held: list[Route] = []
    app.intercept(REVIEW, held.append, once=True)
    app.press("Enter", "j")
    app.wait_for_result(second)
    expect(app.row(second)).to_contain_text("Corrected")
    held[0].abort()
    expect(toast(app)).to_contain_text(f"{third}: The review was not saved.")


@pytest.mark.parametrize("shown", ["Not reviewed", "Could not be read"])
def test_open_image_shows_the_review_that_another_person_makes(app: AppPage, shown: str) -> None:
    app.open()
    app.page.get_by_label("Show", exact=True).select_option(shown)
    listed = [app.classify(samples.jpeg()) for _ in range(2)]
    for result_id in listed:
        review_elsewhere(app, result_id, other_class(app))
    expect(app.outcome).to_contain_text("Corrected to")
    expect(toast(app)).to_contain_text("The review was changed elsewhere.")
    if shown == "Not reviewed":
        for result_id in listed:
            expect(app.row(result_id)).to_contain_text("Corrected")


def test_last_review_is_undone_from_the_next_image(app: AppPage) -> None:
    second, third = (send(app.page.request, app.address) for _ in range(2))
    begin_at(app, third, advance=True)
    app.press("Enter")
    app.wait_for_result(second)
    assert saved(app, third)
    app.press("u")
    app.wait_for_result(third)
    expect(toast(app)).to_contain_text("Review undone.")
    expect(app.outcome).to_have_text("Not reviewed yet.")
    assert saved(app, third) is None
    expect(app.row(third)).not_to_contain_text("Confirmed")


_TWO_CHANGES = """
    const { lastChangeOf, recordChange, undoLast } = await import("/modules/reviewchanges.js");
    const [first, second] = [1, 2].map((second) => {
        const reviewed_at = `2026-01-01T00:00:0${second}Z`;
        const review = { label: "left-cc", comment: null, reviewed_at, reviewer: "test" };
        return Object.assign(server.arrive("mammography-views"), { review });
    });
    for (const result of [first, second]) recordChange(result, null);
    const ask = window.fetch;
    /** Withdraws a review once. */
    window.fetch = async (address, options) => {
        if (!address.includes("/review?")) return ask(address, options);
        const result = server.results.get(address.split("/")[3]);
        await new Promise(requestAnimationFrame);
        const problem = { code: "ReviewChanged", message: "There is another review." };
        if (!result.review) return Response.json(problem, { status: 409 });
        result.review = null;
        return Response.json(result);
    };
"""


def test_two_quick_undos_undo_two_reviews(stub: StubbedPage) -> None:
    stub.open()
    reviews = stub.run(
        _TWO_CHANGES
        + """
        await Promise.all([undoLast(null, () => {}), undoLast(null, () => {})]);
        return [first.review, second.review];
        """
    )
    assert reviews == [None, None]


def test_undo_does_not_leave_the_image_that_was_opened_meanwhile(stub: StubbedPage) -> None:
    stub.open()
    other, hash_ = stub.run(
        _TWO_CHANGES
        + """
        const { navigate, resultAddress } = await import("/modules/router.js");
        const undone = undoLast(null, () => {});
        await new Promise((done) => setTimeout(done));
        navigate(resultAddress(first.id));
        await undone;
        return [resultAddress(first.id), location.hash];
        """
    )
    assert hash_ == other


def test_change_that_is_undone_twice_leaves_the_others(stub: StubbedPage) -> None:
    stub.open()
    known = stub.run(
        _TWO_CHANGES
        + """
        const { rowActions } = await import("/modules/rowactions.js");
        const [confirm] = await rowActions();
        const changed = structuredClone(second);
        await Promise.allSettled([confirm.undo(changed), confirm.undo(changed)]);
        return Boolean(lastChangeOf(first));
        """
    )
    assert known


def test_saves_and_ends_of_the_list_are_seen(app: AppPage) -> None:
    newest = send(app.page.request, app.address)
    begin_at(app, newest, advance=False)
    app.press("k")
    expect(toast(app)).to_have_text("This is the first result in the list.")
    app.press("Enter")
    expect(toast(app)).to_contain_text("Saved. Confirmed")
    expect(toast(app)).to_be_in_viewport()
    expect(toast(app)).to_be_hidden()


def test_page_warns_before_a_typed_comment_is_lost(stub: StubbedPage) -> None:
    stub.open()
    result_id = stub.run(
        """
        const result = server.arrive("mammography-views");
        const reviewed_at = result.created_at;
        result.review = { label: "left-cc", comment: "Saved.", reviewed_at, reviewer: "test" };
        return result.id;
        """
    )
    stub.app.row(result_id).get_by_role("link").click()
    stub.app.wait_for_view(f"#/results/{result_id}")
    comment = stub.page.get_by_label("Comment")
    for words in ("Saved. And more", ""):
        comment.fill(words)
        assert not stub.run(LEAVE)
        comment.fill("Saved.")
        assert stub.run(LEAVE)
