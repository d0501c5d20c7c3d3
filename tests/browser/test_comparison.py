"""Two results side by side: the choice of the other one, linked views, and what a blind reader sees."""

import re

import numpy as np
import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.app_page import AppPage
from tests.browser.conftest import LAPTOP
from tests.browser.test_access import violations
from tests.browser.test_blind_reading import leaks, watched
from tests.browser.test_light_box import menu, shown
from tests.browser.test_review import toast
from tests.browser.test_worklist import send


def compare(app: AppPage) -> tuple[str, str]:
    """Open the newer one of two results, and put the other one beside it; return the ids of both."""
    other, opened = (send(app.page.request, app.address) for _ in range(2))
    app.page.goto(f"{app.address}/?show=not-read#/results/{opened}")
    app.wait_for_view()
    expect(app.row(opened)).to_be_visible()
    app.press("h", "v")
    expect(app.row(other)).to_have_class("beside")
    return opened, other


def verdict(app: AppPage, name: str) -> Locator:
    return app.page.get_by_role("group", name=name, exact=True).and_(app.page.locator(".pane-verdict"))


def widths(app: AppPage) -> list[int]:
    """The width of each of two images side by side, in pixels of the screen."""
    drawn = (shown(app)[..., 3] > 0).any(axis=0)
    half = len(drawn) // 2
    return [int(np.count_nonzero(side)) for side in (drawn[:half], drawn[half:])]


def test_both_images_have_their_verdict(app: AppPage) -> None:
    opened, other = compare(app)
    for name, result_id in (("Open image", opened), ("Image beside it", other)):
        said = verdict(app, name)
        expect(said.locator("strong")).to_have_text(app.row(result_id).locator(".row-label").inner_text())
        expect(said).to_contain_text(re.compile(r"\d\.\d%.*(Needs review|No review needed)"))
    expect(app.image).to_have_attribute("aria-label", re.compile("^Image, classified as .* Beside it: "))
    assert violations(app) == []
    app.press("Enter")
    expect(verdict(app, "Open image").locator(".reviewed")).to_be_visible()
    expect(verdict(app, "Image beside it").locator(".reviewed")).to_have_count(0)
    verdict(app, "Image beside it").get_by_role("link", name="Open").click()
    app.wait_for_view(f"#/results/{other}")
    expect(app.page.locator(".pane-verdict")).to_have_count(0)


def test_views_are_linked_until_they_are_not(app: AppPage) -> None:
    held: list[Route] = []
    is_late = True
    app.intercept("**/picture", lambda route: held.append(route) if is_late else route.continue_())
    compare(app)
    captions = app.page.locator("#caption, #prepared-caption")
    expect(captions).to_contain_text(["Model input", "Model input"])
    app.press("+")
    # A better picture replaces one of them, and the other stays.
    is_late = False
    for route in held:
        route.continue_()
    expect(captions).to_contain_text(["Display picture", "Display picture"])
    expect(app.page.locator("#image-area")).to_have_class(re.compile("zoomed"))
    app.press("0")
    before = widths(app)
    assert before[0] == pytest.approx(before[1], abs=2)
    app.press("+", "+", "i")
    linked = widths(app)
    assert linked[0] > 1.3 * before[0]
    assert linked[0] == pytest.approx(linked[1], abs=2)
    corner = shown(app)
    assert corner[corner[..., 3] > 0][:, 0].mean() > 128, "both are inverted"
    app.press("l")
    expect(app.page.get_by_role("switch", name="Link zoom, position and window")).not_to_be_checked()
    app.page.get_by_role("button", name="Image beside it").click()
    app.heading.focus()
    app.press("0")
    assert widths(app) == pytest.approx([linked[0], before[1]], abs=2)
    expect(app.page.locator("#grey")).to_contain_text("W 255 · L 128")
    app.press("l")
    assert widths(app) == pytest.approx(linked, abs=2)
    menu(app, "Window")
    chooser = app.page.locator("#window-choice")
    chooser.select_option("Skin line")
    app.heading.focus()
    app.press("v", "v")
    # The window of the open image holds for the next one beside it.
    expect(verdict(app, "Image beside it").locator("strong")).to_be_visible()
    app.press("l")
    app.page.get_by_role("button", name="Image beside it").click()
    expect(app.page.locator("#grey")).to_contain_text("W 102 · L 51")
    expect(chooser.locator("option:checked")).to_have_text("Skin line")


