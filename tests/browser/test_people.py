"""A model against its reviewers, and the review rule."""

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from playwright.sync_api import APIRequestContext, Locator, Route, expect

from chalicelib.models.package import BUNDLED_MODELS, ModelPackage
from chalicelib.proportion import proportion
from chalicelib.tasks import load_task
from tests.browser import samples
from tests.browser.app_page import AppPage
from tests.browser.test_access import violations

TASK = "breast-ultrasound"
PLACE = f"#/tasks/{TASK}/people"
RULE = f"/api/tasks/{TASK}/review-rule"
CLASSES = load_task(TASK).class_names


def classify(request: APIRequestContext, address: str) -> dict[str, Any]:
    """A new result."""
    posted = request.post(
        f"{address}/api/tasks/{TASK}/classify",
        data=samples.jpeg()["buffer"],
        headers={"Content-Type": "image/jpeg"},
    )
    result: dict[str, Any] = posted.json()
    return result


@pytest.fixture
def disagreement(app: AppPage) -> tuple[str, str]:
    """The classes that the model and a review give to the same image."""
    request, results = app.page.request, [classify(app.page.request, app.address) for _ in range(2)]
    given = results[1]["label"]
    other = next(name for name in CLASSES if name != given)
    for result, label in zip(results, (results[0]["label"], other), strict=True):
        assert request.put(f"{app.address}/api/results/{result['id']}/review", data={"label": label}).ok
    return given, other


@pytest.fixture
def own_rule(app: AppPage) -> Iterator[None]:
    """The model has its own rule, before and after the test."""
    request = app.page.request

    def reset() -> None:
        rule = request.get(f"{app.address}{RULE}").json()
        body = {"version": rule["version"], "min_probability": None, "seen": rule["changed_at"]}
        assert request.put(f"{app.address}{RULE}", data=body).ok

    reset()
    yield
    reset()


def slider(app: AppPage) -> Locator:
    return app.page.get_by_role("slider", name="Mark answers below")


def rule_in_words(app: AppPage) -> Locator:
    return app.sheet.get_by_text("are marked for review. ")


def test_cell_of_the_confusion_matrix_opens_its_images(app: AppPage, disagreement: tuple[str, str]) -> None:
    given, other = disagreement
    titles = {spec.name: spec.title for spec in load_task(TASK).classes}
    app.open(f"#/tasks/{TASK}/models")
    app.page.get_by_role("link", name="Model against people").click()
    expect(app.sheet.get_by_role("heading", level=2)).to_have_text(re.compile("Model against people"))
    expect(app.sheet).to_contain_text("not a random sample")
    name = re.compile(f"reviewed as {titles[other]}, classified as {titles[given]}$")
    cell = app.page.get_by_role("link", name=name)
    images = int(cell.inner_text())

    cell.click()

    expect(app.rows).to_have_count(images)
    linked = app.page.locator("#linked-filters")
    expect(linked).to_contain_text(f"Reviewed as: {titles[other]} · Model: ")
    query = app.page.request.get(
        f"{app.address}/api/results?task={TASK}&label={given}&reviewed_label={other}"
    ).json()
    assert len(query["results"]) == images
    linked.get_by_role("button", name="Remove all filters").click()
    expect(linked).to_have_count(0)
    expect(app.rows.nth(images)).to_be_visible()
    assert "reviewed_label" not in app.page.url


def test_results_are_read_once_for_the_comparison_and_the_rule(app: AppPage) -> None:
    held: list[Route] = []
    app.open()
    app.intercept("**/review-statistics?*", held.append)
    with app.page.expect_response(re.compile("/model.json$")):
        app.page.goto(f"{app.address}/{PLACE}")
    assert len(held) == 1
    held[0].continue_()
    expect(slider(app)).to_be_visible()
    expect(app.sheet.locator("table, .soft").first).to_be_visible()
    assert len(held) == 1


def test_groups_are_told_apart(app: AppPage, disagreement: tuple[str, str]) -> None:
    app.open(PLACE)
    rows = app.sheet.locator("table").first.locator("tbody tr")
    expect(rows).to_have_count(3)
    counts = [int(row.locator("td").nth(1).inner_text().split()[0]) for row in rows.all()]
    assert counts[0] == counts[1] + counts[2] > 0
    busy, empty = ("unmarked", "marked") if counts[2] else ("marked", "unmarked")
    app.page.get_by_label("Details of").select_option(busy)
    link = app.sheet.locator(".confusion a").first
    expect(link).to_have_attribute("href", re.compile(f"needs_review={str(busy == 'marked').lower()}"))
    if counts[1 if empty == "marked" else 2] == 0:
        app.page.get_by_label("Details of").select_option(empty)
        expect(app.sheet).to_contain_text("No image of this group has been reviewed")
    app.page.get_by_label("to", exact=True).fill("2020-01-01")
    expect(app.sheet).to_contain_text("This version has no answers in this period.")


