"""What a page costs that is open and not used: requests, each of which is a Lambda call and a query."""

from playwright.sync_api import expect

from tests.browser.bench import Bench

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS

HIDDEN = """
    Object.defineProperty(document, "hidden", { value: given, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
"""


def asked_during(bench: Bench, milliseconds: int) -> int:
    """How many requests the page makes meanwhile."""
    bench.forget_requests()
    bench.pass_time(milliseconds)
    return len(bench.requests(""))


def test_idle_page_asks_less_and_less(bench: Bench) -> None:
    bench.open()
    assert asked_during(bench, HOUR_MS) <= 135
    # An image that is stuck, in the page of results that has been read anyway, costs nothing more.
    bench.run('server.arrive("mammography-views", "received");')
    assert asked_during(bench, HOUR_MS) <= 135


def test_hidden_page_asks_nothing_and_a_visible_one_at_once(bench: Bench) -> None:
    bench.open()
    bench.run(HIDDEN, True)
    assert asked_during(bench, HOUR_MS) == 0
    bench.forget_requests()
    bench.run(HIDDEN, False)
    assert len(bench.requests("GET /api/results?")) == 1


def test_who_uses_the_page_sees_what_is_new_within_seconds(bench: Bench) -> None:
    bench.open()
    bench.pass_time(10 * MINUTE_MS)
    bench.forget_requests()
    bench.page.keyboard.press("Shift")
    bench.pass_time(4_000)
    assert len(bench.requests("GET /api/results?")) >= 1


def test_new_results_are_followed_by_a_close_look(bench: Bench) -> None:
    bench.open()
    bench.pass_time(10 * MINUTE_MS)
    bench.run('server.arrive("mammography-views");')
    bench.pass_time(31_000)
    expect(bench.desk.rows).to_have_count(1)
    assert asked_during(bench, 15_000) >= 2