def test_other_image_is_chosen_by_step_or_from_the_list(app: AppPage) -> None:
    third = send(app.page.request, app.address)
    opened, other = compare(app)
    app.press("n")
    expect(app.row(third)).to_have_class("beside")
    app.press("z")
    expect(app.row(other)).to_have_class("beside")
    app.press("z")
    expect(toast(app)).to_have_text("This is the first result in the list.")
    pick = app.page.get_by_role("button", name="Pick in the list")
    pick.click()
    expect(app.row(other).get_by_role("link")).to_be_focused()
    app.press("Escape")
    expect(pick).to_be_focused()
    pick.click()
    app.press("ArrowDown", "Enter")
    expect(app.row(third)).to_have_class("beside")
    expect(app.main).to_have_attribute("data-shown", f"#/results/{opened}")
    pick.click()
    app.row(opened).get_by_role("link").click()
    expect(toast(app)).to_have_text("This image is open already. Choose another one.")
    expect(app.row(third)).to_have_class("beside")
    of_other_task = app.page.request.get(f"{app.address}/api/results/{other}").json() | {"task": "chest-xray"}
    app.intercept(f"**/api/results/{other}", lambda route: route.fulfill(json=of_other_task))
    app.press("s")
    app.wait_until(lambda: app.page.evaluate("document.fullscreenElement !== null"))
    app.press("Escape")  # ends the full screen only
    expect(app.page.locator("#light-box")).not_to_have_class(re.compile("full"))
    app.press("z")
    expect(toast(app)).to_contain_text("belongs to another task")
    expect(app.row(third)).to_have_class("beside")
    app.page.get_by_role("button", name="End comparison").click()
    expect(app.page.locator("#image-area")).to_be_focused()
    expect(app.row(third)).not_to_have_class("beside")
    expect(app.image).to_have_attribute("aria-label", re.compile("^Image, classified as [^.]*$"))


def test_one_image_is_above_the_other_on_a_phone(app: AppPage) -> None:
    app.page.set_viewport_size({"width": 320, "height": 640})
    try:
        compare(app)
        drawn = (shown(app)[..., 3] > 0).any(axis=1)
        upper, lower = np.array_split(drawn, 2)
        assert np.count_nonzero(upper) == pytest.approx(np.count_nonzero(lower), abs=3)
        assert np.count_nonzero(upper) > 150
        tops = [verdict(app, name).bounding_box() for name in ("Open image", "Image beside it")]
        area = app.page.locator("#image-area").bounding_box()
        assert area
        assert [box["y"] < area["y"] for box in tops if box] == [True, False]
        assert app.width_beyond_screen() == 0
    finally:
        app.page.set_viewport_size(LAPTOP)


def test_comparison_tells_a_blind_reader_nothing(app: AppPage) -> None:
    watched(app)
    compare(app)
    for name in ("Open image", "Image beside it"):
        expect(verdict(app, name).locator("strong")).to_have_text("Not read yet")
    expect(app.image).to_have_attribute("aria-label", "Image, not read yet. Beside it: Not read yet")
    app.press("n", "h")
    expect(verdict(app, "Image beside it").locator("strong")).to_have_text("Not read yet")
    assert leaks(app) == []
    app.press("1")
    expect(verdict(app, "Open image")).to_contain_text("%")
    expect(verdict(app, "Image beside it").locator("strong")).to_have_text("Not read yet")
