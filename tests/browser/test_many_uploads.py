"""Uploads in thousands and in odd circumstances: each ends, is sent once, and nothing waits in silence."""

from pathlib import Path

from playwright.sync_api import expect

from tests.browser import samples
from tests.browser.bench import Bench

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS

# What the watch says, and the time it is told of each image: five seconds before its announcement.
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
    """Contents of so many files."""
    return [f"film {index}" for index in range(number)]


def test_results_far_behind_a_stuck_one_are_seen(bench: Bench) -> None:
    bench.open()
    # Between each two images of this page, eighty of others arrive.
    bench.run(
        """
        server.decide = (number) => (number === 0 ? "received" : "classified");
        server.bucket = () => {
            for (let other = 0; other < 80; other++) server.arrive("mammography-views");
            return 204;
        };
        """
    )
    bench.drop(different(30))
    expect(bench.summary).to_have_text("29 of 30 done", timeout=20_000)
    expect(bench.desk.queued("film-0000")).to_contain_text("Classifying")


def test_thousands_awaited_at_once_are_all_told_once(bench: Bench) -> None:
    bench.open()
    bench.run(WATCH)
    # Two tasks; the first image of each is stuck. Many arrive in the same millisecond.
    bench.run(
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
    bench.pass_time(MINUTE_MS)
    assert bench.run("return [told.results.length, new Set(told.results).size];") == [2398, 2398]
    assert bench.run("return [...watch.awaited.keys()].map((id) => parseInt(id, 16));") == [0, 1]


def test_clock_that_is_wrong_hides_no_result(bench: Bench) -> None:
    bench.open()
    bench.run(WATCH)
    bench.run(
        """
        for (let index = 0; index < 12; index++) {
            const result = server.arrive("mammography-views");
            const error = (index % 2 ? 1 : -1) * 3_600_000;
            watch.await(result.id, { task: result.task, since: since(result, error) });
        }
        """
    )
    bench.pass_time(MINUTE_MS)
    assert bench.run("return told.results.length;") == 12


def test_list_that_cannot_be_read_holds_up_no_other(bench: Bench) -> None:
    bench.open()
    bench.run(WATCH)
    for answer in ("network", {"status": 503}, {"status": 404, "code": "UnknownTask"}, {"status": 400}):
        bench.run(
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
        bench.pass_time(10_000)
        assert bench.run("return told.results.map(Number);") == [1]
        bench.run("server.refuseList = () => null;")
        bench.pass_time(20_000)
        assert bench.run("return told.results.map(Number);") == [1, 0]


def test_lists_that_fail_now_and_then_are_read_to_their_end(bench: Bench) -> None:
    bench.open()
    bench.run(WATCH)
    # Every third page fails, and once a cursor is refused.
    bench.run(
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
    bench.pass_time(2 * MINUTE_MS)
    assert bench.run("return told.results.length;") == 2199


def test_image_without_result_says_so_and_at_last_can_be_sent_again(bench: Bench) -> None:
    bench.open()
    bench.run('server.decide = (number) => (number === 0 ? "received" : "classified");')
    bench.drop(["stuck", "stuck", "other"])
    expect(bench.summary).to_have_text("1 of 3 done", timeout=10_000)
    bench.pass_time(3 * MINUTE_MS)
    expect(bench.summary).to_have_text("1 of 3 done · 2 still waiting")
    expect(bench.desk.queued("film-0000")).to_contain_text("Still waiting: The server has this image")
    expect(bench.desk.queued("film-0001")).to_contain_text("Still waiting")
    # What has ended can be put away; what has not stays.
    bench.desk.queue.get_by_role("button", name="Close", exact=True).click()
    expect(bench.summary).to_have_text("0 of 2 done · 2 still waiting")
    expect(bench.desk.queue.get_by_role("button", name="Close", exact=True)).to_be_hidden()

    bench.forget_requests()
    bench.pass_time(HOUR_MS)
    # Once a minute, at most with some jitter.
    assert len(bench.requests("GET /api/results?task=mammography-views&from")) < 2 * 80
    bench.pass_time(10 * MINUTE_MS)
    expect(bench.summary).to_have_text("0 of 2 done · 2 without a result")
    expect(bench.desk.queued("film-0000")).to_contain_text("No result: None after an hour. Try again")
    bench.desk.queue.get_by_role("button", name="Try failed ones again").click()
    expect(bench.summary).to_have_text("2 of 2 done · 1 sent before", timeout=10_000)
    assert len(bench.requests("POST /api/uploads")) == 1


def test_late_result_ends_the_waiting(bench: Bench) -> None:
    bench.open()
    bench.run('server.decide = () => "received";')
    bench.drop(["late", "unreadable"])
    expect(bench.desk.queued("film-0001")).to_contain_text("Classifying")
    bench.pass_time(3 * MINUTE_MS)
    expect(bench.summary).to_have_text("0 of 2 done · 2 still waiting")
    bench.run(
        """
        const [late, unreadable] = server.results.keys();
        server.finish(late, "classified");
        server.finish(unreadable, "quarantined");
        """
    )
    bench.pass_time(2 * MINUTE_MS)
    expect(bench.summary).to_have_text("2 of 2 done · 1 not usable")


def test_page_that_slept_for_an_hour_asks_at_once_and_gives_up_nothing(bench: Bench) -> None:
    bench.open()
    bench.run('server.decide = () => "received";')
    bench.drop(different(3))
    expect(bench.desk.queued("film-0002")).to_contain_text("Classifying")
    bench.run(
        """
        Object.defineProperty(document, "hidden", { value: true, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
        """
    )
    bench.pass_time(MINUTE_MS)
    # The first thing it hears when it wakes is that there is no network.
    bench.run(
        """
        for (const id of server.results.keys()) server.finish(id, "classified");
        server.refuseList = () => "network";
        """
    )
    bench.page.clock.fast_forward(2 * HOUR_MS)
    bench.pass_time(MINUTE_MS)
    expect(bench.summary).to_have_text("0 of 3 done")
    bench.run(
        """
        server.refuseList = () => null;
        Object.defineProperty(document, "hidden", { value: false, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
        """
    )
    expect(bench.summary).to_have_text("3 of 3 done")


def test_what_was_called_off_starts_nothing(bench: Bench) -> None:
    bench.open()
    # No timer, no listener left behind.
    assert bench.run(
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
    assert bench.run(
        """
        const { post } = await import("/modules/upload.js");
        const started = [];
        XMLHttpRequest.prototype.send = () => started.push("request");
        const form = { url: "https://bucket.invalid/", fields: {} };
        const ended = AbortSignal.abort("called off");
        return [await post(form, new Blob(["x"]), ended, () => {}).catch((reason) => reason), started];
        """
    ) == ["called off", []]


def test_clearing_removes_only_what_has_ended(bench: Bench) -> None:
    bench.open()
    assert bench.run(
        """
        const { Queue } = await import("/modules/queue.js");
        const queue = new Queue({ onChange: () => {}, onResult: () => {} });
        queue.paused = true;
        const states = Object.keys(queue.counts());
        queue.add("mammography-views", states.map((state) => new File(["x"], state)));
        queue.items.forEach((item) => (item.state = item.file.name));
        queue.clear();
        return queue.items.map(({ state }) => state);
        """
    ) == ["waiting", "checking", "sending", "classifying", "overdue"]


def test_of_equal_files_one_is_sent_at_a_time(bench: Bench) -> None:
    bench.desk.http_errors_expected = True
    bench.open()
    bench.run(
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
        bench.run("window.left = given; server.posts = window.most = 0;", failing)
        bench.run('server.refuse = () => (window.left-- > 0 ? { status: 409, message: "Not now." } : null);')
        bench.forget_requests()
        bench.drop([f"same {failing}"] * 3)
        bench.desk.wait_for_queue(10_000)
        done = 3 - failing
        parts = [
            f"{done} of 3 done",
            f"{done - 1} sent before" * (done > 1),
            f"{failing} not sent" * (failing > 0),
        ]
        expect(bench.summary).to_have_text(" · ".join(filter(None, parts)))
        assert bench.run("return [server.posts, window.most];") == ([1, 1] if done else [0, 0])
        assert len(bench.requests("POST /api/uploads")) == failing + (done > 0)
        addresses = bench.page.locator("#queue-rows a").evaluate_all(
            "(links) => links.map(({ href }) => href)"
        )
        assert (len(addresses), len(set(addresses))) == (done, min(done, 1))
        bench.desk.queue.get_by_role("button", name="Close", exact=True).click()


def test_next_of_equal_files_takes_over_from_the_one_that_is_cancelled(bench: Bench) -> None:
    bench.open()
    bench.run("server.bucket = (number) => (number === 0 ? new Promise(() => {}) : 204);")
    bench.drop(["same", "same", "same", "other"])
    expect(bench.desk.queued("film-0000")).to_contain_text("Uploading")
    bench.desk.queued("film-0001").get_by_role("button", name="Cancel").click()
    # A place is free again, though the file that it waited for is still being sent.
    expect(bench.desk.queued("film-0003")).to_contain_text("Classified", timeout=10_000)
    bench.desk.queued("film-0000").get_by_role("button", name="Cancel").click()
    expect(bench.summary).to_have_text("2 of 4 done · 2 cancelled", timeout=10_000)
    expect(bench.desk.queued("film-0002")).to_contain_text("Classified")
    bench.desk.queued("film-0000").get_by_role("button", name="Try again").click()
    expect(bench.summary).to_have_text("3 of 4 done · 1 sent before · 1 cancelled", timeout=10_000)
    assert bench.run("return server.posts;") == 3


def test_equal_files_are_all_unusable_if_one_is(bench: Bench) -> None:
    bench.open()
    bench.run('server.decide = () => "quarantined";')
    bench.drop(["same", "same", "same"])
    bench.desk.wait_for_queue(10_000)
    for name in ("film-0000", "film-0001", "film-0002"):
        expect(bench.desk.queued(name)).to_contain_text("Not usable: The file is damaged.")
    # Also where the first has come to its end.
    bench.drop(["same", "another"], "later")
    expect(bench.desk.queued("later-0000")).to_contain_text("Not usable: The file is damaged.")


def test_trying_again_twice_sends_once(bench: Bench) -> None:
    bench.desk.http_errors_expected = True
    bench.open()
    bench.run(
        """
        const { Queue } = await import("/modules/queue.js");
        window.queue = new Queue({ onChange: () => {}, onResult: () => {} });
        server.refuse = (number) => (number === 0 ? { status: 409 } : null);
        server.bucket = () => new Promise((go) => (window.go = go));
        queue.add("mammography-views", [new File([new Uint8Array([0xff, 0xd8, 0xff]), "film"], "film")]);
        """
    )
    bench.wait_until('queue.items[0].state === "failed"')
    bench.run("for (let time = 0; time < 3; time++) queue.retry([...queue.items]);")
    bench.wait_until("window.go")
    bench.run("queue.retry([...queue.items]); window.go(204);")
    bench.wait_until('queue.items[0].state === "classified"')
    bench.run("queue.retry([...queue.items]);")
    assert bench.run("return [server.posts, queue.items[0].state];") == [1, "classified"]


def test_file_that_is_gone_is_named_as_such(bench: Bench, tmp_path: Path) -> None:
    paths = [tmp_path / f"film-{number}.jpg" for number in range(5)]
    for path in paths:
        path.write_bytes(samples.jpeg()["buffer"])
    bench.open()
    # Three are held when they ask for leave; two have not even been looked at.
    bench.run("server.refuse = () => new Promise((go) => ((window.held ??= []).push(go)));")
    bench.desk.at_hand = paths  # type: ignore[assignment]
    bench.page.get_by_role("button", name="Choose images…").click()
    bench.wait_until("window.held?.length === 3")
    for path in paths[1:4]:
        path.unlink()
    bench.run("server.refuse = () => null; for (const go of window.held) go(null);")
    bench.desk.wait_for_queue(10_000)
    expect(bench.summary).to_have_text("5 of 5 done · 3 not usable")
    for number in (1, 2, 3):
        expect(bench.desk.queued(f"film-{number}")).to_contain_text("could not read this file")


def test_single_file_that_is_gone_is_named_as_such(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "film.jpg"
    path.write_bytes(samples.jpeg()["buffer"])
    bench.open()
    bench.run(
        """
        const before = window.fetch;
        window.fetch = async (input, options) => {
            if (!String(input).endsWith("/classify")) return before(input, options);
            await new Promise((go) => (window.go = go));
            await options.body.arrayBuffer().catch(() => { throw new TypeError("Failed to fetch"); });
        };
        """
    )
    bench.desk.pick(path)
    bench.wait_until("window.go")
    path.unlink()
    bench.run("window.go();")
    expect(bench.desk.problem).to_contain_text("could not read this file")


def test_upload_that_has_stalled_begins_anew(bench: Bench) -> None:
    bench.open()
    bench.run("server.bucket = (number) => (number === 0 ? new Promise(() => {}) : 204);")
    bench.drop(["one", "two"])
    expect(bench.summary).to_have_text("1 of 2 done", timeout=10_000)
    bench.pass_time(65_000)
    expect(bench.summary).to_have_text("2 of 2 done")
    assert bench.run("return server.posts;") == 3


def test_lost_network_is_waited_for(bench: Bench) -> None:
    bench.open()
    bench.run('await import("/modules/resultwatch.js");')  # as the first upload does
    bench.run('server.refuse = () => (navigator.onLine ? null : "network");')
    bench.page.context.set_offline(True)
    bench.drop(different(5))
    expect(bench.desk.queued("film-0000")).to_contain_text("Uploading")
    bench.pass_time(10 * MINUTE_MS)
    expect(bench.summary).to_contain_text("0 of 5 done")
    expect(bench.summary).not_to_contain_text("not sent")
    asked = len(bench.requests("POST /api/uploads"))
    assert asked == 3
    bench.page.context.set_offline(False)
    expect(bench.summary).to_have_text("5 of 5 done", timeout=10_000)
