"""Retrainings: started, followed and decided about from the page."""

import re
from typing import Any, Literal

import pytest
from playwright.sync_api import expect

from tests.browser import records
from tests.browser.desk import Desk
from tests.browser.records import EMPTY, NAME, Told
from tests.browser.test_access import violations

pytestmark = pytest.mark.usefixtures("patience")
LIST, ONE = f"#/tasks/{records.TASK}/retrainings", f"#/retrainings/{NAME}"
REFRESH_MS = 3_000


def look_again(desk: Desk) -> None:
    """Let the time pass until the page asks again."""
    desk.page.clock.run_for(REFRESH_MS)


def follow(desk: Desk, now: dict[str, Any]) -> Told:
    """Open a retraining."""
    desk.page.clock.install()
    told = Told(desk, now)
    desk.open(ONE)
    return told


def test_retraining_is_started_and_followed_to_its_end(desk: Desk) -> None:
    """By keyboard, and for real: it ends at once, since there is nothing to learn from."""
    desk.open(f"#/tasks/{EMPTY}/retrainings")
    desk.page.get_by_label("Ask a person before a new model is deployed").focus()
    desk.press("Space")
    desk.page.get_by_label("Reason").focus()
    desk.page.keyboard.type("the first one")
    desk.press("Tab")
    expect(desk.page.get_by_role("button", name="Start retraining")).to_be_focused()
    with desk.page.expect_request(lambda request: request.method == "POST") as sent:
        desk.press("Enter")
    assert sent.value.post_data_json == {"task": EMPTY, "approval": True, "reason": "the first one"}

    expect(desk.page).to_have_url(re.compile(rf"#/retrainings/{EMPTY}-"))
    heading = desk.sheet.get_by_role("heading", level=2)
    expect(heading).to_be_focused()
    expect(heading).to_contain_text("Retraining: Retinal OCT")
    expect(desk.sheet.locator(".verdict.bad")).to_contain_text(f"There are no labelled images of {EMPTY}.")
    expect(desk.sheet.locator(".steps li").first).to_contain_text("Plan")
    expect(desk.sheet.locator(".facts")).to_contain_text("the first one")


