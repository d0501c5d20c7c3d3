"""Hiding and deleting results, and the audit record of it."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser import samples
from tests.browser.app_page import TASK, AppPage
from tests.browser.stubbed_page import StubbedPage


def offer(app: AppPage, button: str) -> Locator:
    app.page.get_by_text("Hide or delete", exact=True).click()
    return app.page.locator("#result").get_by_role("button", name=button, exact=True)


def test_hidden_result_is_listed_only_among_the_hidden(app: AppPage) -> None:
    app.open()
    result_id = app.classify(samples.jpeg())
    offer(app, "Hide").click()
    expect(app.row(result_id)).to_have_count(0)

    app.page.get_by_label("Show", exact=True).select_option("Hidden")
    app.row(result_id).get_by_role("link").click()
    app.wait_for_result(result_id)
    expect(app.page.locator("#hidden-notice")).to_contain_text("This result is hidden")
    app.page.get_by_role("button", name="Show it again").click()
    expect(app.page.locator("#hidden-notice")).to_have_count(0)
    expect(app.row(result_id)).to_have_count(0)

    app.page.get_by_label("Show", exact=True).select_option("All")
    expect(app.row(result_id)).to_be_visible()


def test_deleted_result_is_gone_and_in_the_audit_record(app: AppPage) -> None:
    app.http_errors_expected = True
    app.open()
    result_id = app.classify(samples.jpeg())
    offer(app, "Delete…").click()
    dialog = app.page.get_by_role("dialog", name="Delete this result for good?")
    expect(dialog).to_contain_text("Nobody can bring them back")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    dialog.get_by_role("button", name="Delete for good").click()
    expect(dialog).to_have_count(0)
    expect(app.row(result_id)).to_have_count(0)

    app.page.goto(f"{app.address}/#/results/{result_id}")
    expect(app.page.locator("#problem")).to_contain_text("This result has been deleted for good.")

    app.page.get_by_role("link", name="Audit record").click()
    row = app.page.get_by_role("row").filter(has_text=result_id).filter(has_text="Deleted a result for good")
    expect(row).to_be_visible()
    form = app.page.get_by_role("form", name="Filter the audit record")
    form.get_by_role("combobox", name="What").select_option("Deleted a result for good")
    form.get_by_role("searchbox", name="Of what").fill(result_id)
    form.get_by_role("textbox", name="To").fill("2026-01-01")
    form.get_by_role("button", name="Show entries").click()
    expect(app.sheet).to_contain_text("The record has no such entry.")
    form.get_by_role("textbox", name="To").fill("")
    form.get_by_role("button", name="Show entries").click()
    rows = app.page.get_by_role("table").first.get_by_role("row")
    expect(rows).to_have_count(2)  # with the headings
    expect(row).to_be_visible()
    expect(app.page.locator("#announcer")).to_contain_text("1 entry.")
    with app.page.expect_download() as download:
        app.page.get_by_role("button", name="Export as CSV").click()
    _, *lines = download.value.path().read_text().splitlines()
    assert [line.split(",")[2:4] for line in lines] == [['"delete-result"', f'"{result_id}"']]
    form.get_by_role("button", name="Reset").click()
    expect(rows).not_to_have_count(2)

    app.page.get_by_label("Search for").fill(result_id)
    app.page.get_by_role("button", name="Show requests").click()
    looked = app.page.get_by_role("row").filter(has_text=f"GET /api/results/{result_id}")
    expect(looked.first).to_contain_text("not signed in")
    expect(looked.last).to_contain_text("410")


def test_audit_record_names_users(app: AppPage) -> None:
    ada, gone = (f"{digit * 8}-d9cb-469f-a165-70867728950e" for digit in "12")
    entry = {"at": "2026-11-29T10:00:00Z", "act": "roll-back-model", "subject": TASK, "details": {}}
    entries = [entry | {"user": one} for one in (ada, gone)]
    answer = {"entries": entries, "names": {ada: "ada"}, "cursor": None}
    app.intercept("**/api/audit?*", lambda route: route.fulfill(json=answer))
    app.open("#/audit")
    who = app.sheet.locator("tbody td:first-of-type")
    expect(who).to_have_text(["ada", "22222222"])
    expect(who.locator(f"[title='{gone}']")).to_be_visible()
    expect(app.sheet.locator("tbody td").nth(2)).to_have_text("Mammography views")
    expect(app.sheet.locator(f"#audit-users option[value='{ada}']")).to_have_attribute("label", "ada")


def test_answer_to_an_earlier_search_of_the_records_is_dropped(stub: StubbedPage) -> None:
    stub.open()
    stub.run(
        """
        const before = window.fetch;
        window.going = new Promise((go) => (window.go = go));
        window.fetch = async (address, options) => {
            const { pathname, searchParams } = new URL(address, location.href);
            if (!/access-log$|audit$/.test(pathname)) return before(address, options);
            const wanted = searchParams.get("search") ?? searchParams.get("subject") ?? "any";
            if (wanted === "slow") await window.going;
            const at = "2026-11-29T10:00:00Z";
            if (pathname.endsWith("audit")) {
                if (wanted === "slow") throw new TypeError("Failed to fetch");
                const entry = { at, user: "ada", act: "start-export", subject: wanted, details: {} };
                return Response.json({ entries: [entry], names: {}, cursor: null });
            }
            const entry = { at, user: "ada", method: "GET", path: `/${wanted}`, status: 200, refused: null };
            return Response.json({ entries: [entry], names: {}, cursor: "next" });
        };
        """
    )
    page = stub.page
    page.get_by_role("link", name="Audit record").click()
    for search in ("slow", "fast"):
        page.get_by_role("searchbox", name="Of what").fill(search)
        page.get_by_role("button", name="Show entries").click()
        page.get_by_label("Search for").fill(search)
        page.get_by_role("button", name="Show requests").click()
    expect(page.get_by_role("row").filter(has_text="fast")).to_have_count(2)
    # What is typed afterwards is not part of the search.
    page.get_by_label("Search for").fill("other")
    page.locator(".access-search").last.locator("xpath=..").get_by_role("button", name="Show more").click()
    expect(page.get_by_role("row").filter(has_text="fast")).to_have_count(3)
    stub.run("window.go();")
    stub.pass_time(1_000)
    expect(page.get_by_role("row").filter(has_text="slow")).to_have_count(0)
    expect(stub.app.sheet).not_to_contain_text("cannot be reached")


def test_all_unreadable_files_are_deleted_together(stub: StubbedPage) -> None:
    stub.open()
    stub.run("""
        for (let number = 0; number < 70; number++) {
            server.arrive("mammography-views", number % 35 ? "quarantined" : "classified");
        }
    """)
    page = stub.page
    page.get_by_label("Show", exact=True).select_option("Could not be read")
    page.get_by_role("button", name="Select").click()
    page.get_by_role("button", name="All, up to 1,000").click()
    page.get_by_role("button", name="Delete 68…").click()
    dialog = page.get_by_role("dialog", name="Delete 68 results for good?")
    dialog.get_by_role("button", name="Delete for good").click()
    expect(page.locator("#toast")).to_have_text("Deleted for good: 68.")
    expect(page.locator("#worklist-rows li")).to_have_count(0)
    assert stub.run("return server.results.size;") == 2
    assert stub.run("return [...server.results.values()].every(({ status }) => status === 'classified');")


def test_upload_that_was_left_is_not_waited_for(stub: StubbedPage) -> None:
    stub.open()
    stub.run(
        """
        const now = Date.now();
        const arrive = (status, n) => server.arrive("mammography-views", status, now - 3 + n);
        ["classified", "received", "classified"].forEach(arrive);
        """
    )
    stub.run("[...server.results.values()][1].uploading = true;")
    left = stub.page.locator("#worklist-rows a.received .row-label")
    stub.pass_time(40_000)
    expect(left).to_have_text("Processing…")
    stub.pass_time(120_000)
    expect(left).to_have_text("Upload incomplete")

    rows = stub.page.locator("#worklist-rows a")
    rows.first.click()
    stub.app.wait_for_result()
    stub.page.keyboard.press("j")
    expect(rows.last).to_have_attribute("aria-current", "true")

    stub.run("server.finish([...server.results.keys()][1], 'classified');")
    stub.pass_time(60_000)
    expect(left).to_have_count(0)
    expect(stub.page.locator("#worklist-rows a.classified")).to_have_count(3)


def test_page_that_is_left_gives_its_uploads_up(stub: StubbedPage) -> None:
    stub.open()
    stub.run("server.bucket = () => new Promise(() => {});")
    stub.drop(["a", "b"])
    stub.wait_until("server.posts === 2")
    stub.run("dispatchEvent(new PageTransitionEvent('pagehide'));")
    stub.wait_until(
        "server.requests.filter((request) => request.startsWith('DELETE /api/uploads/')).length === 2"
    )


def test_file_chosen_alone_is_recognised_like_in_a_batch(stub: StubbedPage) -> None:
    stub.open()
    stub.drop(["a", "b"])
    stub.app.wait_for_queue()
    stub.forget_requests()
    stub.drop(["a"], "again")
    stub.app.wait_for_result()
    expect(stub.page.locator("#toast")).to_have_text(re.compile("Already uploaded"))
    assert stub.requests("POST ") == []


@pytest.mark.parametrize("left", [False, True], ids=["still open", "left"])
def test_hidden_result_does_not_leave_the_image_that_was_opened_meanwhile(
    stub: StubbedPage, left: bool
) -> None:
    stub.open()
    app = stub.app
    hidden, following, chosen = (stub.run('return server.arrive("mammography-views").id;') for _ in range(3))
    app.row(hidden).get_by_role("link").click()
    app.wait_for_view(f"#/results/{hidden}")
    stub.run(
        """
        const before = window.fetch;
        window.fetch = async (input, options) => {
            if (!String(input).endsWith("/hidden")) return before(input, options);
            await new Promise((go) => (window.go = go));
            const result = server.results.get(given);
            return Response.json({ ...result, hidden: { by: "test", at: result.created_at } });
        };
        """,
        hidden,
    )
    offer(app, "Hide").click()
    stub.wait_until("window.go")
    if left:
        app.row(chosen).get_by_role("link").click()
        app.wait_for_view(f"#/results/{chosen}")
    stub.run("window.go();")
    expect(app.row(hidden)).to_have_count(0)
    app.wait_for_view(f"#/results/{chosen if left else following}")
