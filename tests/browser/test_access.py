"""Anybody can use it: by keyboard, by ear, on any screen, in either colour scheme."""

from importlib.resources import files
from typing import Literal

import pytest
from playwright.sync_api import expect

from tests.browser import samples
from tests.browser.desk import PATIENCE_MS, TASK, Desk

# axe-core, as axe-playwright-python carries it.
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(desk: Desk) -> list[str]:
    """What axe finds on the page as it is now."""
    if not desk.page.evaluate("'axe' in window"):
        desk.page.evaluate(AXE)
    found = desk.page.evaluate(
        "(tags) => axe.run({ runOnly: { type: 'tag', values: tags } }).then(({ violations }) => violations)",
        STANDARDS,
    )
    return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found]


@pytest.mark.parametrize("language", ["English", "Deutsch"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_is_accessible(desk: Desk, scheme: Literal["light", "dark"], language: str) -> None:
    desk.http_errors_expected = True
    # Colours in transition would be measured on their way.
    desk.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    desk.open()
    desk.classify(samples.both_breasts())
    expect(desk.page.locator(".verdict.review")).to_be_visible()
    desk.page.get_by_role("button", name="Settings").click()
    desk.page.get_by_label("Language").select_option(label=language)
    expect(desk.page.locator(".verdict.review")).to_be_visible()
    assert violations(desk) == []
    desk.press("Escape", "1", "b")
    expect(desk.page.locator("#compare")).to_have_attribute("aria-pressed", "true")
    assert violations(desk) == []
    desk.press("?")
    assert violations(desk) == []
    desk.press("Escape")
    desk.drop(samples.text_file())
    expect(desk.problem).to_be_visible()
    assert violations(desk) == []
    desk.page.locator("#more-filters").click()
    desk.drop(samples.jpeg(), samples.text_file(), samples.truncated_jpeg())
    expect(desk.page.locator("#queue-rows > li")).to_have_count(3)
    assert violations(desk) == []
    expect(desk.page.locator("#queue-close")).to_be_visible(timeout=PATIENCE_MS)
    assert violations(desk) == []
    desk.page.locator(".brand a").click()
    desk.page.goto(f"{desk.address}/#/tasks/{TASK}")
    expect(desk.page.locator("#invitation")).to_be_visible()
    assert violations(desk) == []


def test_whole_task_by_keyboard(desk: Desk) -> None:
    desk.at_hand = samples.jpeg()
    desk.open()
    press = desk.page.keyboard.press
    press("Tab")
    skip = desk.page.get_by_role("link", name="Skip to the light box")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    press("Enter")
    press("Tab")
    expect(desk.page.get_by_role("button", name="Choose images…")).to_be_focused()
    press("Enter")
    desk.wait_for_reading()
    expect(desk.heading).to_be_focused()

    # From the reading on: its classes, each a button that saves.
    press("Tab")
    expect(desk.page.locator(".class-buttons button").first).to_be_focused()
    press("Tab")
    press("Enter")
    expect(desk.outcome).to_contain_text("on this installation")
    expect(desk.page.locator(".class-buttons button").nth(1)).to_be_focused()

    # And back to the heat map.
    for _ in range(5):
        press("Shift+Tab")
        if desk.slider.evaluate("(slider) => slider === document.activeElement"):
            break
    expect(desk.slider).to_be_focused()
    press("Home")
    expect(desk.slider).to_have_attribute("aria-valuetext", "0%")


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1440, 2560])
def test_nothing_is_wider_than_the_screen(desk: Desk, width: int, language: str) -> None:
    desk.page.set_viewport_size({"width": width, "height": 800})
    desk.page.add_init_script(f"localStorage.setItem('negatoscope.language', '{language}')")
    desk.page.goto(f"{desk.address}/#/tasks/{TASK}")
    expect(desk.page.locator("#task")).to_be_enabled()
    assert desk.width_beyond_screen() <= 0
    desk.drop(samples.jpeg())
    desk.wait_for_reading()
    assert desk.width_beyond_screen() <= 0
    desk.page.locator("#more-filters").click()
    desk.drop(samples.text_file(), samples.truncated_jpeg())
    expect(desk.page.locator("#queue-summary")).to_be_visible()
    assert desk.width_beyond_screen() <= 0
    slider = desk.page.locator("#opacity").bounding_box()
    assert slider is not None
    assert slider["x"] + slider["width"] <= width


def test_reduced_motion_stills_the_page(desk: Desk) -> None:
    desk.open()
    assert moving_parts(desk) > 0
    desk.page.emulate_media(reduced_motion="reduce")
    assert moving_parts(desk) == 0


def moving_parts(desk: Desk) -> int:
    """How many elements have an animation, whether it is seen right now or not."""
    return int(
        desk.page.evaluate(
            """() => [...document.querySelectorAll("*")]
                .filter((one) => getComputedStyle(one).animationName !== "none").length"""
        )
    )
