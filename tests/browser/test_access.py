"""Accessibility: keyboard, screen readers, all screen sizes, both themes."""

import re
from collections.abc import Sequence
from importlib.resources import files

import pytest
from playwright.sync_api import expect

from tests.browser import samples
from tests.browser.app_page import AppPage

# axe-core, from the package axe-playwright-python.
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(app: AppPage, rules: Sequence[str] | None = None) -> list[str]:
    """The accessibility violations found by axe, by all of its rules or by some."""
    if not app.page.evaluate("'axe' in window"):
        app.page.evaluate(AXE)
    found = app.page.evaluate(
        """(runOnly) => axe.run({ runOnly, preload: false, resultTypes: ["violations"] })
            .then(({ violations }) => violations)""",
        {"type": "rule", "values": rules} if rules else {"type": "tag", "values": STANDARDS},
    )
    return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found]


def test_keyboard_alone_classifies_and_reviews(app: AppPage) -> None:
    app.picker_files = samples.jpeg()
    app.open()
    press = app.page.keyboard.press
    press("Tab")
    skip = app.page.get_by_role("link", name="Skip to main content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    press("Enter")
    press("Tab")
    expect(app.page.get_by_role("button", name="Choose images…")).to_be_focused()
    press("Enter")
    app.wait_for_result()
    expect(app.heading).to_be_focused()

    # From the result on: the class buttons.
    press("Tab")
    expect(app.page.locator(".class-buttons button").first).to_be_focused()
    press("Tab")
    press("Enter")
    expect(app.outcome).to_contain_text("on this installation")
    expect(app.page.locator(".class-buttons button").nth(1)).to_be_focused()

    # Then back to the heat map.
    for _ in range(5):
        press("Shift+Tab")
        if app.slider.evaluate("(slider) => slider === document.activeElement"):
            break
    expect(app.slider).to_be_focused()
    press("Home")
    expect(app.slider).to_have_attribute("aria-valuetext", "0%")


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("widths", [(320, 390), (768, 1024, 1440, 2560)], ids=["phones", "others"])
def test_page_fits_the_screen_width(app: AppPage, widths: tuple[int, ...], language: str) -> None:
    """On phones, the list of uploads is folded at first."""
    app.page.set_viewport_size({"width": widths[0], "height": 800})
    app.page.add_init_script(f"localStorage.setItem('negatoscope.language', '{language}')")
    app.open()
    assert too_wide_at(app, widths) == []
    app.drop(samples.jpeg())
    app.wait_for_result()
    assert too_wide_at(app, widths) == []
    app.page.locator("#more-filters").click()
    app.page.set_viewport_size({"width": widths[0], "height": 800})
    app.drop(samples.text_file(), samples.truncated_jpeg())
    expect(app.page.locator("#queue-summary")).to_be_visible()
    assert too_wide_at(app, widths) == []
    app.wait_for_queue()
    assert too_wide_at(app, widths) == []


def too_wide_at(app: AppPage, widths: tuple[int, ...]) -> list[int]:
    """The window widths at which the page, its header, or the slider of the heat map does not fit."""
    too_wide = []
    for width in widths:
        app.page.set_viewport_size({"width": width, "height": 800})
        # There is none before the first image.
        slider = app.page.locator("#opacity")
        end = slider.evaluate_all("(all) => Math.max(...all.map((one) => one.getBoundingClientRect().right))")
        logo, button = (
            app.page.locator(one).first.bounding_box() for one in (".brand img", ".page-tools button")
        )
        assert logo is not None
        assert button is not None
        covered = logo["x"] + logo["width"] > button["x"]
        if app.width_beyond_screen() > 0 or (end or 0) > width or covered:
            too_wide.append(width)
    return too_wide


def test_reduced_motion_stops_animations(app: AppPage) -> None:
    app.open()
    assert moving_parts(app) > 0
    app.page.emulate_media(reduced_motion="reduce")
    assert moving_parts(app) == 0


def moving_parts(app: AppPage) -> int:
    """The number of elements with an animation, visible or not."""
    return int(
        app.page.evaluate(
            """() => [...document.querySelectorAll("*")]
                .filter((one) => getComputedStyle(one).animationName !== "none").length"""
        )
    )


def test_result_is_printed_on_one_page(app: AppPage) -> None:
    app.open()
    app.classify(samples.jpeg())
    document = app.page.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", document)) == 1

    app.page.emulate_media(media="print")
    for part in ("#canvas", "#disclaimer", "#result-heading", ".bars", ".outcome", ".facts"):
        expect(app.page.locator(part)).to_be_visible()
    for part in ("#worklist", "#light-box-tools", ".site-nav", ".class-buttons"):
        expect(app.page.locator(part)).to_be_hidden()


def test_contrast_theme_shows_what_is_chosen(app: AppPage) -> None:
    app.open()
    app.classify(samples.jpeg())
    app.page.emulate_media(forced_colors="active")

    def colour(selector: str, name: str) -> str:
        value = app.page.locator(selector).first.evaluate(
            "(element, name) => getComputedStyle(element)[name]", name
        )
        return str(value)

    chosen, other = "#nav-images", "#nav-models"
    assert colour(chosen, "borderBottomColor") != colour(other, "borderBottomColor")
    assert colour(".predicted .bar span", "backgroundColor") != colour(".bar", "backgroundColor")
    assert colour("#image-area", "backgroundColor") == "rgb(7, 9, 11)"
