"""Keyboard shortcuts: their list, and other keys for them."""

from playwright.sync_api import Locator, expect

from tests.browser import samples
from tests.browser.app_page import AppPage
from tests.browser.stubbed_page import StubbedPage
from tests.browser.test_access import violations


def key(app: AppPage, name: str) -> Locator:
    return app.page.get_by_role("dialog").get_by_role("button", name=name)


def status(app: AppPage) -> Locator:
    return app.page.get_by_role("dialog").get_by_role("status")


def test_action_gets_another_key_and_leaves_its_own(app: AppPage) -> None:
    app.open()
    app.classify(samples.jpeg())
    app.press("?")
    key(app, "Confirm the model’s class: Enter. Change").click()
    expect(status(app)).to_contain_text("Press the new key for “Confirm the model’s class”.")
    app.press("J")
    expect(status(app)).to_have_text("J already stands for “Next in worklist”. Press another key.")
    app.press("5")
    expect(status(app)).to_have_text("5 cannot be used. Press a letter or a sign.")
    app.press("Q")
    expect(status(app)).to_have_text("Confirm the model’s class: now Q.")
    expect(key(app, "Confirm the model’s class: Q. Change")).to_be_focused()
    assert violations(app) == []
    app.close_dialog()

    app.heading.focus()
    app.press("Enter")
    expect(app.outcome).to_have_text("Not reviewed yet.")
    app.press("q")
    expect(app.outcome).to_contain_text("Confirmed")
    # It is remembered, until all keys are reset.
    app.reload()
    app.press("?")
    expect(key(app, "Confirm the model’s class: Q. Change")).to_be_visible()
    key(app, "Reset all keys").click()
    expect(key(app, "Confirm the model’s class: Enter. Change")).to_be_visible()


def test_controls_name_their_new_key(app: AppPage) -> None:
    app.open()
    app.classify(samples.jpeg())
    following = app.page.get_by_role("button", name="Next in worklist")
    expect(following).to_have_attribute("aria-keyshortcuts", "j")
    app.press("?")
    for name, pressed in (("Next in worklist", "t"), ("Show the model input beside the image", "g")):
        key(app, f"{name}: ").click()
        app.press(pressed)
    # Escape only ends the wait for a key.
    key(app, "Undo the review: U").click()
    app.press("Escape")
    expect(status(app)).to_have_text("Unchanged.")
    app.close_dialog()
    expect(following).to_have_attribute("aria-keyshortcuts", "t")
    compare = app.page.locator("#compare")
    expect(compare).to_have_attribute("aria-keyshortcuts", "g")
    app.press("g")
    expect(compare).to_have_attribute("aria-pressed", "true")
    app.press("b")
    expect(compare).to_have_attribute("aria-pressed", "true")


def test_keys_of_two_tabs_are_kept(stub: StubbedPage) -> None:
    stub.open()
    other = stub.another_tab()
    choose = 'const { chooseKey } = await import("/modules/keys.js"); chooseKey(...given);'
    stub.run(choose, ["i", "q"])
    other.wait_until('(await import("/modules/keys.js")).keyOf("i") === "q"')
    other.run(choose, ["w", "x"])
    kept = stub.run('return JSON.parse(localStorage.getItem("negatoscope.chosen-keys"));')
    assert kept == {"i": "q", "w": "x"}
