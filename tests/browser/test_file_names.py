"""File names: they help on the page, and never leave the browser."""

import csv
from io import StringIO

from playwright.sync_api import FilePayload, expect

from tests.browser import samples
from tests.browser.app_page import AppPage

NAME = "Mueller^Anna^1961.jpg"


def named(name: str) -> FilePayload:
    return {**samples.jpeg(), "name": name}


def export(app: AppPage) -> list[dict[str, str]]:
    """The rows of the export with file names."""
    with app.page.expect_download() as download:
        app.page.get_by_role("button", name="Export with file names").click()
    return list(csv.DictReader(StringIO(download.value.path().read_text(), newline="")))


def test_result_can_be_recognised_by_the_name_of_its_file(app: AppPage) -> None:
    app.open()
    result_id = app.classify(named(NAME))
    expect(app.row(result_id)).to_contain_text(NAME)
    expect(app.caption).to_have_text(f"{NAME} · Original, 300 × 600 pixels")
    expect(app.page.locator(".facts")).to_contain_text(NAME)

    # Also after a reload, which forgets the image itself.
    app.reload()
    app.wait_for_result(result_id)
    expect(app.row(result_id)).to_contain_text(NAME)
    expect(app.caption).to_contain_text(f"{NAME} · Model input")


def test_worklist_is_searched_by_file_name(app: AppPage) -> None:
    app.open()
    wanted, other = app.classify(named(NAME)), app.classify(named("Maier.jpg"))
    app.page.get_by_text("Filter and sort").click()
    field = app.page.get_by_label("File name contains")
    field.fill("mueller")
    expect(app.row(wanted)).to_be_visible()
    expect(app.row(other)).to_have_count(0)
    expect(app.page.get_by_text("Filter and sort (1 active)")).to_be_visible()
    # A reload would send it.
    assert "mueller" not in app.page.url
    field.fill("nobody")
    expect(app.page.locator("#worklist-status")).to_have_text("No results match the filters.")
    app.page.locator("#filters").get_by_role("button", name="Reset").click()
    expect(app.row(other)).to_be_visible()


def test_export_with_file_names_is_made_in_the_browser(app: AppPage) -> None:
    app.open()
    ids = {name: app.classify(named(name)) for name in (NAME, "=cmd.jpg", " ＝cmd.jpg", 'a, "b".jpg')}
    comment = 'Line 1\n"Line 2", and more'
    app.page.get_by_label("Comment").fill(comment)
    app.page.get_by_role("button", name="Confirm:").click()
    expect(app.outcome).to_contain_text("Confirmed")

    rows = {row["id"]: row for row in export(app)}
    assert rows[ids[NAME]]["file"] == NAME
    assert rows[ids["=cmd.jpg"]]["file"] == "'=cmd.jpg"
    assert rows[ids[" ＝cmd.jpg"]]["file"] == "' ＝cmd.jpg"
    last = rows[ids['a, "b".jpg']]
    assert (last["file"], last["comment"]) == ('a, "b".jpg', comment)
    assert last["reviewed_label"] == last["label"]


def test_names_are_forgotten_on_request(app: AppPage) -> None:
    app.open()
    result_id = app.classify(named(NAME))
    expect(app.row(result_id)).to_contain_text(NAME)
    app.page.get_by_role("button", name="Settings").click()
    settings = app.page.get_by_role("dialog", name="Settings")
    expect(settings).to_contain_text("File names kept in this browser, and never sent: 1")
    settings.get_by_role("button", name="Forget file names").click()
    expect(settings).to_contain_text("never sent: 0")
    expect(app.page.get_by_role("button", name="Export with file names")).to_be_hidden()
    app.reload()
    app.wait_for_result(result_id)
    expect(app.row(result_id)).to_be_visible()
    expect(app.row(result_id)).not_to_contain_text(NAME)
    assert NAME not in app.page.content()


def test_queue_shows_the_class_of_each_file(app: AppPage) -> None:
    app.open()
    app.drop(named("first.jpg"), named("second.jpg"))
    app.wait_for_queue()
    expect(app.queued("second.jpg")).to_contain_text("%")
    expect(app.queued("second.jpg")).not_to_contain_text("kB")