def test_what_the_api_refuses_is_said_beside_the_button(desk: Desk) -> None:
    desk.http_errors_expected = True
    desk.open(LIST)
    desk.page.get_by_label("Search better hyper-parameters first").check()
    desk.page.get_by_label("Trainings of the search").fill("4")
    desk.page.get_by_text("Hyper-parameters", exact=True).click()
    another = desk.page.get_by_label("Set another one")
    another.select_option("epochs")
    field = desk.page.get_by_label("epochs", exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_attribute("max", "1000")
    expect(desk.sheet.locator(".hyperparameter")).to_contain_text("passes over the training images")
    desk.page.get_by_role("button", name="Remove epochs").click()
    expect(another).to_be_focused()
    another.select_option("learning_rate")
    desk.page.get_by_label("learning_rate", exact=True).fill("0.001")
    desk.page.get_by_role("button", name="Start retraining").click()
    expect(desk.problem).to_contain_text("learning_rate cannot be given where it is searched for")
    expect(desk.page).to_have_url(re.compile(r"/retrainings$"))


def test_steps_and_curves_follow_the_training(desk: Desk) -> None:
    told = follow(desk, records.retraining(metrics=records.measured(0.9)))
    steps = desk.sheet.locator(".steps li")
    expect(steps).to_have_text(
        [re.compile(name) for name in ("Plan", "Prepare data", "Review data", "Train")]
    )
    expect(steps.last).to_have_attribute("aria-current", "step")
    expect(steps.nth(1)).to_contain_text("1m")
    expect(desk.sheet.locator(".chart")).to_have_count(0)

    told.now = records.retraining(metrics=records.measured(0.5))
    look_again(desk)
    expect(desk.sheet.locator(".chart svg")).to_have_count(2)
    expect(desk.sheet).to_contain_text("0.600")

    told.now = records.asking()
    look_again(desk)
    expect(steps).to_have_count(9)
    expect(desk.page.locator("#announcer")).to_contain_text("Now: Ask for approval.")
    told.now = records.deployed()
    look_again(desk)
    expect(desk.sheet.locator(".verdict.good")).to_contain_text(
        f"{records.CANDIDATE} classifies from now on."
    )
    expect(desk.page.locator("#announcer")).to_contain_text("Deployed")
    expect(desk.sheet.get_by_role("link", name=records.CANDIDATE)).to_be_visible()
    report = desk.sheet.locator(".document")
    expect(report.get_by_role("heading", name="Results of the candidate")).to_be_visible()
    expect(report.get_by_role("img", name="Confusion matrix")).to_be_visible()
    asked = len([request for request in desk.requests if request.url.endswith(NAME)])
    look_again(desk)
    assert len([request for request in desk.requests if request.url.endswith(NAME)]) == asked


def test_an_outage_is_said_and_passes(desk: Desk) -> None:
    desk.http_errors_expected = True
    follow(desk, records.retraining())
    expect(desk.sheet.locator(".steps")).to_be_visible()
    desk.page.route(f"**/api/retrainings/{NAME}", lambda route: route.abort(), times=1)
    look_again(desk)
    expect(desk.sheet).to_contain_text("Not up to date")
    look_again(desk)
    expect(desk.sheet).not_to_contain_text("Not up to date")
    expect(desk.sheet.locator(".steps")).to_be_visible()


@pytest.mark.parametrize(("button", "approved"), [("Deploy", True), ("Decline", False)])
def test_a_person_decides(desk: Desk, button: str, approved: bool) -> None:
    told = follow(desk, records.asking())
    comment = desk.page.get_by_label("Comment")
    comment.fill("Looks right.")
    look_again(desk)
    expect(comment).to_have_value("Looks right.")
    desk.page.get_by_role("button", name=button).click()
    dialog = desk.page.get_by_role("dialog")
    expect(dialog).to_contain_text("is put into service" if approved else "is not deployed")
    told.now = records.deployed()
    dialog.get_by_role("button", name=button).click()
    expect(dialog).to_be_hidden()
    assert told.answers == [{"approved": approved, "comment": "Looks right."}]
    expect(comment).to_be_hidden()
    expect(desk.sheet.get_by_role("heading", level=2)).to_be_focused()
    expect(desk.sheet.locator(".verdict.good")).to_be_visible()


def test_who_is_no_admin_sees_everything_and_cannot_touch(desk: Desk) -> None:
    records.member(desk, "reader")
    Told(desk, records.asking())
    desk.open(LIST)
    expect(desk.sheet).to_contain_text("Only members of the group “admin” may start a retraining")
    expect(desk.sheet.locator("form")).to_have_count(0)
    row = desk.sheet.locator(".records li")
    expect(row).to_contain_text("Asks for approval")
    row.get_by_role("link").click()
    expect(desk.sheet).to_contain_text("Only members of the group “admin” may decide")
    expect(desk.sheet.locator(".steps li")).to_have_count(9)
    expect(desk.sheet.get_by_role("button")).to_have_count(0)


def test_unknown_retraining_is_said_to_be_unknown(desk: Desk) -> None:
    desk.http_errors_expected = True
    desk.open("#/retrainings/nothing-of-the-kind")
    expect(desk.problem).to_contain_text("There is no retraining of that name")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_retrainings_are_accessible(desk: Desk, scheme: Literal["light", "dark"]) -> None:
    desk.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    language: Any = {"light": "de", "dark": "en"}[scheme]
    desk.page.add_init_script(f"localStorage.setItem('negatoscope.language', '{language}')")
    told = Told(desk, records.asking(), records.retraining(name="b"), records.deployed() | {"name": "c"})
    desk.page.goto(f"{desk.address}/{LIST}")
    expect(desk.sheet.locator(".records li")).to_have_count(3)
    desk.sheet.locator("summary").click()
    desk.page.locator("#hyperparameter").select_option("epochs")
    seen(desk)
    desk.page.goto(f"{desk.address}/{ONE}")
    expect(desk.page.locator("#approval-comment")).to_be_visible()
    expect(desk.sheet.locator(".document img")).to_be_visible()
    seen(desk)
    told.now = records.deployed()
    expect(desk.sheet.locator(".verdict.good")).to_be_visible(timeout=2 * REFRESH_MS)
    seen(desk)


def seen(desk: Desk) -> None:
    """Look at the page with all eyes, on every screen."""
    assert violations(desk) == []
    for width in (320, 820, 1440):
        desk.page.set_viewport_size({"width": width, "height": 800})
        assert desk.width_beyond_screen() <= 0, width
