"""A person's reading: confirmed or corrected by one key, taken back by another."""

from typing import Any

from playwright.sync_api import Route, expect

from tests.browser import samples
from tests.browser.desk import Desk
from tests.browser.test_worklist import send


def saved(desk: Desk, result_id: str) -> Any:
    """The review as the server has it."""
    return desk.page.request.get(f"{desk.address}/api/results/{result_id}").json()["review"]


def begin_at(desk: Desk, result_id: str, *, advance: bool) -> None:
    """Open a result of the worklist, ready for keys."""
    desk.open()
    desk.row(result_id).get_by_role("link").click()
    desk.wait_for_reading()
    desk.page.get_by_label("Then open the next one").set_checked(advance)
    desk.heading.focus()


def other_class(desk: Desk) -> int:
    """The number of a class that is not the model's answer."""
    pressed = desk.page.locator(".class-buttons button")
    names = [pressed.nth(index).inner_text() for index in range(pressed.count())]
    return 1 + next(index for index, name in enumerate(names) if "Confirm" not in name)


def test_enter_confirms_and_u_takes_it_back(desk: Desk) -> None:
    desk.open()
    result_id = desk.classify(samples.jpeg())
    expect(desk.outcome).to_have_text("Not reviewed yet.")
    desk.press("Enter")
    expect(desk.outcome).to_contain_text("Confirmed")
    expect(desk.outcome).to_contain_text("on this installation")
    expect(desk.row(result_id)).to_contain_text("Confirmed")
    label = desk.page.request.get(f"{desk.address}/api/results/{result_id}").json()["label"]
    assert saved(desk, result_id)["label"] == label

    desk.press("u")
    expect(desk.outcome).to_have_text("Not reviewed yet.")
    expect(desk.row(result_id)).not_to_contain_text("Confirmed")
    assert saved(desk, result_id) is None


def test_digit_corrects_with_its_comment_and_undo_returns_to_the_review_before(desk: Desk) -> None:
    desk.open()
    result_id = desk.classify(samples.jpeg())
    desk.press("Enter")
    expect(desk.outcome).to_contain_text("Confirmed")
    confirmed = saved(desk, result_id)["label"]

    desk.press("c")
    desk.page.keyboard.type("1 marker says otherwise")
    assert saved(desk, result_id)["label"] == confirmed, "a digit in a comment is no review"
    number = other_class(desk)
    button = desk.page.locator(".class-buttons button").nth(number - 1)
    desk.heading.focus()
    desk.press(str(number))
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(desk.outcome).to_contain_text("Corrected to")
    expect(desk.row(result_id)).to_contain_text("Corrected")
    corrected = saved(desk, result_id)
    assert corrected["label"] != confirmed
    assert corrected["comment"] == "1 marker says otherwise"

    desk.press("u")
    expect(desk.outcome).to_contain_text("Confirmed")
    assert saved(desk, result_id)["label"] == confirmed
    desk.press("u")
    expect(desk.outcome).to_have_text("Not reviewed yet.")


def test_comment_can_be_added_later(desk: Desk) -> None:
    desk.open()
    result_id = desk.classify(samples.jpeg())
    desk.page.get_by_role("button", name="Confirm:").click()
    expect(desk.outcome).to_contain_text("Confirmed")
    desk.page.get_by_label("Comment").fill("Good position.")
    desk.page.get_by_role("button", name="Save comment").click()
    expect(desk.page.get_by_role("button", name="Save comment")).to_be_hidden()
    assert saved(desk, result_id)["comment"] == "Good position."


def test_failed_review_says_so_and_keeps_what_was_typed(desk: Desk) -> None:
    desk.http_errors_expected = True
    desk.open()
    desk.classify(samples.jpeg())
    desk.page.get_by_label("Comment").fill("Typed.")
    desk.page.route("**/review", lambda route: route.abort())
    desk.page.get_by_role("button", name="Confirm:").click()
    expect(desk.outcome).to_contain_text("The review was not saved.")
    expect(desk.page.get_by_label("Comment")).to_have_value("Typed.")
    desk.page.unroute("**/review")
    desk.page.get_by_role("button", name="Confirm:").click()
    expect(desk.outcome).to_contain_text("Confirmed")


def test_list_is_worked_through_by_keys_with_progress(desk: Desk) -> None:
    first, second, third = (send(desk.page.request, desk.address) for _ in range(3))
    begin_at(desk, third, advance=True)
    before = desk.page.locator("#reviewed").inner_text()
    desk.press("Enter")
    expect(desk.page).to_have_url(f"{desk.address}/#/results/{second}")
    desk.wait_for_reading()
    expect(desk.heading).to_be_focused()
    desk.press("Enter")
    expect(desk.page).to_have_url(f"{desk.address}/#/results/{first}")
    expect(desk.page.locator("#reviewed")).not_to_have_text(before)
    reviewed, total = (int(word) for word in before.split(",")[0].split() if word.isdigit())
    expect(desk.page.locator("#reviewed")).to_contain_text(f"{reviewed + 2} of {total} reviewed")
    desk.wait_for_reading()
    desk.press("k")
    expect(desk.page).to_have_url(f"{desk.address}/#/results/{second}")
    expect(desk.outcome).to_contain_text("Confirmed")
    desk.press("j")
    expect(desk.page).to_have_url(f"{desk.address}/#/results/{first}")
    desk.page.evaluate("localStorage.clear()")


def test_a_key_after_a_step_is_meant_for_the_next_image(desk: Desk) -> None:
    second, third = (send(desk.page.request, desk.address) for _ in range(2))
    begin_at(desk, third, advance=False)
    # Quicker than any hand.
    desk.page.evaluate(
        """() => ["j", "Enter"].forEach((key) =>
            document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })))"""
    )
    expect(desk.page).to_have_url(f"{desk.address}/#/results/{second}")
    desk.wait_for_reading()
    expect(desk.outcome).to_have_text("Not reviewed yet.")
    assert saved(desk, third) is None


def test_whoever_goes_on_while_a_review_is_saved_stays_there(desk: Desk) -> None:
    _, second, third = (send(desk.page.request, desk.address) for _ in range(3))
    begin_at(desk, third, advance=True)
    held: list[Route] = []
    desk.page.route("**/review", lambda route: held.append(route))
    with desk.page.expect_request("**/review"):
        desk.press("Enter")
    desk.press("j")
    expect(desk.page).to_have_url(f"{desk.address}/#/results/{second}")
    desk.wait_for_reading()
    held[0].continue_()
    expect(desk.row(third)).to_contain_text("Confirmed")
    expect(desk.page).to_have_url(f"{desk.address}/#/results/{second}")
    expect(desk.outcome).to_have_text("Not reviewed yet.")
    desk.page.evaluate("localStorage.clear()")


def test_single_keys_can_be_switched_off(desk: Desk) -> None:
    desk.open()
    result_id = desk.classify(samples.jpeg())
    desk.press("?")
    desk.page.get_by_role("checkbox", name="Single keys").uncheck()
    desk.page.get_by_role("dialog", name="Keys").get_by_role("button", name="Close").click()
    desk.heading.focus()
    desk.press("Enter", "1", "?")
    expect(desk.page.get_by_role("dialog", name="Keys")).to_be_hidden()
    assert saved(desk, result_id) is None
