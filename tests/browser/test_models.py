"""The models of a task: metrics, history, decisions and rollback."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from chalicelib.models.archive import pack, package_files
from chalicelib.models.package import BUNDLED_MODELS, ModelPackage
from chalicelib.models.registry import Registry
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import load_task
from local.stack import BUCKET
from tests.browser import history, samples
from tests.browser.app_page import AppPage
from tests.browser.test_access import violations
from tests.stack.client import Client

TASK = history.TASK
PLACE = f"#/tasks/{TASK}/models"
REJECTED, DEPLOYED = "2026.11.01-rejected", "2026.11.02-deployed"


@dataclass(frozen=True)
class Models:
    """The bundled model of a task, one that was rejected and one that has replaced it."""

    registry: Registry
    bundled: str

    def current(self) -> str:
        """The version in use."""
        deployment = self.registry.current(TASK)
        assert deployment is not None
        return deployment.version


@pytest.fixture(scope="module")
def models(request: pytest.FixtureRequest) -> Iterator[Models]:
    if "NEGATOSCOPE_URL" in os.environ:
        pytest.skip("the models of a system that others use are not changed")
    client = Client(request.getfixturevalue("stack"))
    registry = Registry(DataBucket(client.s3, BUCKET))
    before = registry.current(TASK)
    assert before is not None
    for version, accuracy, accepted in ((REJECTED, 0.7, False), (DEPLOYED, 0.91, True)):
        registry.add(TASK, pack(retrained(version, accuracy)), {"origin": "retraining", "run": history.NAME})
        registry.decide(TASK, version, accepted=accepted, reasons=[f"Accuracy is {accuracy}."])
    registry.promote(TASK, DEPLOYED, None, None)
    yield Models(registry, before.version)
    registry.promote(TASK, before.version, None, None)
    for version in (REJECTED, DEPLOYED):
        for key in client.keys(f"models/{TASK}/{version}/"):
            client.s3.delete_object(Bucket=BUCKET, Key=key)


def retrained(version: str, accuracy: float) -> dict[str, bytes]:
    """The files of the bundled package under another version and with another accuracy."""
    files = package_files(BUNDLED_MODELS / TASK)
    facts = json.loads(files["model.json"])
    facts |= {"version": version, "created_at": "2026-12-01T10:00:00+00:00"}
    facts["metrics"]["test"]["accuracy"] = {
        "value": accuracy,
        "low": accuracy - 0.05,
        "high": accuracy + 0.05,
    }
    return files | {"model.json": json.dumps(facts).encode()}


def rows(app: AppPage) -> Locator:
    """The table of all versions."""
    return app.page.locator("#sheet table").last.locator("tbody tr")


def test_current_model_shows_its_test_and_its_gate(app: AppPage, models: Models) -> None:
    app.open(PLACE)
    sheet = app.sheet
    expect(sheet.get_by_role("heading", level=2)).to_have_text(re.compile("Models · Retinal OCT"))
    expect(sheet.locator(".lead")).to_contain_text(f"{DEPLOYED} · trained")
    accuracy = sheet.locator("table").first.locator("tbody tr").first
    expect(accuracy).to_contain_text("0.910 (0.860 to 0.960)")
    expect(accuracy).to_contain_text("met")
    tested = ModelPackage.load(BUNDLED_MODELS / TASK).facts["data"]["split"]["test"]
    expect(sheet).to_contain_text(f"{tested['images']} unseen images of {tested['groups']} patients")
    expect(sheet).to_contain_text(re.compile("Drift: (unknown|none)"))
    pictures = sheet.locator(".plots img")
    expect(pictures).to_have_count(history.count_plots())
    for picture in pictures.all():
        assert picture.evaluate("async (image) => { await image.decode(); return image.naturalWidth; }") > 100
    expect(app.page.locator("#nav-models")).to_have_attribute("aria-current", "page")


def test_history_shows_a_chart_and_a_table(app: AppPage, models: Models) -> None:
    app.open(PLACE)
    expect(rows(app)).to_have_count(3)
    for version, status in ((DEPLOYED, "Current"), (REJECTED, "Rejected"), (models.bundled, "Previous")):
        expect(rows(app).filter(has_text=version)).to_contain_text(status)
    chart = app.page.locator(".chart svg")
    expect(chart).to_have_attribute("aria-label", re.compile("^Accuracy of 3 versions"))
    expect(chart.locator(".mark")).to_have_count(3)
    expect(app.sheet.locator(".chart-legend")).to_contain_text(f"Gate {load_task(TASK).gate['accuracy']:.3f}")
    app.page.locator("#history-metric").select_option(label="Area under the ROC curve")
    expect(chart).to_have_attribute("aria-label", re.compile("^Area under the ROC curve"))


def test_version_shows_its_decision_and_its_card(app: AppPage, models: Models) -> None:
    app.open(PLACE)
    rows(app).get_by_role("link", name=REJECTED).click()
    expect(app.sheet.get_by_role("heading", level=2)).to_be_focused()
    expect(app.sheet.locator(".verdict.bad")).to_contain_text("Accuracy is 0.7.")
    card = app.sheet.locator(".document")
    expect(card.get_by_role("heading", name="Intended use")).to_be_visible()
    expect(card.get_by_role("columnheader", name="Meaning")).to_be_visible()
    plots = app.sheet.locator(".plots img")
    expect(plots).to_have_count(history.count_plots())
    app.page.get_by_role("button", name="Enlarge: Confusion matrix").click()
    dialog = app.page.get_by_role("dialog", name="Confusion matrix")
    expect(dialog.get_by_role("img")).to_be_visible()
    assert violations(app) == []
    app.press("Escape")
    expect(dialog).to_have_count(0)
    assert card.inner_text().count("**") == 0
    app.page.go_back()
    expect(rows(app)).to_have_count(3)


def test_plots_name_classes_by_their_titles(app: AppPage) -> None:
    app.open(PLACE)
    task = load_task("chest-xray")
    classes = [{"name": spec.name, "title": spec.title.upper()} for spec in task.classes]
    for file, expected in {
        "roc.svg": ("NORMAL (AUC ", "VIRAL PNEUMONIA (AUC "),
        "confusion.svg": (">NORMAL<", ">BACTERIAL<", ">PNEUMONIA<", ">VIRAL PNEUMONIA<"),
    }.items():
        source = (BUNDLED_MODELS / task.name / "plots" / file).read_text()
        plot = app.page.evaluate(
            """async ([source, classes]) => {
                const { withTitles } = await import("/modules/plotlabels.js");
                return withTitles(source, { classes });
            }""",
            [source, classes],
        )
        assert [text for text in expected if text not in plot] == []
        assert ">viral-pneumonia" not in plot


@pytest.mark.parametrize("title", ["{}", "{} and much more", "X", "W" * 30])
@pytest.mark.parametrize("name", ["retinal-oct", "retinal-oct-2017"])
def test_labels_of_a_matrix_end_beside_it(app: AppPage, name: str, title: str) -> None:
    """Whatever the length of the titles, and of the names, for which training left room."""
    app.open(PLACE)
    task = load_task(name)
    source = (BUNDLED_MODELS / task.name / "plots" / "confusion.svg").read_text()
    classes = [{"name": spec.name, "title": title.format(spec.title)} for spec in task.classes]

    changed = app.page.evaluate(
        """async ([source, classes]) => {
            const { withTitles } = await import("/modules/plotlabels.js");
            return withTitles(source, { classes });
        }""",
        [source, classes],
    )
    # A page of its own, because the security policy does not apply the styles of a plot outside an image.
    with app.page.context.new_page() as blank:
        before, after = (label_ends(blank, plot) for plot in (source, changed))

    assert len(before) >= len(after) >= len(classes)
    [gap] = {round(end) for _, end in before}
    assert [end for _, end in after if abs(end - gap) > 3] == []
    assert [start for start, _ in after if start < 0] == []


def label_ends(page: Page, plot: str) -> list[tuple[float, float]]:
    """The room on the left and on the right of each line of the labels beside a matrix, in pixels."""
    page.set_content(f"<body style='margin: 0'>{plot[plot.index('<svg') :]}")
    ends: list[tuple[float, float]] = page.evaluate(
        """() => {
        const edge = (selector, side) => document.querySelector(selector).getBoundingClientRect()[side];
        return [...document.querySelectorAll("[id='matplotlib.axis_2'] [id^=ytick] text")]
            .filter((line) => line.textContent)
            .map((line) => line.getBoundingClientRect())
            .map(({ left, right }) => [left - edge("[id='matplotlib.axis_2'] > :last-child", "right"),
                edge("#patch_2", "left") - right]);
        }"""
    )
    return ends


def test_rollback_asks_and_restores_the_previous_version(app: AppPage, models: Models) -> None:
    """By keyboard alone. At first the API refuses."""
    app.http_errors_expected = True
    refusal = {"code": "AlreadyRetraining", "message": "It is being retrained. Wait.", "request_id": "r-1"}
    app.intercept("**/rollback?*", lambda route: route.fulfill(status=409, json=refusal), once=True)
    app.open(PLACE)
    button = app.page.get_by_role("button", name=f"Roll back to {models.bundled}")
    button.focus()
    app.press("Enter")
    dialog = app.page.get_by_role("dialog", name=f"Roll back to {models.bundled}?")
    expect(dialog).to_contain_text(f"{DEPLOYED} is kept")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    assert violations(app) == []
    app.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()

    app.press("Enter")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    app.press("Shift+Tab")
    expect(dialog.get_by_role("button", name="Roll back")).to_be_focused()
    app.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("It is being retrained. Wait.")
    assert models.current() == DEPLOYED
    dialog.get_by_role("button", name="Roll back").press("Enter")
    expect(app.page.locator("#announcer")).to_contain_text(f"{models.bundled} now classifies images")
    expect(dialog).to_be_hidden()
    expect(app.sheet.locator(".lead")).to_contain_text(models.bundled)
    expect(app.sheet.get_by_role("heading", level=2)).to_be_focused()
    assert models.current() == models.bundled
    models.registry.roll_back(TASK, models.registry.current(TASK))


def test_models_without_admin_role_are_read_only_with_a_reason(app: AppPage, models: Models) -> None:
    history.member(app, "reviewer")
    app.open(PLACE)
    expect(app.sheet).to_contain_text("Only members of the group “admin” can roll back")
    expect(app.page.get_by_role("button", name="Roll back")).to_have_count(0)
    expect(rows(app)).to_have_count(3)


def test_imported_model_below_its_gate_is_marked(app: AppPage) -> None:
    def weaken(route: Route) -> None:
        catalogue = route.fetch().json()
        (task,) = (task for task in catalogue["tasks"] if task["name"] == "chest-xray")
        task["gate"]["metrics"] = {"accuracy": 0.999}
        task["model"]["shortfall"] = [{"metric": "accuracy", "value": 0.9, "least": 0.999}]
        route.fulfill(json=catalogue)

    def import_it(route: Route) -> None:
        answer = route.fetch().json()
        answer["models"][0] |= {"origin": "import", "source": {"stage": "research"}}
        route.fulfill(json=answer)

    app.intercept("**/api/tasks", weaken)
    app.intercept("**/api/tasks/chest-xray/models", import_it)
    app.open("#/tasks/chest-xray/models")
    expect(app.sheet).to_contain_text("imported from the stage research")
    expect(app.sheet.locator(".verdict.review")).to_contain_text("A person must review every result.")
    expect(app.sheet.locator("table").first).to_contain_text("at least 0.999 not met")


def test_models_of_a_task_without_one_explain_how_to_train(app: AppPage) -> None:
    history.forget_model(app)
    app.open(f"#/tasks/{history.EMPTY}/models")
    expect(app.sheet).to_contain_text("No model has been trained for this task yet")
    expect(app.sheet.locator("code")).to_have_text(re.compile(r"datasets/retinal-oct-2017/CLASS/$"))
    app.sheet.get_by_role("link", name="Start a retraining").click()
    expect(app.sheet.get_by_role("button", name="Start retraining")).to_be_visible()
    app.chooser.select_option(TASK)
    expect(app.page).to_have_url(re.compile(rf"#/tasks/{TASK}/retrainings$"))


def test_failed_request_is_reported_and_can_be_retried(app: AppPage) -> None:
    app.http_errors_expected = True
    answer = {"code": "InternalError", "message": "Something went wrong here.", "request_id": "r-2"}
    app.intercept(f"**/tasks/{TASK}/models", lambda route: route.fulfill(status=500, json=answer), once=True)
    app.open(PLACE)
    expect(app.problem).to_contain_text("Something went wrong here.")
    expect(app.problem).to_contain_text("Request r-2")
    app.problem.get_by_role("button", name="Try again").click()
    expect(app.sheet.locator(".lead")).to_be_visible()
    app.open(f"{PLACE}/2020.01.01-unknown")
    expect(app.problem).to_contain_text("This model version does not exist")


def test_card_with_markup_is_shown_as_text(app: AppPage) -> None:
    bad = "<img src=x onerror=\"console.error('ran')\">"
    source = f"# {bad}\n\n{bad} [a](javascript:1)\n\n| {bad} | b |\n| --- | --- |\n| 1 \\| 2 | `{bad}` |\n"
    app.intercept("**/card.md", lambda route: route.fulfill(body=source, content_type="text/markdown"))
    version = app.page.request.get(f"{app.address}/api/tasks/{TASK}/models").json()["models"][-1]["version"]
    app.open(f"{PLACE}/{version}")
    card = app.sheet.locator(".document")
    expect(card.get_by_role("heading", level=3)).to_have_text(bad)
    expect(card.locator("code")).to_have_text(bad)
    expect(card.locator("tbody th")).to_have_text("1 | 2")
    expect(card.locator("img, a")).to_have_count(0)


def test_shortcuts_and_drops_on_the_models_page(app: AppPage) -> None:
    """Review shortcuts do nothing on this page; a dropped file returns to the light box."""
    app.open()
    app.classify(samples.jpeg())
    app.page.locator("#nav-models").click()
    expect(app.sheet.get_by_role("heading", level=2)).to_be_focused()
    expect(app.image).to_be_hidden()
    app.press("1", "j", "Enter")
    expect(app.page).to_have_url(re.compile(r"/models$"))
    assert not [request for request in app.requests if request.method == "PUT"]
    app.drop(samples.jpeg())
    app.wait_for_result()
    expect(app.sheet).to_be_hidden()
    expect(app.page.locator("#nav-images")).to_have_attribute("aria-current", "page")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_models_pass_accessibility_checks(
    app: AppPage, models: Models, scheme: Literal["light", "dark"]
) -> None:
    app.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    language: Any = {"light": "en", "dark": "de"}[scheme]
    app.page.add_init_script(f"localStorage.setItem('negatoscope.language', '{language}')")
    history.forget_model(app)
    for place in (PLACE, f"{PLACE}/{DEPLOYED}", f"#/tasks/{history.EMPTY}/models"):
        app.open(place)
        expect(app.sheet.locator("h3").first).to_be_visible()
        expect(app.sheet.locator("img")).to_have_count(0 if history.EMPTY in place else history.count_plots())
        assert violations(app) == []
        for width in (320, 820, 1440):
            app.page.set_viewport_size({"width": width, "height": 800})
            assert app.width_beyond_screen() <= 0, (place, width)
