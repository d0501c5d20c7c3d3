"""The upload queue: mixed files, pause, cancel, retry, and leaving the page."""

import json
import re
import time
from pathlib import Path

from playwright.sync_api import FilePayload, Request, Route, expect

from tests.browser import samples
from tests.browser.app_page import PATIENCE_MS, TASK, AppPage
from tests.browser.stubbed_page import StubbedPage


def named(name: str, file: FilePayload) -> FilePayload:
    """A file under another name."""
    return FilePayload(name=name, mimeType=file["mimeType"], buffer=file["buffer"])


def jpegs(number: int) -> list[FilePayload]:
    """`number` different JPEG files."""
    return [named(f"film-{index:03d}.jpg", samples.jpeg()) for index in range(number)]


def asks(app: AppPage) -> list[Request]:
    """The requests for upload permissions."""
    return [request for request in app.requests if request.url.endswith("/api/uploads")]


def test_files_dropped_before_the_tasks_are_loaded_are_uploaded(app: AppPage) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    app.intercept("**/api/tasks", hold)
    app.page.goto(app.address)
    app.wait_until(lambda: held)
    app.drop(*jpegs(2))
    for route in held:
        route.continue_()
    app.wait_for_queue()
    expect(app.page.locator("#queue-summary")).to_have_text("2 of 2 done")


def test_mixed_files_all_reach_a_final_state(app: AppPage) -> None:
    film = samples.jpeg()
    app.open()
    app.drop(
        *jpegs(4),
        named("a.jpg", film),
        named("scan.dcm", samples.dicom()),
        named("deep.png", samples.deep_png()),
        named("broken.jpg", samples.truncated_jpeg()),
        named("report.txt", samples.text_file()),
        named("nothing.png", samples.empty_file()),
        named("copy of a.jpg", film),
    )
    app.wait_for_queue()
    # Announcements stay for ten seconds. Results that arrive at the same time do not interrupt it.
    expect(app.page.locator("#announcer")).to_contain_text("Upload finished")
    expect(app.page.locator("#queue-summary")).to_have_text(
        "11 of 11 done · 1 already uploaded · 3 not usable"
    )
    expect(app.queued("broken.jpg")).to_contain_text("damaged or cut off")
    expect(app.queued("report.txt")).to_contain_text("was not sent")
    expect(app.queued("nothing.png")).to_contain_text("empty")
    expect(app.queued("copy of a.jpg")).to_contain_text("Already uploaded")
    expect(app.queued("scan.dcm")).to_contain_text("Classified")
    # Neither the copy, nor the text, nor the empty file was sent.
    assert len(asks(app)) == 8

    # The copy links to the result of the original file, shown from this device.
    app.queued("copy of a.jpg").get_by_role("link").click()
    app.wait_for_result()
    expect(app.caption).to_have_text("a.jpg · Original, 300 × 600 pixels")
    # A file that could not be read links to the reason.
    app.queued("broken.jpg").get_by_role("link").click()
    expect(app.heading).to_have_text("Could not be read")
    # One can go on from here without the keyboard.
    expect(app.page.get_by_role("button", name="Choose images…")).to_be_visible()
    app.page.get_by_role("button", name="Next in worklist").click()
    expect(app.heading).not_to_have_text("Could not be read")


def test_results_are_requested_in_lists(app: AppPage) -> None:
    app.open()
    app.drop(*jpegs(12))
    app.wait_for_queue()
    single = [request for request in app.requests if re.search("/api/results/[0-9a-f]{32}$", request.url)]
    assert single == []
    for request in app.requests:
        assert "film-" not in request.url
        assert b"film-" not in (request.post_data_buffer or b"")


def test_repeated_files_are_recognised_after_a_reload(app: AppPage) -> None:
    films = jpegs(3)
    app.open()
    app.drop(*films)
    app.wait_for_queue()
    app.reload()
    app.requests.clear()
    app.drop(*films)
    app.wait_for_queue()
    expect(app.page.locator("#queue-summary")).to_have_text("3 of 3 done · 3 already uploaded")
    assert asks(app) == []


def test_pause_stops_and_resume_continues(app: AppPage) -> None:
    app.open()
    held: list[Route] = []
    app.intercept("**/api/uploads", lambda route: held.append(route))
    app.drop(*jpegs(8))
    # A few files are sent at a time, and uploads in progress are completed.
    app.wait_until(lambda: len(held) == 3)
    app.queue.get_by_role("button", name="Pause").click()
    expect(app.page.locator("#queue-summary")).to_contain_text("paused")
    app.page.unroute("**/api/uploads")
    for route in held:
        route.continue_()
    expect(app.queued("film-000")).to_contain_text("Classified", timeout=PATIENCE_MS)
    expect(app.queued("film-007")).to_contain_text("Queued")
    assert len(asks(app)) == len(held) == 3
    app.page.locator("body").press("p")
    app.wait_for_queue()
    expect(app.page.locator("#queue-summary")).to_have_text("8 of 8 done")


