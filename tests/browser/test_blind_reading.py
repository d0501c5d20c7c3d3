"""Blind reading: nothing on the page tells the answer before the reader has saved a reading."""

import json
import re
from typing import Any

from playwright.sync_api import Locator, expect

from chalicelib.tasks import load_task
from tests.browser import samples
from tests.browser.app_page import PATIENCE_MS, TASK, AppPage
from tests.browser.test_access import violations
from tests.browser.test_review import toast
from tests.browser.test_worklist import send

BLIND = "localStorage.setItem('negatoscope.blind', 'on')"

WATCH = """
    window.leaks = new Set();
    const telling = `.probability, .verdict, .bars, .predicted, .chip, .readings,
        #heat-map-tools:not([hidden])`;
    const said = `title, #brief, #result-heading, #announcer, #toast, .row-label, .row-note, .queue-row,
        .caption, .outcome`;
    const look = () => {
        for (const found of document.querySelectorAll(telling)) window.leaks.add(found.className || found.id);
        const texts = [...document.querySelectorAll(said)].map((one) => one.textContent);
        for (const { title, ariaLabel } of document.querySelectorAll("canvas, [title]"))
            texts.push(`${title} ${ariaLabel}`);
        for (const name of CLASSES) if (texts.some((one) => one.includes(name))) window.leaks.add(name);
        for (const one of texts) if (/[0-9][.][0-9] ?%/.test(one)) window.leaks.add(one);
    };
    new MutationObserver(look).observe(document, {
        subtree: true, childList: true, characterData: true, attributes: true,
    });
"""
"""Collects whatever tells the answer, however briefly it is in the page."""


def watched(app: AppPage) -> None:
    """Read blind from now on, and watch the page."""
    classes = [each.title for each in load_task(TASK).classes]
    app.page.add_init_script(BLIND)
    app.page.add_init_script(WATCH.replace("CLASSES", str(classes)))


def leaks(app: AppPage) -> list[str]:
    return list(app.page.evaluate("[...window.leaks]"))


def stored(app: AppPage, result_id: str) -> Any:
    return app.page.request.get(f"{app.address}/api/results/{result_id}").json()


def buttons(app: AppPage) -> Locator:
    return app.page.locator(".class-buttons button")


def classify(app: AppPage) -> str:
    """Classify an image blind; return the id of its result."""
    before = app.main.get_attribute("data-shown") or ""
    app.pick(samples.jpeg())
    expect(app.main).not_to_have_attribute("data-shown", before, timeout=PATIENCE_MS)
    expect(buttons(app).first).to_be_visible()
    return app.page.url.rsplit("/", 1)[1]


def test_answer_is_hidden_until_a_reading_is_saved(app: AppPage) -> None:
    watched(app)
    # Without the results that other tests have reviewed: their reader may see the answers.
    app.page.goto(f"{app.address}/?show=not-read#/tasks/{TASK}")
    app.wait_for_view()
    result_id = classify(app)
    expect(app.heading).to_have_text("Not read yet")
    expect(app.row(result_id)).to_contain_text("Not read yet")
    expect(app.image).to_have_attribute("aria-label", "Image, not read yet")
    expect(buttons(app).filter(has_text="Confirm")).to_have_count(0)
    assert {buttons(app).nth(index).get_attribute("class") for index in range(buttons(app).count())} == {
        "quiet"
    }
    app.press("h", "Enter")
    expect(toast(app)).to_contain_text("choose a class by its button or number")
    assert stored(app, result_id)["review"] is None
    app.reload()
    expect(buttons(app).first).to_be_visible()
    assert leaks(app) == []
    assert violations(app) == []

    result = stored(app, result_id)
    number = 1 + load_task(TASK).class_names.index(result["label"])
    app.press(str(number))
    expect(app.probability).to_be_visible()
    expect(app.page.locator(".comparison")).to_contain_text("You agreed with the model")
    expect(app.page.locator("#heat-map-tools")).to_be_visible()
    expect(app.row(result_id)).to_contain_text("Confirmed")
    expect(buttons(app).nth(number - 1)).to_have_attribute("aria-pressed", "true")
    assert stored(app, result_id)["review"]["blind"] is True
    assert len(leaks(app)) > 5, "what is watched for can be seen"

    app.press("u")
    expect(app.heading).to_have_text("Not read yet")
    expect(app.row(result_id)).to_contain_text("Not read yet")
    app.press(str(number % 5 + 1))
    expect(app.page.locator(".comparison")).to_contain_text("You disagreed with the model")
    assert "blind" not in stored(app, result_id)["review"], "its reader knew the answer"


def test_uploads_and_rows_hide_the_answer(app: AppPage) -> None:
    ids = [send(app.page.request, app.address) for _ in range(2)]
    watched(app)
    app.page.goto(f"{app.address}/?show=not-read#/tasks/{TASK}")
    app.wait_for_view()
    app.drop(samples.jpeg(), samples.jpeg())
    app.wait_for_queue()
    app.page.locator("#queue-review").click()
    expect(buttons(app).first).to_be_visible()
    expect(app.row(ids[0])).to_contain_text("Not read yet")
    app.page.locator("#more-filters").click()
    expect(app.page.locator("#filter-label")).to_be_disabled()
    expect(app.page.locator("#csv")).to_be_hidden()
    app.page.locator("#select-rows").click()
    app.row(ids[0]).get_by_role("checkbox").check()
    expect(app.page.get_by_role("button", name=re.compile("^Confirm"))).to_be_disabled()
    assert leaks(app) == []


def test_links_and_saved_views_tell_nothing(app: AppPage) -> None:
    send(app.page.request, app.address)
    watched(app)
    telling = "label=left-cc&order=least-sure&search=left&reviewed_label=left-cc&needs_review=true"
    views = [{"name": "Doubtful", "task": TASK, "query": f"show=disagreement&{telling}"}]
    app.page.add_init_script(
        f"localStorage.setItem('negatoscope.views', {json.dumps(json.dumps(views))});"
        "localStorage.setItem('negatoscope.display', 'grid');"
    )
    app.page.goto(f"{app.address}/?show=needs-review&{telling}#/tasks/{TASK}")
    app.wait_for_view()
    expect(app.page.locator("#worklist-rows.grid > li").first).to_be_visible()
    app.page.get_by_label("View", exact=True).select_option("Doubtful")
    expect(app.page.get_by_label("Show", exact=True)).to_have_value("everything")
    app.wait_until(lambda: len(queries(app)) > 1)
    for query in queries(app):
        assert not re.search("label=|sure|search=|needs_review|disagreement", query)
    expect(app.page.locator("#linked-filters")).to_have_count(0)


def queries(app: AppPage) -> list[str]:
    """The queries with which the page listed results."""
    return [request.url for request in app.requests if "/api/results?" in request.url]


def test_settings_switch_blind_reading_on_and_off(app: AppPage) -> None:
    app.open()
    app.classify(samples.jpeg())
    title = app.heading.inner_text()
    for blind in (True, False):
        app.page.locator("header button[popovertarget=settings]").click()
        app.page.get_by_label("Read blind").set_checked(blind)
        app.close_dialog()
        expect(app.heading).to_have_text("Not read yet" if blind else title)
        expect(app.rows.first).to_contain_text("Not read yet" if blind else title)
        if blind:
            expect(app.probability).to_be_hidden()
