"""Thousands of uploads and unusual failures: each upload ends, is sent once, and reports delays."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import samples
from tests.browser.stubbed_page import StubbedPage

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS

# Records the events of the watcher; each image is announced five seconds after its `since`.
WATCH = """
    const { ResultWatch } = await import("/modules/resultwatch.js");
    window.told = { results: [], overdue: [], givenUp: [] };
    window.watch = new ResultWatch({
        onResult: ({ id }) => told.results.push(id),
        onOverdue: (id) => told.overdue.push(id),
        onGiveUp: (id) => told.givenUp.push(id),
    });
    window.since = ({ created_at }, error = 0) =>
        new Date(Date.parse(created_at) - 5000 + error).toISOString();
"""


def different(number: int) -> list[str]:
    """Contents of `number` different files."""
    return [f"film {index}" for index in range(number)]


def test_results_behind_a_stuck_image_are_found(stub: StubbedPage) -> None:
    stub.open()
    # Between each two images of this page, eighty other images arrive.
    stub.run(
        """
        server.decide = (number) => (number === 0 ? "received" : "classified");
        server.bucket = () => {
            for (let other = 0; other < 80; other++) server.arrive("mammography-views");
            return 204;
        };
        """
    )
    stub.drop(different(30))
    expect(stub.summary).to_have_text("29 of 30 done")
    expect(stub.app.queued("film-0000")).to_contain_text("Classifying")


def test_thousands_of_results_are_each_reported_once(stub: StubbedPage) -> None:
    stub.open()
    stub.run(WATCH)
    # Two tasks; the first image of each is stuck. Many images arrive in the same millisecond.
    stub.run(
        """
        const start = Date.now();
        for (let index = 0; index < 2400; index++) {
            const task = index % 3 === 1 ? "chest-xray" : "mammography-views";
            const moment = start + Math.floor(index / 800) * 25_000;
            const result = server.arrive(task, index < 2 ? "received" : "classified", moment);
            watch.await(result.id, { task, since: since(result) });
        }
        """
    )
    stub.pass_time(MINUTE_MS)
    assert stub.run("return [told.results.length, new Set(told.results).size];") == [2398, 2398]
    assert stub.run("return [...watch.awaited.keys()].map((id) => parseInt(id, 16));") == [0, 1]


def test_wrong_clock_hides_no_result(stub: StubbedPage) -> None:
    stub.open()
    stub.run(WATCH)
    stub.run(
        """
        for (let index = 0; index < 12; index++) {
            const result = server.arrive("mammography-views");
            const error = (index % 2 ? 1 : -1) * 3_600_000;
            watch.await(result.id, { task: result.task, since: since(result, error) });
        }
        """
    )
    stub.pass_time(MINUTE_MS)
    assert stub.run("return told.results.length;") == 12


def test_failing_list_does_not_delay_other_tasks(stub: StubbedPage) -> None:
    stub.open()
    stub.run(WATCH)
    for answer in ("network", {"status": 503}, {"status": 404, "code": "UnknownTask"}, {"status": 400}):
        stub.run(
            """
            told.results.length = 0;
            server.results.clear();
            server.refuseList = (query) => (query.get("task") === "mammography-views" ? given : null);
            for (const task of ["mammography-views", "chest-xray"]) {
                const result = server.arrive(task);
                watch.await(result.id, { task, since: since(result) });
            }
            """,
            answer,
        )
        stub.pass_time(10_000)
        assert stub.run("return told.results.map(Number);") == [1]
        stub.run("server.refuseList = () => null;")
        stub.pass_time(20_000)
        assert stub.run("return told.results.map(Number);") == [1, 0]


def test_intermittent_list_failures_are_retried_to_the_end(stub: StubbedPage) -> None:
    stub.open()
    stub.run(WATCH)
    # Every third page fails, and one cursor is refused.
    stub.run(
        """
        let asked = 0;
        server.refuseList = (query) => {
            asked++;
            if (asked === 8 && query.get("cursor")) return { status: 400, code: "InvalidRequest" };
            return asked % 3 === 0 ? { status: 503 } : null;
        };
        const start = Date.now();
        for (let index = 0; index < 2200; index++) {
            const status = index === 0 ? "received" : "classified";
            const result = server.arrive("mammography-views", status, start + index);
            watch.await(result.id, { task: result.task, since: since(result) });
        }
        """
    )
    stub.pass_time(2 * MINUTE_MS)
    assert stub.run("return told.results.length;") == 2199


def test_image_without_result_is_reported_and_can_be_retried(stub: StubbedPage) -> None:
    stub.open()
    stub.run('server.decide = (number) => (number === 0 ? "received" : "classified");')
    stub.drop(["stuck", "stuck", "other"])
    expect(stub.summary).to_have_text("1 of 3 done")
    stub.pass_time(3 * MINUTE_MS)
    expect(stub.summary).to_have_text("1 of 3 done · 2 still waiting")
    expect(stub.app.queued("film-0000")).to_contain_text("Still waiting: The server has this image")
    expect(stub.app.queued("film-0001")).to_contain_text("Still waiting")
    # Finished items can be cleared; others stay.
    stub.app.queue.get_by_role("button", name="Close", exact=True).click()
    expect(stub.summary).to_have_text("0 of 2 done · 2 still waiting")
    expect(stub.app.queue.get_by_role("button", name="Close", exact=True)).to_be_hidden()

    stub.forget_requests()
    stub.pass_time(HOUR_MS)
    # At most once a minute, with jitter.
    assert len(stub.requests("GET /api/results?task=mammography-views&from")) < 2 * 80
    stub.pass_time(10 * MINUTE_MS)
    expect(stub.summary).to_have_text("0 of 2 done · 2 without a result")
    expect(stub.app.queued("film-0000")).to_contain_text("No result: None after one hour. Try again")
    stub.app.queue.get_by_role("button", name="Retry failed").click()
    expect(stub.summary).to_have_text("2 of 2 done · 1 already uploaded")
    assert len(stub.requests("POST /api/uploads")) == 1


def test_late_result_ends_the_wait(stub: StubbedPage) -> None:
    stub.open()
    stub.run('server.decide = () => "received";')
    stub.drop(["late", "unreadable"])
    for name in ("film-0000", "film-0001"):
        expect(stub.app.queued(name)).to_contain_text("Classifying")
    stub.pass_time(3 * MINUTE_MS)
    expect(stub.summary).to_have_text("0 of 2 done · 2 still waiting")
    stub.run(
        """
        const [late, unreadable] = server.results.keys();
        server.finish(late, "classified");
        server.finish(unreadable, "quarantined");
        """
    )
    stub.pass_time(2 * MINUTE_MS)
    expect(stub.summary).to_have_text("2 of 2 done · 1 not usable")


def test_page_after_an_hour_of_sleep_polls_at_once_and_gives_up_nothing(stub: StubbedPage) -> None:
    stub.open()
    stub.run('server.decide = () => "received";')
    stub.drop(different(3))
    for name in ("film-0000", "film-0001", "film-0002"):
        expect(stub.app.queued(name)).to_contain_text("Classifying")
    stub.run(
        """
        Object.defineProperty(document, "hidden", { value: true, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
        """
    )
    stub.pass_time(MINUTE_MS)
    # The first request after waking fails for lack of a network.
    stub.run(
        """
        for (const id of server.results.keys()) server.finish(id, "classified");
        server.refuseList = () => "network";
        """
    )
    stub.page.clock.fast_forward(2 * HOUR_MS)
    stub.pass_time(MINUTE_MS)
    expect(stub.summary).to_have_text("0 of 3 done")
    stub.run(
        """
        server.refuseList = () => null;
        Object.defineProperty(document, "hidden", { value: false, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
        """
    )
    expect(stub.summary).to_have_text("3 of 3 done")


def test_aborted_wait_and_upload_do_not_start(stub: StubbedPage) -> None:
    stub.open()
    # No timer and no listener is left behind.
    assert stub.run(
        """
        const { pause } = await import("/modules/retry.js");
        const started = [];
        const realTimeout = window.setTimeout;
        window.setTimeout = (...parts) => (started.push("timer"), realTimeout(...parts));
        const reason = await pause(10, AbortSignal.abort("called off")).catch((reason) => reason);
        window.setTimeout = realTimeout;
        const { signal } = new AbortController();
        let listeners = 0;
        signal.addEventListener = () => listeners++;
        signal.removeEventListener = () => listeners--;
        await pause(1, signal);
        return [reason, started, listeners];
        """
    ) == ["called off", [], 0]
    # No request.
    assert stub.run(
        """
        const { post } = await import("/modules/upload.js");
        const started = [];
        XMLHttpRequest.prototype.send = () => started.push("request");
        const form = { url: "https://bucket.invalid/", fields: {} };
        const ended = AbortSignal.abort("called off");
        return [await post(form, new Blob(["x"]), ended, () => {}).catch((reason) => reason), started];
        """
    ) == ["called off", []]


def test_clear_removes_only_finished_items(stub: StubbedPage) -> None:
    stub.open()
    assert stub.run(
        """
        const { Queue } = await import("/modules/queue.js");
        const queue = new Queue({ onChange: () => {}, onResult: () => {} }, () => undefined);
        queue.paused = true;
        const states = Object.keys(queue.counts());
        queue.add("mammography-views", states.map((state) => new File(["x"], state)));
        queue.items.forEach((item) => (item.state = item.file.name));
        queue.clear();
        return queue.items.map(({ state }) => state);
        """
    ) == ["waiting", "checking", "sending", "classifying", "overdue"]


def test_equal_files_are_sent_one_at_a_time(stub: StubbedPage) -> None:
    stub.app.http_errors_expected = True
    stub.open()
    stub.run(
        """
        window.most = 0;
        let now = 0;
        server.bucket = async () => {
            window.most = Math.max(window.most, ++now);
            await new Promise((done) => requestIdleCallback(done));
            now--;
            return 204;
        };
        """
    )
    for failing in (1, 3):
        stub.run("window.left = given; server.posts = window.most = 0;", failing)
        stub.run('server.refuse = () => (window.left-- > 0 ? { status: 409, message: "Not now." } : null);')
        stub.forget_requests()
        stub.drop([f"same {failing}"] * 3)
        stub.app.wait_for_queue()
        done = 3 - failing
        parts = [
            f"{done} of 3 done",
            f"{done - 1} already uploaded" * (done > 1),
            f"{failing} failed" * (failing > 0),
        ]
        expect(stub.summary).to_have_text(" · ".join(filter(None, parts)))
        assert stub.run("return [server.posts, window.most];") == ([1, 1] if done else [0, 0])
        assert len(stub.requests("POST /api/uploads")) == failing + (done > 0)
        addresses = stub.page.locator("#queue-rows a").evaluate_all(
            "(links) => links.map(({ href }) => href)"
        )
        assert (len(addresses), len(set(addresses))) == (done, min(done, 1))
        stub.app.queue.get_by_role("button", name="Close", exact=True).click()


def test_equal_file_is_sent_after_the_first_is_cancelled(stub: StubbedPage) -> None:
    stub.open()
    stub.run("server.bucket = (number) => (number === 0 ? new Promise(() => {}) : 204);")
    stub.drop(["same", "same", "same", "other"])
    expect(stub.app.queued("film-0000")).to_contain_text("Uploading")
    stub.app.queued("film-0001").get_by_role("button", name="Cancel").click()
    # A slot is free again, though the file it waited for is still being sent.
    expect(stub.app.queued("film-0003")).to_contain_text("Classified")
    stub.app.queued("film-0000").get_by_role("button", name="Cancel").click()
    expect(stub.summary).to_have_text("2 of 4 done · 2 cancelled")
    expect(stub.app.queued("film-0002")).to_contain_text("Classified")
    stub.app.queued("film-0000").get_by_role("button", name="Try again").click()
    expect(stub.summary).to_have_text("3 of 4 done · 1 already uploaded · 1 cancelled")
    assert stub.run("return server.posts;") == 3


def test_equal_files_share_a_rejection(stub: StubbedPage) -> None:
    stub.open()
    stub.run('server.decide = () => "quarantined";')
    stub.drop(["same", "same", "same"])
    stub.app.wait_for_queue()
    for name in ("film-0000", "film-0001", "film-0002"):
        expect(stub.app.queued(name)).to_contain_text("Not usable: The file is damaged.")
    # Also after the first has ended.
    stub.drop(["same", "another"], "later")
    expect(stub.app.queued("later-0000")).to_contain_text("Not usable: The file is damaged.")


GONE = {
    "deleted": "server.results.delete(result.id);",
    "unusable": 'server.finish(result.id, "quarantined");',
    "of an earlier model": 'Object.assign(result, { model: { version: "0" } });',
}
"""What makes a result useless."""


@pytest.mark.parametrize("closed", [False, True], ids=["in the list", "list closed"])
@pytest.mark.parametrize("change", GONE.values(), ids=GONE)
def test_file_whose_result_is_of_no_use_is_sent_again(stub: StubbedPage, change: str, closed: bool) -> None:
    stub.open()
    stub.drop(["one", "other"])
    stub.app.wait_for_queue()
    if closed:
        stub.app.queue.get_by_role("button", name="Close", exact=True).click()
    stub.run(f"const [result] = server.results.values(); {change}")
    stub.drop(["one", "other"], "again")
    stub.app.wait_for_queue()
    expect(stub.app.queued("Already uploaded")).to_have_count(1)
    assert stub.run("return server.posts;") == 3


def test_double_retry_sends_once(stub: StubbedPage) -> None:
    stub.app.http_errors_expected = True
    stub.open()
    stub.run(
        """
        const { Queue } = await import("/modules/queue.js");
        window.queue = new Queue({ onChange: () => {}, onResult: () => {} }, () => undefined);
        server.refuse = (number) => (number === 0 ? { status: 409 } : null);
        server.bucket = () => new Promise((go) => (window.go = go));
        queue.add("mammography-views", [new File([new Uint8Array([0xff, 0xd8, 0xff]), "film"], "film")]);
        """
    )
    stub.wait_until('queue.items[0].state === "failed"')
    stub.run("for (let time = 0; time < 3; time++) queue.retry([...queue.items]);")
    stub.wait_until("window.go")
    stub.run("queue.retry([...queue.items]); window.go(204);")
    stub.wait_until('queue.items[0].state === "classified"')
    stub.run("queue.retry([...queue.items]);")
    assert stub.run("return [server.posts, queue.items[0].state];") == [1, "classified"]


def test_deleted_files_are_reported_in_the_queue(stub: StubbedPage, tmp_path: Path) -> None:
    paths = [tmp_path / f"film-{number}.jpg" for number in range(5)]
    for path in paths:
        path.write_bytes(samples.jpeg()["buffer"])
    stub.open()
    # Three wait for an upload permission; two have not been opened yet.
    stub.run("server.refuse = () => new Promise((go) => ((window.held ??= []).push(go)));")
    stub.app.picker_files = paths  # type: ignore[assignment]
    stub.page.get_by_role("button", name="Choose images…").click()
    stub.wait_until("window.held?.length === 3")
    for path in paths[1:4]:
        path.unlink()
    stub.run("server.refuse = () => null; for (const go of window.held) go(null);")
    stub.app.wait_for_queue()
    expect(stub.summary).to_have_text("5 of 5 done · 3 not usable")
    for number in (1, 2, 3):
        expect(stub.app.queued(f"film-{number}")).to_contain_text("could not read this file")


def test_deleted_single_file_is_reported(stub: StubbedPage, tmp_path: Path) -> None:
    path = tmp_path / "film.jpg"
    path.write_bytes(samples.jpeg()["buffer"])
    stub.open()
    stub.run(
        """
        const before = window.fetch;
        window.fetch = async (input, options) => {
            if (!String(input).endsWith("/classify")) return before(input, options);
            await new Promise((go) => (window.go = go));
            await options.body.arrayBuffer().catch(() => { throw new TypeError("Failed to fetch"); });
        };
        """
    )
    stub.app.pick(path)
    stub.wait_until("window.go")
    path.unlink()
    stub.run("window.go();")
    expect(stub.app.problem).to_contain_text("could not read this file")


def test_result_that_arrives_after_another_was_opened_is_asked_for_again(
    stub: StubbedPage,
) -> None:
    """Others may have reviewed it by then."""
    stub.open()
    app = stub.app
    other = stub.run('return server.arrive("mammography-views").id;')
    expect(app.row(other)).to_be_visible()
    stub.run(
        """
        const before = window.fetch;
        window.fetch = async (input, options) => {
            if (!String(input).endsWith("/classify")) return before(input, options);
            await new Promise((go) => (window.go = go));
            return Response.json(server.arrive("mammography-views"));
        };
        """
    )
    app.pick(samples.jpeg())
    stub.wait_until("window.go")
    app.row(other).get_by_role("link").click()
    app.wait_for_view(f"#/results/{other}")
    stub.run("window.go();")
    late = f"{1:032x}"
    app.row(late).get_by_role("link").click()
    app.wait_for_view(f"#/results/{late}")
    assert f"GET /api/results/{late}" in stub.requests("GET")


LEAVE = 'return dispatchEvent(new Event("beforeunload", { cancelable: true }));'
"""Whether the page lets itself be left without a warning."""


def test_large_upload_warns_before_the_page_is_left(stub: StubbedPage) -> None:
    stub.open()
    stub.run("server.bucket = () => new Promise((done) => (window.done = done));")
    assert stub.run(LEAVE)
    stub.drop(["x" * 5_000_000])
    stub.wait_until("window.done")
    assert not stub.run(LEAVE)
    stub.run("window.done(204);")
    expect(stub.page.locator("#working-text")).to_have_text("Classifying…")
    assert stub.run(LEAVE), "the server has the image"


def test_cancelled_upload_no_longer_warns(stub: StubbedPage) -> None:
    stub.open()
    stub.run("server.bucket = () => new Promise((done) => (window.done = done));")
    stub.drop(["x" * 5_000_000])
    stub.wait_until("window.done")
    stub.page.get_by_role("button", name="Cancel").click()
    expect(stub.page.get_by_role("heading", name="Add images")).to_be_visible()
    assert stub.run(LEAVE)


def test_stalled_upload_restarts(stub: StubbedPage) -> None:
    stub.open()
    stub.run("server.bucket = (number) => (number === 0 ? new Promise(() => {}) : 204);")
    stub.drop(["one", "two"])
    expect(stub.summary).to_have_text("1 of 2 done")
    stub.pass_time(65_000)
    expect(stub.summary).to_have_text("2 of 2 done")
    assert stub.run("return server.posts;") == 3


def test_queue_waits_for_a_lost_network(stub: StubbedPage) -> None:
    stub.open()
    for name in ("resultwatch", "upload"):
        stub.run(f'await import("/modules/{name}.js");')  # as on the first upload
    stub.run('server.refuse = () => (navigator.onLine ? null : "network");')
    stub.page.context.set_offline(True)
    stub.drop(different(5))
    # A few are sent at a time.
    for name in ("film-0000", "film-0001", "film-0002"):
        expect(stub.app.queued(name)).to_contain_text("Uploading")
    stub.pass_time(10 * MINUTE_MS)
    expect(stub.summary).to_contain_text("0 of 5 done")
    expect(stub.summary).not_to_contain_text("failed")
    asked = len(stub.requests("POST /api/uploads"))
    assert asked == 3
    stub.page.context.set_offline(False)
    expect(stub.summary).to_have_text("5 of 5 done")