def test_uploads_can_be_cancelled_and_retried(app: AppPage) -> None:
    app.open()
    held: list[Route] = []
    app.intercept("**/api/uploads", lambda route: held.append(route))
    app.drop(*jpegs(6))
    app.queued("film-001").get_by_role("button", name="Cancel: film-001.jpg").click()
    expect(app.queued("film-001")).to_contain_text("Cancelled")
    expect(app.queued("film-005")).to_contain_text("Queued")
    app.queue.get_by_role("button", name="Cancel remaining").click()
    expect(app.page.locator("#queue-summary")).to_have_text("0 of 6 done · 6 cancelled")
    app.page.unroute("**/api/uploads")
    app.queued("film-005").get_by_role("button", name="Try again: film-005.jpg").click()
    expect(app.queued("film-005")).to_contain_text("Classified", timeout=PATIENCE_MS)
    expect(app.page.locator("#queue-summary")).to_have_text("1 of 6 done · 5 cancelled")


def test_busy_server_is_retried_with_backoff(app: AppPage) -> None:
    app.http_errors_expected = True
    app.open()
    refused: list[Route] = []

    def refuse(route: Route) -> None:
        refused.append(route)
        if len(refused) <= 3:
            route.fulfill(status=503, json={"code": "X", "message": "Busy.", "request_id": None})
        else:
            route.continue_()

    started = time.monotonic()
    app.intercept("**/api/uploads", refuse)
    app.drop(samples.jpeg(), samples.text_file())
    app.wait_for_queue()
    expect(app.page.locator("#queue-summary")).to_have_text("2 of 2 done · 1 not usable")
    assert len(refused) == 4
    # Half a second, one and two seconds, each shortened by at most a half.
    assert time.monotonic() - started > 1.75


def test_interrupted_upload_is_retried_with_the_same_permission(app: AppPage) -> None:
    app.http_errors_expected = True
    app.open()
    failed: list[str] = []

    def fail_once(route: Route) -> None:
        if route.request.method == "POST" and not failed:
            failed.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    app.intercept(lambda url: not url.startswith(app.address), fail_once)
    app.drop(samples.jpeg(), samples.text_file())
    app.wait_for_queue()
    assert len(failed) == 1
    assert len(asks(app)) == 1
    expect(app.page.locator("#queue-summary")).to_have_text("2 of 2 done · 1 not usable")


def test_review_begins_after_the_upload(app: AppPage) -> None:
    app.open()
    app.drop(*jpegs(3))
    begin = app.page.get_by_role("button", name="Review 3 now")
    expect(begin).to_be_hidden()
    app.wait_for_queue()
    newest = app.queued("film-002").get_by_role("link").get_attribute("href")
    begin.click()
    expect(app.page).to_have_url(re.compile(f"{newest}$"))
    app.wait_for_result()
    expect(app.queue).to_be_hidden()
    expect(app.page.locator("#filter-show")).to_have_value("to-review")
    expect(app.row(app.page.url.rsplit("/", 1)[1])).to_be_visible()


def test_finished_list_makes_room_for_an_image_once(app: AppPage) -> None:
    app.open()
    app.drop(*jpegs(2))
    app.wait_for_queue()
    rows, files = app.page.locator("#queue-rows"), app.page.locator("#queue-details > summary")
    expect(app.page.locator("#queue-progress")).to_be_hidden()
    expect(rows).to_be_visible()
    app.rows.first.get_by_role("link").click()
    app.wait_for_result()
    expect(rows).to_be_hidden()
    expect(app.queue).to_contain_text("2 of 2 done")
    # Whoever opens it again wants to see it.
    files.click()
    first = app.page.url
    app.press("j")
    expect(app.page).not_to_have_url(first)
    app.wait_for_result()
    expect(rows).to_be_visible()


def test_refused_upload_is_reported_and_can_be_retried(app: AppPage) -> None:
    app.http_errors_expected = True
    app.open()
    answer = {"code": "TaskHasNoModel", "message": "There is no model yet.", "request_id": "r-1"}
    app.intercept("**/api/uploads", lambda route: route.fulfill(status=409, json=answer))
    app.drop(*jpegs(2))
    expect(app.queued("film-000")).to_contain_text("There is no model yet.")
    expect(app.page.locator("#queue-summary")).to_contain_text("2 failed")
    app.page.unroute("**/api/uploads")
    app.queue.get_by_role("button", name="Retry failed").click()
    app.wait_for_queue()
    expect(app.page.locator("#queue-summary")).to_have_text("2 of 2 done")


