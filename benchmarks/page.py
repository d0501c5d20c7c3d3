"""Measures the page in a real browser, while `make run` is running: `python -m benchmarks.page [ADDRESS]`."""

import argparse
import statistics
import sys
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, Route

from tests.browser.app_page import TASK, AppPage
from tests.browser.chromium import ChromiumNotFound, launched
from tests.browser.results import is_quarantined, listed, serve_many

VISITS = 5
RESULTS = 100_000

_WATCH = """
    window.blocks = [];
    new PerformanceObserver((list) => window.blocks.push(...list.getEntries())).observe({ type: "longtask" });
    const look = () => {
        const chooser = document.getElementById("task");
        if (chooser && !chooser.disabled) window.usable = performance.now();
        else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
"""
"""Records when the page becomes usable, and every task that blocks it for more than 50 ms."""

_PAINTED = """
    const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    const timed = async (act) => {
        const began = performance.now();
        act();
        await painted();
        return performance.now() - began;
    };
    const box = document.getElementById("worklist-box");
    const choose = (id, value) => {
        const select = document.getElementById(id);
        select.value = value;
        select.dispatchEvent(new Event("change", { bubbles: true }));
    };
"""
"""An action has ended when the frame after it has been painted."""

_ACTIONS = {
    "scroll by a hand's breadth": "box.scrollTop += 300",
    "scroll to anywhere": "box.scrollTop = (step * 0.6180339887) % 1 * box.scrollHeight",
    "next row by key": """(() => {
        if (!box.contains(document.activeElement)) box.querySelector("a").focus();
        const key = new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true });
        document.activeElement.dispatchEvent(key);
    })()""",
    "open a row": "box.querySelectorAll('a')[5 + step % 5].click()",
}


class Line(NamedTuple):
    """A measurement and its limit."""

    name: str
    value: float
    unit: str
    limit: float

    def __str__(self) -> str:
        verdict = "" if self.value <= self.limit else "   TOO MUCH"
        return f"{self.name:<52} {self.value:8.0f} {self.unit:<3} (at most {self.limit:.0f}){verdict}"


def first_view(browser: Browser, address: str) -> Iterator[Line]:
    """The first visit: bytes transferred, and time until the page is usable."""
    _visit(browser, address, "en")  # wakes Lambdas
    for language in ("en", "de"):
        visits = [_visit(browser, address, language) for _ in range(VISITS)]
        times = [ms for _, ms in visits]
        yield Line(
            f"first view ({language}): transferred", max(kilobytes for kilobytes, _ in visits), "kB", 150
        )
        yield Line(
            f"first view ({language}): usable, median of {VISITS}", statistics.median(times), "ms", 1000
        )
        yield Line(f"first view ({language}): usable, slowest of {VISITS}", max(times), "ms", 1000)


def _visit(browser: Browser, address: str, language: str) -> tuple[float, float]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale=language)
    page = context.new_page()
    page.add_init_script(_WATCH)
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    received: list[float] = []
    network.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    page.goto(f"{address}/#/tasks/{TASK}", wait_until="networkidle")
    # A blocked page is not usable, regardless of what it shows.
    usable = page.evaluate(
        "Math.max(usable, ...blocks.map(({ startTime, duration }) => startTime + duration))"
    )
    context.close()
    return sum(received) / 1000, usable


def worklist(browser: Browser, address: str) -> Iterator[Line]:
    """How long a list of 100,000 results, all of them loaded, blocks the page.

    The answers are made here, so that only the page's own work is measured.
    """
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.add_init_script(_WATCH)
    serve_many(AppPage(page, address), RESULTS)
    page.route("**/api/results/*", _answer_result)
    page.goto(f"{address}/#/tasks/{TASK}", wait_until="networkidle")
    yield Line("reading all of them: longest standstill", _read_all(page, RESULTS), "ms", 100)
    for name, action in _ACTIONS.items():
        yield Line(f"{name}: slowest of 50", max(_times(page, action, 50)), "ms", 100)
    yield Line("new results come in: longest standstill", _refresh(page), "ms", 100)
    choices = page.locator("#filter-show option").evaluate_all("(all) => all.map(({ value }) => value)")
    filtered = [_times(page, f"choose('filter-show', '{choice}')", 1)[0] for choice in [*choices, choices[0]]]
    yield Line(f"filter: slowest of {len(filtered)}", max(filtered), "ms", 100)
    page.evaluate(f"() => {{ {_PAINTED} choose('filter-order', 'least-sure'); }}")
    page.locator("#more").wait_for()
    sure = sum(not is_quarantined(number) for number in range(RESULTS))
    yield Line("reading all, least sure first: longest standstill", _read_all(page, sure), "ms", 100)
    for name, action in _ACTIONS.items():
        yield Line(f"{name}, least sure first: slowest of 50", max(_times(page, action, 50)), "ms", 100)


def _read_all(page: Page, total: int) -> float:
    return float(
        page.evaluate(
            f"""async () => {{
                {_PAINTED}
                const more = document.getElementById("more");
                blocks.length = 0;
                do {{ more.click(); await painted(); }} while (!more.hidden);
                const {{ ariaSetSize }} = document.querySelector("#worklist-rows > li");
                if (Number(ariaSetSize) !== {total}) throw new Error(`${{ariaSetSize}} results were read`);
                return Math.max(0, ...blocks.map(({{ duration }}) => duration));
            }}"""
        )
    )


def _refresh(page: Page) -> float:
    return float(
        page.evaluate(
            """async () => {
                blocks.length = 0;
                await new Promise((resolve) => setTimeout(resolve, 10_000));
                return Math.max(0, ...blocks.map(({ duration }) => duration));
            }"""
        )
    )


def _times(page: Page, action: str, steps: int) -> list[float]:
    times = page.evaluate(
        f"""async () => {{
            {_PAINTED}
            const times = [];
            for (let step = 0; step < {steps}; step++) times.push(await timed(() => {{ {action}; }}));
            return times;
        }}"""
    )
    return [float(time) for time in times]


def _answer_result(route: Route) -> None:
    route.fulfill(json=listed(int(urlsplit(route.request.url).path.rsplit("/")[-1], 16)))


def main() -> int:
    """Measure and print, line by line; 1 if a limit is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", nargs="?", default="http://localhost:8000", help="of the running page")
    address = parser.parse_args().address.rstrip("/")
    try:
        urlopen(f"{address}/api/health", timeout=30).close()  # noqa: S310  # the user names the address
    except (OSError, ValueError) as error:
        sys.exit(f"Nothing answers at {address} ({error}). Start it with `make run`.")
    lines = []
    try:
        with launched() as browser:
            for measured in (first_view, worklist):
                for line in measured(browser, address):
                    print(line, flush=True)
                    lines.append(line)
    except ChromiumNotFound as error:
        sys.exit(f"Measuring needs a browser: {error}.")
    return int(any(line.value > line.limit for line in lines))


if __name__ == "__main__":
    sys.exit(main())
