"""Every view, menu and dialog passes accessibility checks, and says nothing in English on a German page."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from chalicelib.api.auth import Group
from tests.browser.app_page import AppPage
from tests.browser.every_view import walk
from tests.browser.test_access import violations
from tests.stage import ROOT

LOCALES = ROOT / "frontend" / "modules" / "locales"
PARTS = ["", *sorted(path.name.split(".")[0] for path in LOCALES.glob("*.en.js"))]
ENGLISH_LEFT = Path(__file__).with_name("english_left.js").read_text()

_TELL_FORCED_COLOURS = """() => {
    const all = [...document.body.querySelectorAll("*")];
    const colours = all.map((one) => getComputedStyle(one).color);
    all.forEach((one, index) => one.style.setProperty("-webkit-text-fill-color", colours[index]));
}"""
"""axe reads this property, in which Chromium does not report the colours of a contrast theme."""

_FORGET_FORCED_COLOURS = """() => {
    const all = document.body.querySelectorAll("*");
    for (const one of all) one.style.removeProperty("-webkit-text-fill-color");
}"""


@pytest.mark.parametrize("group", ["reader", "admin"])
def test_views_are_accessible_in_light_and_contrast_themes(
    app: AppPage, group: Group, tmp_path: Path
) -> None:
    # Transitions would falsify the measured colours.
    app.page.emulate_media(reduced_motion="reduce", color_scheme="light")
    found = {}
    for view in walk(app, group, tmp_path):
        found[view] = violations(app)
        app.page.emulate_media(forced_colors="active")
        app.page.evaluate(_TELL_FORCED_COLOURS)
        # Names and structure are the same in all themes.
        found[view] += violations(app, ["color-contrast"])
        app.page.evaluate(_FORGET_FORCED_COLOURS)
        app.page.emulate_media(forced_colors="none")
    assert mistaken(found) == []


@pytest.mark.parametrize("group", ["reader", "admin"])
def test_german_views_are_accessible_in_the_dark_theme_and_say_nothing_in_english(
    app: AppPage, group: Group, tmp_path: Path
) -> None:
    app.page.add_init_script("localStorage.setItem('negatoscope.language', 'de')")
    app.page.emulate_media(reduced_motion="reduce", color_scheme="dark")
    found = {view: violations(app) + english_left(app) for view in walk(app, group, tmp_path)}
    assert mistaken(found) == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_sign_in_is_accessible_in_all_themes(app: AppPage, language: str) -> None:
    login = {"origin": app.address, "client_id": "none"}
    app.intercept("**/api/health", lambda route: route.fulfill(json={"status": "ok", "login": login}))
    app.page.add_init_script(f"localStorage.setItem('negatoscope.language', '{language}')")
    app.page.emulate_media(reduced_motion="reduce")
    app.page.goto(app.address)
    expect(app.page.locator("#sign-in-now")).to_be_visible()
    assert violations(app) == []
    app.page.emulate_media(color_scheme="dark")
    assert violations(app) == []
    app.page.emulate_media(forced_colors="active")
    app.page.evaluate(_TELL_FORCED_COLOURS)
    assert violations(app) == []
    assert language == "en" or english_left(app) == []


def english_left(app: AppPage) -> list[str]:
    """What a German page says in English, visible or not, and not marked as English."""
    found: list[str] = app.page.evaluate(ENGLISH_LEFT, [PARTS, "de"])
    return found


def mistaken(found: dict[str, list[str]]) -> list[str]:
    """The views with problems, and these."""
    return [f"{view}: {problem}" for view, problems in found.items() for problem in problems]