def test_leaving_warns_and_the_next_visit_reports_what_is_missing(app: AppPage) -> None:
    films = jpegs(5)
    app.open()
    left: list[Route] = []

    def let_two_through(route: Route) -> None:
        left.append(route)
        if len(left) <= 2:
            route.continue_()

    app.intercept("**/api/uploads", let_two_through)
    app.drop(*films)
    expect(app.page.locator("#queue-summary")).to_contain_text("2 of 5 done", timeout=PATIENCE_MS)
    warnings: list[str] = []

    def leave(dialog: object) -> None:
        warnings.append(dialog.type)  # type: ignore[attr-defined]
        dialog.accept()  # type: ignore[attr-defined]

    app.page.on("dialog", leave)
    # Browsers warn only after a user action on the page.
    app.page.locator("#queue-summary").click()
    app.page.reload()
    assert warnings == ["beforeunload"]
    app.page.unroute("**/api/uploads")
    notice = app.page.locator("#left-words")
    expect(notice).to_contain_text("Uploaded: 2; these are safe. Not uploaded: 3.")
    app.wait_for_view()
    app.drop(*films)
    app.wait_for_queue()
    expect(app.page.locator("#queue-summary")).to_have_text("5 of 5 done · 2 already uploaded")
    expect(notice).to_be_hidden()
    app.reload()
    expect(app.queue).to_be_hidden()
    assert warnings == ["beforeunload"]


def test_chosen_folder_is_read_recursively(app: AppPage, tmp_path: Path) -> None:
    (tmp_path / "case" / "left").mkdir(parents=True)
    (tmp_path / "case" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "case" / "one.jpg").write_bytes(samples.jpeg()["buffer"])
    (tmp_path / "case" / "left" / "two.jpg").write_bytes(samples.jpeg()["buffer"])
    app.open()
    app.picker_files = tmp_path / "case"
    app.page.get_by_role("button", name="Choose folder…").click()
    app.wait_for_queue()
    expect(app.page.locator("#queue-summary")).to_have_text("2 of 2 done")


def test_dropped_folder_is_read_recursively(app: AppPage) -> None:
    app.open()
    # Browsers provide real folders only for real drops, so the test passes equivalent objects.
    app.page.evaluate(
        """() => {
            const file = (name) => ({
                isFile: true, isDirectory: false, name,
                file: (done) => done(new File([`${name} is a text`], name)),
            });
            const folder = (name, ...inside) => ({
                isFile: false, isDirectory: true, name,
                createReader: () => ({ readEntries: (done) => done(inside.splice(0, 2)) }),
            });
            const entry = folder("case", file("c"), file(".hidden"), folder("left", file("b"), file("a")));
            const dataTransfer = {
                files: [new File([], "case")], types: ["Files"],
                items: [{ webkitGetAsEntry: () => entry }],
            };
            const drop = new DragEvent("drop", { bubbles: true, cancelable: true });
            Object.defineProperty(drop, "dataTransfer", { value: dataTransfer });
            document.body.dispatchEvent(drop);
        }"""
    )
    app.wait_for_queue()
    names = app.page.locator("#queue-rows .row-label").all_inner_texts()
    assert sorted(names) == ["a", "b", "c"]
    expect(app.page.locator("#queue-summary")).to_have_text("3 of 3 done · 3 not usable")


def test_queue_of_hundreds_renders_only_visible_rows(app: AppPage) -> None:
    app.open()
    texts = [
        FilePayload(name=f"{index}.txt", mimeType="text/plain", buffer=b"text %d" % index)
        for index in range(600)
    ]
    app.drop(*texts)
    app.wait_for_queue()
    expect(app.page.locator("#queue-summary")).to_have_text("600 of 600 done · 600 not usable")
    assert app.page.locator("#queue-rows > li").count() < 40
    assert app.posts() == []


def test_queue_takes_nothing_for_a_task_without_model(app: AppPage) -> None:
    answer = app.page.request.get(f"{app.address}/api/tasks").json()
    for task in answer["tasks"]:
        task["model"] = None
    app.intercept("**/api/tasks", lambda route: route.fulfill(body=json.dumps(answer)))
    app.open(f"#/tasks/{TASK}")
    app.drop(*jpegs(2))
    expect(app.problem).to_contain_text("No model has been trained")
    expect(app.queue).to_be_hidden()


def test_refused_files_leave_no_image_that_could_be_reviewed(stub: StubbedPage) -> None:
    stub.open()
    app = stub.app
    result_id = stub.run('return server.arrive("mammography-views").id;')
    link = app.row(result_id).get_by_role("link")
    link.click()
    app.wait_for_view(f"#/results/{result_id}")
    stub.run("server.dropFiles([]);")
    expect(app.problem).to_contain_text("This folder contains no files")
    app.wait_for_view(f"#/tasks/{TASK}")
    stub.forget_requests()
    app.press("1")
    stub.pass_time(1_000)
    assert stub.requests("PUT") == []
    expect(link).not_to_have_attribute("aria-current", "true")
    link.click()
    app.wait_for_view(f"#/results/{result_id}")
