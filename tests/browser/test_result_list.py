"""The list of results under concurrent reads and changes."""

import pytest

from tests.browser.stubbed_page import StubbedPage

LIST = """
    const { ResultList } = await import("/modules/resultlist.js");
    const selection = {
      task: "mammography-views", order: "newest",
      label: null, status: null, needs_review: null, reviewed: null, read_by: null, not_read_by: null,
      min_readers: null, disagreement: null, search: null, from: null, to: null,
    };
    const review = { label: "left-cc", comment: null, reviewed_at: "2026-01-01T00:00:00Z", reviewer: "me" };
    const list = new ResultList(selection);
    /** Refresh a list, and do something before the server's answer arrives. */
    const whileReading = async (read, act) => {
        const ask = window.fetch;
        const [answered, gate] = [Promise.withResolvers(), Promise.withResolvers()];
        window.fetch = async (...request) => {
            const response = await ask(...request);
            answered.resolve();
            await gate.promise;
            return response;
        };
        const reading = read.refresh();
        await answered.promise;
        act();
        gate.resolve();
        await reading;
        window.fetch = ask;
    };
    const result = server.arrive("mammography-views");
    await list.refresh();
"""


def test_page_requested_before_a_review_does_not_undo_it(stub: StubbedPage) -> None:
    stub.open()
    reviewed = stub.run(
        LIST
        + """
        await whileReading(list, () => list.keepChanged({ ...list.known.get(result.id), review }));
        return list.known.get(result.id).review !== null && list.progress.reviewed === 1;
        """
    )
    assert reviewed


@pytest.mark.parametrize("loaded", [False, True], ids=["first page", "later page"])
def test_page_requested_before_an_upload_does_not_hide_it(stub: StubbedPage, loaded: bool) -> None:
    """Its results are all unknown to the list, which starts over."""
    stub.open()
    earlier, own, shown = stub.run(
        LIST
        + """
        const fresh = given ? list : new ResultList(selection);
        for (let n = 0; n < 300; n++) server.arrive("mammography-views", "classified", Date.now() + n);
        let own;
        await whileReading(fresh, () => {
            own = server.arrive("mammography-views", "classified", Date.now() + 300);
            fresh.keepChanged({ ...own, review });
        });
        const { progress, known, ordered } = fresh;
        return [
            known.has(result.id), known.get(own.id)?.review,
            known.size === ordered.length && progress.total === known.size && progress.reviewed === 1,
        ];
        """,
        loaded,
    )
    assert not earlier, "the list must start over"
    assert own
    assert shown


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


def test_images_of_the_same_millisecond_are_listed_in_the_order_of_the_server(stub: StubbedPage) -> None:
    stub.open()
    listed, newest, oldest = stub.run(
        """
        const { ResultList } = await import("/modules/resultlist.js");
        const { fetchResults } = await import("/modules/api.js");
        const now = Date.now();
        for (let n = 0; n < 6; n++) server.arrive("mammography-views", "classified", now - (n < 3 ? 1 : 0));
        const order = async (order) => {
            const list = new ResultList({ task: "mammography-views", order });
            await list.refresh();
            return list.ordered.map(({ id }) => id);
        };
        const page = await fetchResults({ task: "mammography-views", order: "newest" });
        return [page.results.map(({ id }) => id), await order("newest"), await order("oldest")];
        """
    )
    assert newest == listed
    assert oldest == newest[::-1]


def test_results_that_have_left_are_looked_for_once(stub: StubbedPage) -> None:
    """One was deleted; of the other, a blind reader is not told why it has left."""
    stub.open()
    known, requests = stub.run(
        LIST
        + """
        const [deleted, reviewed] = [server.arrive("mammography-views"), server.arrive("mammography-views")];
        await list.refresh();
        server.results.delete(deleted.id);
        const ask = window.fetch;
        window.fetch = async (address, options) => {
            const response = await ask(address, options);
            if (address.includes("from=")) return response;
            const { results, ...page } = await response.json();
            return Response.json({ ...page, results: results.filter(({ id }) => id !== reviewed.id) });
        };
        const numbers = [];
        for (let n = 0; n < 2; n++) {
            const before = server.requests.length;
            await list.refresh();
            numbers.push(server.requests.length - before);
        }
        window.fetch = ask;
        return [list.known.size, numbers];
        """
    )
    assert known == 3
    assert requests == [2, 1]
