"""The cost of an idle page: each request is a Lambda call and a query."""

from playwright.sync_api import expect

from tests.browser.stubbed_page import StubbedPage

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS

HIDDEN = """
    Object.defineProperty(document, "hidden", { value: given, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
"""


def asked_during(stub: StubbedPage, milliseconds: int) -> int:
    """The number of requests made meanwhile."""
    stub.forget_requests()
    stub.pass_time(milliseconds)
    return len(stub.requests(""))


def test_idle_page_polls_less_and_less(stub: StubbedPage) -> None:
    stub.open()
    stub.stop_clock()
    assert asked_during(stub, HOUR_MS) <= 135
    # A stuck image on a page of results that is read anyway costs nothing more.
    stub.run('server.arrive("mammography-views", "received");')
    assert asked_during(stub, HOUR_MS) <= 135


def test_hidden_page_does_not_poll_and_a_visible_one_does_at_once(stub: StubbedPage) -> None:
    stub.open()
    stub.stop_clock()
    stub.run(HIDDEN, True)
    assert asked_during(stub, HOUR_MS) == 0
    stub.forget_requests()
    stub.run(HIDDEN, False)
    assert len(stub.requests("GET /api/results?")) == 1


def test_page_in_use_shows_new_results_within_seconds(stub: StubbedPage) -> None:
    stub.open()
    stub.stop_clock()
    stub.pass_time(10 * MINUTE_MS)
    stub.forget_requests()
    stub.page.keyboard.press("Shift")
    stub.pass_time(4_000)
    assert len(stub.requests("GET /api/results?")) >= 1


def test_new_results_make_the_page_poll_more_often(stub: StubbedPage) -> None:
    stub.open()
    stub.stop_clock()
    stub.pass_time(10 * MINUTE_MS)
    stub.run('server.arrive("mammography-views");')
    stub.pass_time(31_000)
    expect(stub.app.rows).to_have_count(1)
    assert asked_during(stub, 15_000) >= 2
