"""A walk through every view, menu and dialog of the page, in any language, as a member of a group."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, expect

from chalicelib.api.auth import Group
from tests import images
from tests.browser import history, made_up_batches, results, samples
from tests.browser.app_page import TASK, AppPage
from tests.browser.test_worklist import send

_UNKNOWN = "0" * 32
_UNREADABLE = 7
_OUTCOME = (
    "It reaches every minimum of its task, and is better than the current one "
    f"(probability 97 %, accuracy +1.2 points). {history.CANDIDATE} classifies from now on."
)

EXPORTS: list[dict[str, Any]] = [
    {
        "name": f"20261129-12000{number}-0a1b2c3d",
        "format": kind,
        "filters": filters,
        "status": status,
        "step": step,
        "started_at": f"2026-11-29T12:00:0{number}.000000Z",
        "ended_at": None if step else "2026-11-29T12:09:00.000000Z",
        "rows": rows,
        "bytes": rows and 300 * rows,
    }
    for number, (kind, filters, status, step, rows) in enumerate(
        (
            ("csv", {"task": TASK, "needs_review": True}, "running", "reading", None),
            ("parquet", {}, "running", "writing", None),
            ("parquet", {"task": TASK}, "finished", None, 1_000_000),
            ("csv", {"tasks": [TASK, "chest-xray"]}, "failed", None, None),
        )
    )
]
"""Exports in every state, as GET /exports lists them."""


def walk(app: AppPage, group: Group, folder: Path) -> Iterator[str]:
    """Go through the page; yield the name of each view when it is complete.

    Args:
        app: a page that is not open yet.
        group: what the user is a member of.
        folder: an empty one, for labelled images.
    """
    app.http_errors_expected = True
    send(app.page.request, app.address)  # to compare with
    classified = send(app.page.request, app.address, samples.both_breasts()["buffer"])
    damaged = {"code": "DamagedImage", "message": "The JPEG file is damaged or cut off."}
    unreadable = results.listed(_UNREADABLE) | {"heatmap": None, "reasons": [damaged]}
    app.intercept(f"**/api/results/{unreadable['id']}", lambda route: route.fulfill(json=unreadable))
    history.member(app, group)
    yield from _images(app, group, classified, unreadable["id"])
    app.intercept("**/api/tasks/*/models", history.with_history)
    yield from _models(app, group)
    yield from _retrainings(app, group, folder)
    yield from _batches(app, group)
    app.open("#/audit")
    if group == "admin":
        expect(app.sheet.locator("table").first).to_be_visible()
        app.sheet.locator("section .access-search button").click()
        expect(app.sheet.locator("[aria-live] table, [aria-live] .soft")).to_be_visible()
    yield "audit record"


def _images(app: AppPage, group: Group, classified: str, unreadable: str) -> Iterator[str]:
    app.open("#/")
    yield "start"
    app.open(f"#/results/{unreadable}")
    expect(app.page.locator("#message")).to_be_visible()
    yield "unreadable file"
    app.open(f"#/results/{_UNKNOWN}")
    expect(app.problem).to_be_visible()
    yield "unknown result"
    app.open(f"#/results/{classified}")
    expect(app.probability).to_be_visible()
    expect(app.row(classified)).to_be_visible()
    yield "result"
    _unfold(app)
    if group != "reader":
        app.page.locator("#select-rows").click()
    app.page.locator("#worklist .worklist-head button").first.click()
    expect(app.page.locator("#worklist-rows.grid")).to_be_visible()
    yield "grid with everything unfolded"
    # It is above the image.
    app.page.locator("#more-filters").click()
    if group != "reader":
        app.press("2")
        expect(app.page.locator(".class-buttons [aria-pressed=true]")).to_be_visible()
        yield "reviewed"
    for menu in app.page.locator(".image-tools [aria-expanded]").all():
        menu.click()
        yield f"menu {menu.get_attribute('aria-controls')}"
    app.press("v")
    expect(app.page.locator(".pane-verdict").last).to_be_visible()
    yield "comparison"
    app.press("Escape", "b")
    expect(app.page.locator("#compare")).to_have_attribute("aria-pressed", "true")
    yield "model input"
    app.press("?")
    yield from _dialog(app, "keyboard shortcuts")
    app.page.locator("header button[popovertarget=settings]").click()
    yield from _dialog(app, "settings")
    app.intercept("**/api/exports", lambda route: route.fulfill(json={"exports": EXPORTS}))
    app.page.locator("#large-export").click()
    expect(app.page.locator(".export-list li")).to_have_count(len(EXPORTS))
    yield from _dialog(app, "large export")
    if group == "admin":
        app.page.locator(".removal button").last.click()
        yield from _dialog(app, "deletion")
    if group != "reader":
        app.drop(samples.text_file())
        expect(app.problem).to_be_visible()
        yield "problem with a file"
        app.drop(samples.jpeg(), samples.text_file(), samples.truncated_jpeg())
        expect(app.page.locator("#queue-rows > li")).to_have_count(3)
        yield "uploading"
        app.wait_for_queue()
        yield "uploaded"


def _models(app: AppPage, group: Group) -> Iterator[str]:
    app.open(f"#/tasks/{TASK}/models")
    _wait_for_parts(app)
    yield "models"
    if group == "admin":
        app.sheet.locator("button.secondary").first.click()
        yield from _dialog(app, "rollback")
    app.sheet.locator("figure button").first.click()
    yield from _dialog(app, "enlarged plot")
    app.sheet.locator("table a").first.click()
    expect(app.sheet.locator(".document")).to_be_visible()
    _wait_for_parts(app)
    yield "version"
    app.open(f"#/tasks/{TASK}/people")
    _wait_for_parts(app)
    yield "model against people"


def _retrainings(app: AppPage, group: Group, folder: Path) -> Iterator[str]:
    # What people write is in their own language, and what the server decided can be translated.
    written = {"reason": "Bilder eines neuen Scanners", "outcome": _OUTCOME}
    told = history.Told(app, history.asking() | written, history.deployed() | written | {"name": "b"})
    app.open(f"#/tasks/{history.TASK}/retrainings")
    expect(app.sheet.locator(".paged-list li")).to_have_count(2)
    _unfold(app)
    if group == "admin":
        app.page.locator("#hyperparameter").select_option("epochs")
        for label in ("normal", "other"):
            (folder / label).mkdir(parents=True, exist_ok=True)
            (folder / label / "1.png").write_bytes(images.grey_file())
        app.page.locator("#labelled-folder").set_input_files(folder)
        expect(app.sheet.locator(".labelled-folders")).to_be_visible()
    yield "retrainings"
    told.train(12, 7)
    told.now |= {"reason": written["reason"]}
    app.open(f"#/retrainings/{history.NAME}")
    expect(app.sheet.locator(".chart svg")).to_have_count(2)
    yield "training"
    # Opened again, it does not wait until the page asks again.
    app.open("#/audit")
    told.now = history.asking() | written
    app.open(f"#/retrainings/{history.NAME}")
    expect(app.sheet.locator(".plots img")).to_be_visible()
    yield "approval"
    if group == "admin":
        app.sheet.locator("button.secondary").first.click()
        yield from _dialog(app, "stop")
    told.now = history.deployed() | written
    expect(app.sheet.locator(".verdict.good")).to_be_visible()
    yield "deployed"


def _batches(app: AppPage, group: Group) -> Iterator[str]:
    failed = made_up_batches.batch(name="b", status="failed", kind="again", outcome="States.Runtime")
    told = made_up_batches.ToldBatches(app, made_up_batches.batch(), failed)
    one = f"#/batches/{made_up_batches.NAME}"
    app.open(f"#/tasks/{TASK}/batches")
    if group != "admin":
        yield "batches"
        app.open(one)
        yield "batch"
        return
    expect(app.sheet.locator(".paged-list li")).to_have_count(2)
    app.page.locator("#batch-source").fill("archive/nothing/")
    app.intercept(
        "**/api/batches",
        lambda route: route.fulfill(
            json=told.now | {"name": None}
            if route.request.method == "POST"
            else {"batches": [], "cursor": None}
        ),
    )
    app.sheet.locator(".batch-form button").click()
    expect(app.sheet.locator(".estimate")).to_be_visible()
    yield "batches"
    app.open(one)
    expect(app.sheet.locator("progress")).to_be_visible()
    yield "batch"
    app.sheet.locator("button.secondary").click()
    yield from _dialog(app, "stop batch")
    told.now = made_up_batches.ended()
    app.sheet.locator(".actions button").nth(1).click()
    expect(app.sheet.locator(".table-box")).to_have_count(3)
    yield "batch with its report"


def _unfold(app: AppPage) -> None:
    """Open everything that can be unfolded."""
    app.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")


def _wait_for_parts(app: AppPage) -> Locator:
    parts = app.sheet.locator("[aria-busy=true]")
    expect(parts).to_have_count(0)
    return parts


def _dialog(app: AppPage, name: str) -> Iterator[str]:
    expect(app.page.locator("dialog[open], :popover-open")).to_be_visible()
    yield f"dialog {name}"
    app.close_dialog()
