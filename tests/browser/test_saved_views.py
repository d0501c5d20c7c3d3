"""Filters and order of the worklist, saved as views."""

import re

from playwright.sync_api import expect

from tests.browser.app_page import TASK, AppPage
from tests.browser.stubbed_page import StubbedPage


def test_view_is_saved_shown_renamed_and_deleted(app: AppPage) -> None:
    app.open()
    app.page.locator("#more-filters").click()
    name = app.page.get_by_role("textbox", name="Name of the view")
    view = app.page.get_by_label("View", exact=True)
    expect(name).to_be_visible()
    expect(view).to_be_hidden()
    delete = app.page.get_by_role("button", name="Delete")
    expect(delete).to_be_disabled()
    expect(delete).to_have_css("opacity", "0.5")

    app.page.get_by_label("Show", exact=True).select_option("To review")
    app.page.get_by_label("Sort by", exact=True).select_option("Lowest probability first")
    name.fill("Doubtful")
    name.press("Enter")
    expect(view.locator("option:checked")).to_have_text("Doubtful")
    app.page.get_by_role("button", name="Reset").last.click()
    expect(view.locator("option:checked")).to_have_text("Unsaved")

    # On another visit, and at another task.
    app.open("#/tasks/chest-xray")
    app.page.reload()
    app.wait_for_view()
    view.select_option("Doubtful")
    expect(app.page).to_have_url(re.compile(rf"\?show=to-review&order=least-sure#/tasks/{TASK}$"))
    expect(app.page.get_by_label("Show", exact=True)).to_have_value("to-review")
    expect(view.locator("option:checked")).to_have_text("Doubtful")

    app.page.locator("#more-filters").click()
    name.fill("To look at")
    app.page.get_by_role("button", name="Rename").click()
    expect(view.locator("option")).to_have_text(["Unsaved", "To look at"])
    app.page.get_by_role("button", name="Delete “To look at”").click()
    expect(view).to_be_hidden()
    expect(app.page.get_by_label("Show", exact=True)).to_have_value("to-review")


def test_view_does_not_hold_the_name_of_a_file(app: AppPage) -> None:
    app.open()
    app.page.locator("#more-filters").click()
    wanted = app.page.locator("#filter-name")
    wanted.evaluate("(field) => { field.value = 'Doe'; field.dispatchEvent(new Event('input')); }")
    app.page.get_by_role("textbox", name="Name of the view").fill("Mine")
    app.page.get_by_role("button", name="Save", exact=True).click()
    expect(app.page.get_by_label("View", exact=True)).to_be_visible()
    assert "Doe" not in app.page.evaluate("JSON.stringify(localStorage)")
    assert "Doe" not in app.page.url


def test_open_filters_leave_the_list_as_it_was(app: AppPage) -> None:
    app.open()
    box = app.page.locator("#worklist-box")
    expect(app.page.locator("#worklist-status")).not_to_have_text("Loading…")
    expect(app.page.get_by_role("button", name="Grid")).to_be_visible()
    before = box.bounding_box()
    app.page.locator("#more-filters").click()
    expect(app.page.get_by_label("Class", exact=True)).to_be_visible()
    assert box.bounding_box() == before
    app.page.get_by_label("Class", exact=True).press("Escape")
    expect(app.page.get_by_label("Class", exact=True)).to_be_hidden()
    expect(app.page.locator("#more-filters")).to_be_focused()


def test_views_of_two_tabs_are_kept(stub: StubbedPage) -> None:
    stub.open()
    tabs = {"First": stub, "Second": stub.another_tab()}
    for tab in tabs.values():
        tab.page.locator("#more-filters").click()
        expect(tab.page.get_by_role("textbox", name="Name of the view")).to_be_visible()
    for name, tab in tabs.items():
        tab.page.get_by_role("textbox", name="Name of the view").fill(name)
        tab.page.get_by_role("button", name="Save", exact=True).click()
    for tab in tabs.values():
        options = tab.page.get_by_label("View", exact=True).locator("option")
        expect(options).to_have_text(["Unsaved", "First", "Second"])
