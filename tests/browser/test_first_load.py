"""The first seconds: nothing jumps, no click is lost, and long names stay in their places."""

import json
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser import samples
from tests.browser.app_page import TASK, AppPage

GOOD_SHIFT = 0.1
"""What counts as good for the sum of all layout shifts."""
MAX_SHIFT = GOOD_SHIFT / 2

_WATCH = """new PerformanceObserver((list) => {
    for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) window.shifted += value;
}).observe({ type: "layout-shift", buffered: true });"""


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["laptop", "phone"])
def test_layout_does_not_jump_while_the_page_loads(first_visit: AppPage, size: tuple[int, int]) -> None:
    app = first_visit
    app.page.set_viewport_size({"width": size[0], "height": size[1]})
    app.page.add_init_script(f"window.shifted = 0; {_WATCH}")
    for _ in ("cold", "with results"):
        app.open()
        expect(app.page.locator("#worklist-status")).not_to_have_text("Loading…")
        app.wait_until(lambda: not app.unfinished)
        app.page.wait_for_timeout(300)  # shifts are reported with the next frames
        assert app.page.evaluate("window.shifted") < MAX_SHIFT
        app.page.request.post(
            f"{app.address}/api/tasks/{TASK}/classify",
            data=samples.jpeg()["buffer"],
            headers={"Content-Type": "image/jpeg"},
        )


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["laptop", "phone"])
def test_layout_does_not_jump_while_an_image_opens(first_visit: AppPage, size: tuple[int, int]) -> None:
    app = first_visit
    app.page.set_viewport_size({"width": size[0], "height": size[1]})
    app.page.add_init_script(f"window.shifted = 0; {_WATCH}")
    app.open(f"#/tasks/{TASK}/example")
    expect(app.probability).to_be_visible()
    app.page.wait_for_timeout(300)
    assert app.page.evaluate("window.shifted") < GOOD_SHIFT


@pytest.mark.parametrize("place", ["Models", "Retraining"])
def test_click_before_the_tasks_are_there_is_kept(first_visit: AppPage, place: str) -> None:
    app = first_visit
    held: list[Route] = []
    app.intercept("**/api/tasks", held.append)
    app.page.goto(f"{app.address}/")
    app.wait_until(lambda: held)
    app.page.get_by_role("navigation").get_by_role("link", name=place).click()
    for route in held:
        route.continue_()
    expect(app.page.locator("#sheet-heading")).to_contain_text(place)


WORD = "Pneumonoultramicroscopicsilicovolcanoconiosis" * 2


@pytest.mark.parametrize("width", [320, 390])
def test_long_words_stay_on_the_page(first_visit: AppPage, width: int) -> None:
    app = first_visit

    def rename(route: Route) -> None:
        catalogue: dict[str, Any] = json.loads(route.fetch().body())
        for task in catalogue["tasks"]:
            task["title"] = WORD
            for number, each in enumerate(task["classes"]):
                each["title"] = f"{number}{WORD}"
        route.fulfill(json=catalogue)

    app.intercept("**/api/tasks*", rename)
    app.page.set_viewport_size({"width": width, "height": 844})
    app.open()
    assert app.width_beyond_screen() == 0
    app.classify(samples.jpeg())
    assert app.width_beyond_screen() == 0
    for row in app.page.locator(".bars li").all():
        name, share = row.locator(".class-name").bounding_box(), row.locator(".share").bounding_box()
        assert name
        assert share
        overlap = name["x"] + name["width"] > share["x"] and name["y"] + name["height"] > share["y"]
        assert not overlap
    # The words themselves, not only their boxes.
    assert app.page.evaluate(
        """[...document.querySelectorAll(".bars .class-name, #result-heading, .class-buttons button")]
            .every((each) => each.scrollWidth <= each.clientWidth + 1)"""
    )
    app.page.goto(f"{app.address}/#/tasks/{TASK}/models")
    expect(app.page.locator("#sheet-heading")).to_contain_text("Models")
    assert app.width_beyond_screen() == 0
