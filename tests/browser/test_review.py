"""Reviews: confirming, correcting and undoing by keys."""

from typing import Any

from playwright.sync_api import Route, expect

from tests.browser import samples
from tests.browser.app_page import AppPage
from tests.browser.test_worklist import send


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
    app.intercept("**/review", lambda route: route.abort())
    app.page.get_by_role("button", name="Confirm:").click()
    expect(app.outcome).to_contain_text("The review was not saved.")
    expect(app.page.get_by_label("Comment")).to_have_value("Typed.")
    app.page.unroute("**/review")
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
    app.intercept("**/review", lambda route: held.append(route))
    with app.page.expect_request("**/review"):
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
    app.intercept("**/review", lambda route: held.append(route), once=True)
    app.press("Enter", "Enter", str(number), "b")
    # What does not change the review does not wait for it.
    expect(app.page.locator("#compare")).to_have_attribute("aria-pressed", "true")
    app.wait_until(lambda: held)
    held[0].continue_()
    expect(app.outcome).to_contain_text("Corrected to")
    expect(app.page.locator(".review-form")).to_have_attribute("aria-busy", "false")
    changes = [request for request in app.requests if request.method == "PUT"]
    assert len(changes) == 2, "the second Enter changes nothing"

    app.intercept("**/review", lambda route: held.append(route), once=True)
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
