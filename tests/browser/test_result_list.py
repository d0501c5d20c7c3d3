"""The list of results under concurrent reads and changes."""

from tests.browser.stubbed_page import StubbedPage

LIST = """
    const { ResultList } = await import("/modules/resultlist.js");
    const selection = {
      task: "mammography-views", order: "newest",
      label: null, status: null, needs_review: null, reviewed: null, from: null, to: null,
    };
    const review = { label: "left-cc", comment: null, reviewed_at: "2026-01-01T00:00:00Z", reviewer: "me" };
    const list = new ResultList(selection);
    const result = server.arrive("mammography-views");
    await list.refresh();
"""


def test_page_requested_before_a_review_does_not_undo_it(stub: StubbedPage) -> None:
    stub.open()
    reviewed = stub.run(
        LIST
        + """
        const ask = window.fetch;
        let answer;
        const gate = new Promise((resolve) => { answer = resolve; });
        window.fetch = async (...request) => {
            const response = await ask(...request);
            await gate;
            return response;
        };
        const reading = list.refresh();
        list.keepChanged({ ...list.known.get(result.id), review });
        answer();
        await reading;
        window.fetch = ask;
        return list.known.get(result.id).review !== null && list.progress.reviewed === 1;
        """
    )
    assert reviewed


def test_page_requested_later_replaces_the_review(stub: StubbedPage) -> None:
    """Index reads lag behind the table, and must not undo the review at first."""
    stub.open()
    stub.run(
        LIST
        + """
        list.keepChanged({ ...list.known.get(result.id), review });
        await list.refresh();
        window.list = list;
        window.id = result.id;
        """
    )
    assert stub.run("return list.known.get(id).review !== null;")
    stub.pass_time(6_000)
    assert stub.run("await list.refresh(); return list.known.get(id).review === null;")
