"""File names: they help on the page, and never leave the browser."""

import csv
from io import StringIO

from playwright.sync_api import FilePayload, Route, expect

from tests.browser import samples
from tests.browser.app_page import AppPage
from tests.browser.stubbed_page import StubbedPage

NAME = "Mueller^Anna^1961.jpg"


def named(name: str) -> FilePayload:
    return {**samples.jpeg(), "name": name}


def export(app: AppPage, place: str = "#worklist") -> list[dict[str, str]]:
    """The rows of the export with file names."""
    with app.page.expect_download() as download:
        app.page.locator(place).get_by_role("button", name="Export with file names").click()
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
    expect(app.caption).to_contain_text(f"{NAME} · Display picture")


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


def test_old_result_is_found_by_file_name(app: AppPage) -> None:
    """It is asked for, instead of reading all newer ones; on a Mac, an umlaut has two characters."""
    app.open()
    wanted = app.classify(named("Mu\u0308ller.jpg"))
    asked: list[str] = []

    def without_it(route: Route) -> None:
        asked.append(route.request.url)
        cursor = f"{len(asked)}" if "cursor" not in route.request.url else "again"
        route.fulfill(json={"results": [], "cursor": cursor})

    app.intercept("**/api/results?*", without_it)
    app.page.reload()
    app.page.get_by_text("Filter and sort").click()
    field = app.page.get_by_label("File name contains")
    field.fill("M\u00dcLLER")
    expect(app.row(wanted)).to_be_visible()
    asked.clear()
    field.fill("nobody")
    expect(app.page.locator("#worklist-status")).to_have_text("No results match the filters.")
    assert len(asked) < 3
    field.fill("")
    expect(app.row(wanted)).to_have_count(0)


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
    app.page.get_by_text("Filter and sort").click()
    app.page.get_by_label("File name contains").fill("cmd")
    assert {row["file"] for row in export(app)} == {"'=cmd.jpg", "' ＝cmd.jpg"}


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


def test_names_that_another_tab_has_kept_are_forgotten_too(stub: StubbedPage) -> None:
    stub.open()
    other = stub.another_tab()
    stub.run('await (await import("/modules/filenames.js")).keepName("a", given);', NAME)
    other.run('await (await import("/modules/filenames.js")).forgetNames();')
    later = stub.another_tab()
    assert later.run('return (await import("/modules/filenames.js")).countNames();') == 0


def test_queue_shows_and_exports_the_class_of_each_file(app: AppPage) -> None:
    app.open()
    app.drop(named("first.jpg"), named("second.jpg"))
    app.wait_for_queue()
    expect(app.queued("second.jpg")).to_contain_text("%")
    expect(app.queued("second.jpg")).not_to_contain_text("kB")
    # The export of this upload, whatever else the worklist holds.
    assert sorted(row["file"] for row in export(app, "#queue")) == ["first.jpg", "second.jpg"]


def test_name_in_a_request_is_noticed(app: AppPage) -> None:
    name = 'Mueller "Anna" 1961.jpg'
    app.http_errors_expected = True
    app.open()
    app.file_names.add(name)
    for send in (
        "fetch('/api/x?' + new URLSearchParams({ search: name.toLowerCase() }))",
        "fetch('/api/x?' + new URLSearchParams({ search: name.slice(0, -4) }))",
        "fetch('/api/x', { headers: { 'X-Name': name } })",
        "fetch('/api/x', { method: 'POST', headers: json, body: JSON.stringify({ of: [name] }) })",
        "fetch('/api/x', { method: 'POST', body: form })",
        "navigator.sendBeacon('/api/x', form)",
        "request.open('POST', '/api/x'), request.send(form)",
    ):
        app.page.evaluate(
            f"""(name) => {{
                const form = new FormData();
                form.append("file", new Blob(["x"]), name);
                const request = new XMLHttpRequest(), json = {{ "Content-Type": "application/json" }};
                void ({send});
            }}""",
            name,
        )
        app.wait_until(lambda: app.mistakes)
        assert all("file name in " in mistake for mistake in app.mistakes), send
        app.mistakes.clear()
