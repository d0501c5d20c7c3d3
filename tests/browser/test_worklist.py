"""The worklist: live updates, filters, sorting, and long lists."""

import re
from pathlib import Path

from playwright.sync_api import APIRequestContext, expect

from tests.browser import samples
from tests.browser.app_page import PATIENCE_MS, TASK, AppPage
from tests.browser.results import serve_many
from tests.browser.stubbed_page import StubbedPage
from tests.stack.client import wait_for


def send(request: APIRequestContext, address: str, data: bytes | None = None) -> str:
    """Classify an image, a phantom if none is given, as another client; return the id of its result."""
    answer = request.post(
        f"{address}/api/tasks/{TASK}/classify",
        data=data or samples.jpeg()["buffer"],
        headers={"Content-Type": "image/jpeg"},
    )
    assert answer.ok, answer.text()
    return str(answer.json()["id"])


def send_film(request: APIRequestContext, address: str, data_set: Path) -> str:
    """Classify a mammogram that needs no review, as another client; return the id of its result."""
    for film in sorted((data_set / TASK / "test" / "right-cc").glob("*.jpg"))[:10]:
        result_id = send(request, address, film.read_bytes())
        if not request.get(f"{address}/api/results/{result_id}").json()["needs_review"]:
            return result_id
    raise AssertionError("ten mammograms need a review")


def test_worklist_shows_results_of_other_clients(app: AppPage) -> None:
    app.open()
    expect(app.page.locator("#worklist-status")).not_to_have_text("Loading…")
    result_id = send(app.page.request, app.address)
    expect(app.row(result_id)).to_be_visible(timeout=PATIENCE_MS)


def test_row_opens_its_result_at_a_shareable_address(app: AppPage) -> None:
    result_id = send(app.page.request, app.address)
    app.open()
    row = app.row(result_id).get_by_role("link")
    label = row.locator(".row-label").inner_text()
    row.click()
    expect(app.heading).to_have_text(label)
    expect(app.heading).to_be_focused()
    expect(row).to_have_attribute("aria-current", "true")
    shared = app.page.url
    assert shared.endswith(f"#/results/{result_id}")

    app.page.goto("about:blank")
    app.page.goto(shared)
    app.wait_for_result(result_id)
    expect(app.heading).to_have_text(label)
    expect(app.image).to_be_visible()


def test_back_returns_to_the_task(app: AppPage) -> None:
    app.open()
    app.classify(samples.jpeg())
    app.page.go_back()
    expect(app.page.get_by_role("button", name="Choose images…")).to_be_visible()


def test_back_and_forward_open_the_image_in_the_address_after_a_change_of_filters(stub: StubbedPage) -> None:
    stub.open()
    first, second = (stub.run('return server.arrive("mammography-views").id;') for _ in range(2))
    app = stub.app
    for result_id in (first, second):
        app.row(result_id).get_by_role("link").click()
        app.wait_for_view(f"#/results/{result_id}")
    app.page.get_by_label("Show", exact=True).select_option("To review")
    expect(app.page).to_have_url(re.compile("show=to-review"))
    # Not go_back, which waits for a page to load.
    app.page.evaluate("history.back()")
    app.wait_for_view(f"#/results/{first}")
    expect(app.row(first).get_by_role("link")).to_have_attribute("aria-current", "true")
    expect(app.page).to_have_url(re.compile(f"show=to-review#/results/{first}$"))
    app.page.evaluate("history.forward()")
    app.wait_for_view(f"#/results/{second}")


def test_reopened_result_shows_the_original(app: AppPage) -> None:
    app.open()
    first = app.classify(samples.jpeg())
    assert app.classify(samples.jpeg()) != first
    app.row(first).get_by_role("link").click()
    app.wait_for_result(first)
    expect(app.caption).to_have_text("phantom.jpg · Original, 300 × 600 pixels")