def test_administrator_changes_the_rule_and_goes_back(app: AppPage, own_rule: None) -> None:
    app.open(PLACE)
    own = app.page.request.get(f"{app.address}{RULE}").json()["own"]
    expect(rule_in_words(app)).to_contain_text("This is the model's own rule")
    expect(app.sheet).to_contain_text(
        re.compile(r"The test: [\d,]+ labelled images that were kept out of the training")
    )
    save = app.page.get_by_role("button", name="Change to")
    expect(save).to_have_count(0)
    slider(app).focus()
    app.press("End", "ArrowLeft")
    expect(slider(app)).to_have_attribute("aria-valuetext", "99%")
    save.click()
    dialog = app.page.get_by_role("dialog")
    expect(dialog).to_contain_text("below 99% are marked for review, for all users, within one minute")
    dialog.get_by_role("button", name="Change the rule").click()
    expect(rule_in_words(app)).to_contain_text(re.compile("below 99%.*Chosen by"))
    assert app.page.request.get(f"{app.address}{RULE}").json()["min_probability"] == 0.99
    app.page.get_by_role("button", name="Use the model's own").click()
    dialog.get_by_role("button", name="Change the rule").click()
    expect(rule_in_words(app)).to_contain_text("went back on")
    assert app.page.request.get(f"{app.address}{RULE}").json()["min_probability"] == own


def test_rule_that_was_changed_elsewhere_is_not_replaced(app: AppPage, own_rule: None) -> None:
    app.http_errors_expected = True
    app.open(PLACE)
    slider(app).focus()
    app.press("Home")
    rule = app.page.request.get(f"{app.address}{RULE}").json()
    body = {"version": rule["version"], "min_probability": 0.7, "seen": rule["changed_at"]}
    assert app.page.request.put(f"{app.address}{RULE}", data=body).ok
    app.page.get_by_role("button", name="Change to").click()
    dialog = app.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Change the rule").click()
    expect(dialog).to_contain_text("Somebody has changed the review rule")
    assert app.page.request.get(f"{app.address}{RULE}").json()["min_probability"] == 0.7


def test_rule_of_a_weak_model_is_fixed(app: AppPage) -> None:
    app.open("#/tasks/retinal-oct-2017/people")
    expect(app.sheet).to_contain_text("did not reach the required performance")
    expect(app.sheet.locator(".chart-legend").last).to_contain_text("Not marked (test)")
    expect(slider(app)).to_have_count(0)


def test_reader_sees_the_rule_only(app: AppPage) -> None:
    reader = {"login": True, "user": "4711", "groups": ["reader"], "role": "reader"}
    app.intercept("**/api/me", lambda route: route.fulfill(json=reader))
    app.open(PLACE)
    expect(rule_in_words(app)).to_be_visible()
    expect(app.sheet).to_contain_text("Only members of the group “admin” can change the review rule")
    expect(slider(app)).to_have_count(0)


@pytest.mark.parametrize(("scheme", "language"), [("light", "English"), ("dark", "Deutsch")])
def test_page_passes_accessibility_checks(
    app: AppPage, disagreement: tuple[str, str], scheme: Literal["light", "dark"], language: str
) -> None:
    app.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    app.page.set_viewport_size({"width": 320, "height": 640})
    app.open(PLACE)
    app.choose_language(language)
    expect(app.page.get_by_role("slider")).to_be_visible()
    expect(app.sheet.locator(".confusion a").first).to_be_visible()
    assert violations(app) == []
    assert app.page.evaluate("document.documentElement.scrollWidth") == 320


def test_curve_of_the_test_is_that_of_its_reliability_table(app: AppPage) -> None:
    """Where a bin begins, nothing is interpolated, and the interval is the server's."""
    app.open()
    facts = ModelPackage.load(BUNDLED_MODELS / TASK).facts
    table = facts["curves"]["reliability"]["after"]
    found = app.page.evaluate(
        """async (facts) => {
            const { tested } = await import("/modules/selectiveprediction.js");
            return tested(JSON.parse(facts))(80);
        }""",
        json.dumps(facts),
    )
    sure = [index for index, confidence in enumerate(table["confidence"]) if confidence >= 0.8]
    images = sum(table["images"][index] for index in sure)
    right = sum(round(table["images"][index] * table["accuracy"][index]) for index in sure)
    assert found["coverage"] == pytest.approx(proportion(images, sum(table["images"])), abs=1e-6)
    assert found["accuracy"] == pytest.approx(proportion(right, images), abs=1e-6)
