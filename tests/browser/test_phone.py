"""On a phone, everything is on the screen without sideways scrolling, and the answer is beside the image."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.app_page import AppPage
from tests.browser.test_access import violations
from tests.browser.test_people import classify

TASK = "breast-ultrasound"


def top(part: Locator) -> float:
    box = part.bounding_box()
    assert box
    return box["y"]


@pytest.mark.parametrize("width", [320, 400])
def test_answer_is_beside_the_image_and_above_the_hint(app: AppPage, width: int) -> None:
    app.page.set_viewport_size({"width": width, "height": 700})
    app.open(f"#/tasks/{TASK}/example")
    brief = app.page.locator("#brief")
    expect(brief).to_have_text(f"{app.heading.inner_text()} · {app.probability.inner_text()} · Needs review")
    expect(brief).to_be_in_viewport(ratio=1)
    assert top(brief) < top(app.page.locator("#light-box-tools"))
    app.page.locator("header button[popovertarget=settings]").click()
    app.page.locator("#show-hints").click()
    hint = app.page.locator(".hints")
    expect(hint).to_be_visible()
    assert top(app.page.locator("#result .verdict")) < top(hint)
    app.page.set_viewport_size({"width": 1280, "height": 800})
    expect(brief).to_be_hidden()


def test_statistics_and_audit_record_need_no_sideways_scrolling(app: AppPage) -> None:
    result = classify(app.page.request, app.address)
    review = f"{app.address}/api/results/{result['id']}/review"
    assert app.page.request.put(review, data={"label": result["label"]}).ok
    app.page.set_viewport_size({"width": 320, "height": 700})
    for place in (f"#/tasks/{TASK}/people", f"#/tasks/{TASK}/models", "#/audit"):
        app.open(place)
        expect(app.sheet.locator(".table-box").last).to_be_visible()
        assert app.width_beyond_screen() <= 0
        # A matrix has two dimensions, and scrolls in its own box.
        wide = app.sheet.locator(".table-box:not(.confusion)").evaluate_all(
            "(boxes) => boxes.filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.ariaLabel)"
        )
        assert wide == []
    row = app.sheet.get_by_role("row").nth(1)
    expect(row).to_contain_text("Task: Breast ultrasound, Class: ")
    # Nothing is called "Details:" where there are none.
    row.locator("td").last.evaluate("(cell) => cell.replaceChildren()")
    title = row.locator("td").last.evaluate("(cell) => getComputedStyle(cell, '::before').content")
    assert title == "none"
    assert violations(app) == []


def test_printed_statistics_say_what_they_are_of(app: AppPage) -> None:
    app.open(f"#/tasks/{TASK}/people")
    expect(app.sheet.locator(".table-box").first).to_be_visible()
    app.page.emulate_media(media="print")
    expect(app.page.locator("#people-model")).to_be_visible()
    expect(app.page.locator("#people-from")).to_be_hidden()
    expect(app.page.locator(".rule-slider")).to_be_hidden()
    expect(app.page.locator("#disclaimer")).to_be_visible()