def test_hidden_page_makes_no_requests(first_visit: AppPage) -> None:
    app = first_visit

    def asked() -> list[str]:
        # A page that is really hidden draws no rows, so it loads none of their pictures either.
        return [request.url for request in app.requests if "/preview" not in request.url]

    app.page.clock.install()
    app.open()
    expect(app.page.locator("#worklist-status")).not_to_have_text("Loading…")
    app.page.evaluate(
        """() => {
            Object.defineProperty(document, "hidden", { value: true, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    # What was asked before may still be answered, and a list may have several parts.
    app.wait_until(lambda: not app.unfinished)
    app.page.clock.run_for(1_000)
    app.wait_until(lambda: not app.unfinished)
    before = asked()
    app.page.clock.run_for(60_000)
    app.page.wait_for_timeout(500)
    assert asked() == before


def test_drop_folder_address_is_shown(app: AppPage) -> None:
    bucket = app.page.request.get(f"{app.address}/api/stage").json()["data_bucket"]
    app.open()
    app.page.locator("#drop-folder summary").click()
    expect(app.page.locator("#drop-folder-address")).to_have_text(f"s3://{bucket}/inbox/{TASK}/")


def test_filters_apply_to_list_and_export(app: AppPage, data_set: Path) -> None:
    app.open()
    flagged = app.classify(samples.both_breasts())
    other = send_film(app.page.request, app.address, data_set)
    expect(app.row(other)).to_be_visible(timeout=PATIENCE_MS)
    show = app.page.get_by_label("Show", exact=True)
    show.select_option("To review")
    expect(app.row(flagged)).to_be_visible()
    expect(app.row(other)).to_have_count(0)

    # Reviewed results stay until the list is reloaded, so that the review can be undone.
    app.heading.focus()
    app.press("Enter")
    expect(app.row(flagged)).to_contain_text("Confirmed")
    show.select_option("Reviewed")
    expect(app.row(flagged)).to_be_visible()
    expect(app.row(other)).to_have_count(0)
    with app.page.expect_download() as download:
        app.page.get_by_role("link", name="Export CSV").click()
    exported = download.value.path().read_text()
    assert exported.startswith("id,")
    assert flagged in exported
    assert other not in exported
    show.select_option("To review")
    expect(app.page.locator("#worklist-status")).not_to_have_text("Loading…")
    expect(app.row(flagged)).to_have_count(0)


def test_filters_by_day_class_and_task(app: AppPage) -> None:
    result_id = send(app.page.request, app.address)
    label = app.page.request.get(f"{app.address}/api/results/{result_id}").json()["label"]
    app.open()
    app.page.locator("#more-filters").click()
    today = str(app.page.evaluate("new Date().toLocaleDateString('sv')"))
    app.page.get_by_label("From", exact=True).fill(today)
    app.page.get_by_label("To", exact=True).fill(today)
    expect(app.row(result_id)).to_be_visible()
    expect(app.page.locator("#more-filters")).to_have_text("Filter and sort (2 active)")
    app.page.get_by_label("To", exact=True).fill("2020-01-01")
    expect(app.row(result_id)).to_be_visible()
    app.page.get_by_label("From", exact=True).fill("2020-01-01")
    expect(app.page.locator("#worklist-status")).to_have_text("No results match the filters.")
    app.page.get_by_role("button", name="Reset").last.click()
    expect(app.row(result_id)).to_be_visible()

    classes = app.page.get_by_label("Class", exact=True)
    values = classes.locator("option").evaluate_all("(all) => all.map((one) => one.value)")
    classes.select_option(label)
    expect(app.row(result_id)).to_be_visible()
    classes.select_option(next(value for value in values if value not in ("", label)))
    expect(app.row(result_id)).to_have_count(0)

    app.page.get_by_label("Tasks", exact=True).select_option("All tasks")
    expect(classes).to_be_disabled()
    expect(app.row(result_id)).to_contain_text("Mammography views")


def test_filters_are_kept_in_the_address(app: AppPage) -> None:
    result_id = send(app.page.request, app.address)
    label = app.page.request.get(f"{app.address}/api/results/{result_id}").json()["label"]
    app.open()
    assert "?" not in app.page.url
    app.page.locator("#more-filters").click()
    app.page.get_by_label("Show", exact=True).select_option("Not reviewed")
    app.page.get_by_label("Class", exact=True).select_option(label)
    app.page.get_by_label("Sort by", exact=True).select_option("Oldest first")
    expect(app.page).to_have_url(
        re.compile(rf"/\?show=not-reviewed&label={label}&order=oldest#/tasks/{TASK}$")
    )

    # Other places of the page keep them, and so does a reload.
    app.page.get_by_role("link", name="Models").click()
    app.page.get_by_role("link", name="Images").click()
    app.reload()
    app.wait_for_view()
    expect(app.page.get_by_label("Show", exact=True)).to_have_value("not-reviewed")
    expect(app.page.locator("#more-filters")).to_have_text("Filter and sort (2 active)")
    expect(app.rows.first).to_be_visible()

    app.page.locator("#more-filters").click()
    app.page.locator("#filters").get_by_role("button", name="Reset").click()
    expect(app.page).to_have_url(f"{app.address}/#/tasks/{TASK}")


def test_odd_filters_in_the_address_are_ignored(app: AppPage) -> None:
    app.page.goto(f"{app.address}/?show=nothing&label=%00&from=yesterday&order=best#/tasks/{TASK}")
    app.wait_for_view()
    expect(app.page.get_by_label("Show", exact=True)).to_have_value("everything")
    expect(app.page.locator("#more-filters")).to_have_text("Filter and sort")
    expect(app.page.locator("#worklist-status")).not_to_contain_text("Loading")


def test_click_on_a_row_that_moves_meanwhile_opens_its_result(stub: StubbedPage) -> None:
    stub.open()
    arrive = """
        const { id } = server.arrive("mammography-views");
        document.dispatchEvent(new Event("visibilitychange"));
        return id;
    """
    result_id = stub.run(arrive)
    link = stub.app.row(result_id).get_by_role("link")
    link.hover()
    stub.page.mouse.down()
    stub.run(arrive)
    expect(stub.app.rows).to_have_count(2)
    stub.page.mouse.up()
    stub.app.wait_for_result(result_id)
    expect(stub.app.row(result_id)).to_have_attribute("aria-posinset", "2")


def test_list_of_100000_renders_only_visible_rows(app: AppPage) -> None:
    asked = serve_many(app, 100_000)
    app.open()
    expect(app.rows.first).to_be_visible()
    assert app.rows.count() < 60
    # Only the needed pages were requested; the first one may have been requested again since.
    assert len(set(asked)) <= 2
    box = app.page.locator("#worklist-box")
    for _ in range(5):
        height = box.evaluate("(box) => box.scrollHeight")
        box.evaluate("(box) => box.scrollTo(0, box.scrollHeight)")
        wait_for(lambda height=height: box.evaluate("(box) => box.scrollHeight") > height)  # type: ignore[misc]
    assert app.rows.count() < 60
    assert len(set(asked)) > 4
    # The whole list, as after an hour of scrolling: one step of scrolling must still be fast.
    fastest, last, there = app.page.evaluate(
        """async () => {
            const { Rows } = await import("/modules/rows.js");
            const box = document.getElementById("worklist-box");
            const list = document.getElementById("worklist-rows");
            list.replaceChildren();
            const row = (item) => Object.assign(document.createElement("li"), { textContent: item });
            const rows = new Rows({ box, list, make: row, key: String });
            rows.show(Array.from({ length: 100_000 }, (_, index) => index), false);
            // The fastest of many, since the machine may be busy with other things during some.
            let fastest = Infinity;
            for (let step = 0; step < 100; step++) {
                const began = performance.now();
                box.scrollTop = step * 3000;
                rows.render();
                fastest = Math.min(fastest, performance.now() - began);
            }
            return [fastest, Number(list.lastElementChild.textContent), list.childElementCount];
        }"""
    )
    assert fastest < 16
    assert last > 4_000
    assert there < 60


def test_orders_by_probability_cover_all_results(app: AppPage) -> None:
    asked = serve_many(app, 1000)
    app.open()
    app.page.locator("#more-filters").click()
    order = app.page.get_by_label("Sort by", exact=True)
    order.select_option("Lowest probability first")
    expect(app.rows.first).to_contain_text("40.0%")
    assert "order=least-sure" in asked[-1]
    app.page.locator("#worklist-box").evaluate("(box) => box.scrollTo(0, box.scrollHeight)")
    app.wait_until(lambda: "cursor=" in asked[-1])
    shares = app.rows.locator(".row-note span").filter(has_text="%").all_inner_texts()
    assert shares == sorted(shares, key=lambda share: float(share[:-1]))

    # Tasks cannot be compared.
    app.page.get_by_label("Tasks", exact=True).select_option("All tasks")
    expect(order).to_have_value("newest")
    expect(order.get_by_role("option", name="Lowest probability first")).to_be_disabled()


def test_search_finds_results_by_id_class_and_comment(app: AppPage) -> None:
    found, other = (send(app.page.request, app.address) for _ in range(2))
    label = app.page.request.get(f"{app.address}/api/results/{found}").json()["label"]
    said = {"label": label, "comment": f"Motion blur {found[:9]}"}
    app.page.request.put(f"{app.address}/api/results/{found}/review", data=said)
    app.open()
    app.page.locator("#more-filters").click()
    search = app.page.get_by_role("searchbox", name="Search")
    for text in (found[4:12], f"motion blur {found[:9]}"):
        search.fill(text)
        expect(app.row(found)).to_be_visible()
        expect(app.row(other)).to_have_count(0)
        expect(app.rows).to_have_count(1)
    search.fill("no such thing")
    expect(app.page.locator("#worklist-status")).to_have_text("No results match the filters.")
    search.fill(label.replace("-", " "))
    expect(app.row(other)).to_be_visible()
    assert f"search={label.replace('-', '+')}" in app.page.url


def test_oldest_first_is_sorted_by_the_server(app: AppPage) -> None:
    asked = serve_many(app, 10)
    app.open()
    app.page.locator("#more-filters").click()
    app.page.get_by_label("Sort by", exact=True).select_option("Oldest first")
    expect(app.rows.first).to_have_attribute("data-id", f"{9:032x}")
    assert "order=oldest" in asked[-1]


def test_arrow_keys_move_through_rows(app: AppPage) -> None:
    serve_many(app, 500)
    app.open()
    app.rows.first.get_by_role("link").focus()
    app.press("ArrowDown", "ArrowDown")
    expect(app.row(f"{2:032x}").get_by_role("link")).to_be_focused()
    app.press("End")
    expect(app.page.locator("#worklist-rows a:focus")).to_be_in_viewport()
    app.press("Home")
    expect(app.row(f"{0:032x}").get_by_role("link")).to_be_focused()
    expect(app.row(f"{0:032x}")).to_have_attribute("aria-posinset", "1")


def test_quarantined_drop_folder_file_shows_its_reason(app: AppPage) -> None:
    serve_many(app, 20)
    app.open()
    row = app.row(f"{7:032x}")
    expect(row).to_contain_text("Could not be read")
    expect(row).to_contain_text("drop folder")
