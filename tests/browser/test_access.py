"""Accessibility: keyboard, screen readers, all screen sizes, both themes."""

import re
from importlib.resources import files
from typing import Literal

import pytest
from playwright.sync_api import expect

from chalicelib.tasks import load_task
from tests.browser import samples
from tests.browser.app_page import PATIENCE_MS, TASK, AppPage

# axe-core, from the package axe-playwright-python.
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(app: AppPage) -> list[str]:
    """The accessibility violations found by axe."""
    if not app.page.evaluate("'axe' in window"):
        app.page.evaluate(AXE)
    found = app.page.evaluate(
        """(tags) => axe.run({ runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] })
            .then(({ violations }) => violations)""",
        STANDARDS,
    )
    return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found]


# Contrast depends on the scheme and names on the language, so two of the four combinations cover both.
@pytest.mark.parametrize(("scheme", "language"), [("light", "English"), ("dark", "Deutsch")])
def test_views_pass_accessibility_checks(
    app: AppPage, scheme: Literal["light", "dark"], language: str
) -> None:
    app.http_errors_expected = True
    # Transitions would falsify the measured colours.
    app.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    app.open()
    result_id = app.classify(samples.both_breasts())
    expect(app.page.locator(".verdict.review")).to_be_visible()
    app.choose_language(language)
    expect(app.page.locator(".verdict.review")).to_be_visible()
    app.page.locator("button[popovertarget=settings]").click()
    expect(app.page.locator("#settings")).to_be_visible()
    assert violations(app) == []
    app.close_dialog()
    label = app.page.request.get(f"{app.address}/api/results/{result_id}").json()["label"]
    app.press(str(1 + load_task(TASK).class_names.index(label)))
    expect(app.rows.first).to_contain_text(re.compile("Confirmed|Bestätigt"))
    app.press("b")
    expect(app.page.locator("#compare")).to_have_attribute("aria-pressed", "true")
    assert violations(app) == []
    app.press("?")
    expect(app.page.locator("dialog[open]")).to_be_visible()
    assert violations(app) == []
    app.close_dialog()
    app.drop(samples.text_file())
    expect(app.problem).to_be_visible()
    assert violations(app) == []
    app.page.locator("#more-filters").click()
    app.drop(samples.jpeg(), samples.text_file(), samples.truncated_jpeg())
    expect(app.page.locator("#queue-rows > li")).to_have_count(3)
    assert violations(app) == []
    expect(app.page.locator("#queue-close")).to_be_visible(timeout=PATIENCE_MS)
    assert violations(app) == []
    app.page.locator(".brand a").click()
    app.wait_for_view("#/")
    app.open()
    expect(app.page.locator("#message")).to_be_visible()
    assert violations(app) == []


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
    """The window widths at which the page, or the slider of the heat map, does not fit."""
    too_wide = []
    for width in widths:
        app.page.set_viewport_size({"width": width, "height": 800})
        slider = app.page.locator("#opacity")
        end = slider.evaluate("(slider) => slider.getBoundingClientRect().right")
        if app.width_beyond_screen() > 0 or end > width:
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
