"""Retraining from the page: start, progress and approval."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser import history
from tests.browser.app_page import AppPage
from tests.browser.history import EMPTY, NAME, Told, counted
from tests.browser.stubbed_page import StubbedPage
from tests.browser.test_many_uploads import LEAVE

LIST, ONE = f"#/tasks/{history.TASK}/retrainings", f"#/retrainings/{NAME}"
REFRESH_MS = 3_000


def look_again(app: AppPage) -> None:
    """Advance the clock until the page polls again."""
    app.page.clock.run_for(REFRESH_MS)


def follow(app: AppPage, now: dict[str, Any]) -> Told:
    """Open a retraining."""
    app.page.clock.install()
    told = Told(app, now)
    app.open(ONE)
    expect(app.sheet.locator(".steps")).to_be_visible()
    # The page asks again only when `look_again` says so.
    app.page.clock.pause_at(app.page.evaluate("Date.now() + 1_000") / 1_000)
    return told


def test_retraining_is_started_and_followed_to_the_end(app: AppPage) -> None:
    """By keyboard, on the real system: it fails at once, since there are no images."""
    # As if there were some: otherwise the page would not start it.
    enough = counted()
    app.intercept(f"**/api/tasks/{EMPTY}/training-data", lambda route: route.fulfill(json=enough))
    app.open(f"#/tasks/{EMPTY}/retrainings")
    expect(app.page.get_by_label("Require approval before a new model is deployed")).to_be_checked()
    app.page.get_by_label("Reason").focus()
    app.page.keyboard.type("the first one")
    app.press("Tab")
    expect(app.page.get_by_role("button", name="Start retraining")).to_be_focused()
    with app.page.expect_request(lambda request: request.method == "POST") as sent:
        app.press("Enter")
    assert sent.value.post_data_json == {"task": EMPTY, "approval": True, "reason": "the first one"}

    expect(app.page).to_have_url(re.compile(rf"#/retrainings/{EMPTY}-"))
    heading = app.sheet.get_by_role("heading", level=2)
    expect(heading).to_be_focused()
    expect(heading).to_contain_text("Retraining · Retinal OCT")
    expect(app.sheet.locator(".verdict.bad")).to_contain_text(f"There are no labelled images of {EMPTY}.")
    expect(app.sheet.locator(".steps li").first).to_contain_text("Plan")
    expect(app.sheet.locator(".facts")).to_contain_text("the first one")


def test_refused_start_is_explained_beside_the_button(app: AppPage) -> None:
    app.http_errors_expected = True
    enough = counted()
    app.intercept(f"**/api/tasks/{history.TASK}/training-data", lambda route: route.fulfill(json=enough))
    app.open(LIST)
    app.page.get_by_label("Tune hyperparameters first").check()
    app.page.get_by_label("Tuning trials").fill("4")
    app.page.get_by_text("Hyperparameters", exact=True).click()
    another = app.page.get_by_label("Add a hyperparameter")
    another.select_option("epochs")
    field = app.page.get_by_label("epochs", exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_attribute("max", "1000")
    expect(app.sheet.locator(".hyperparameter")).to_contain_text("passes over the training images")
    app.page.get_by_role("button", name="Remove epochs").click()
    expect(another).to_be_focused()
    another.select_option("learning_rate")
    app.page.get_by_label("learning_rate", exact=True).fill("0.001")
    app.page.get_by_role("button", name="Start retraining").click()
    expect(app.problem).to_contain_text("searches for learning_rate, so it cannot be given")
    expect(app.page).to_have_url(re.compile(r"/retrainings$"))


def test_retraining_shows_steps_and_training_curves(first_visit: AppPage) -> None:
    app = first_visit
    told = follow(app, history.retraining())
    steps = app.sheet.locator(".steps li")
    expect(steps).to_have_text([re.compile(name) for name in ("Plan", "Prepare data", "Check data", "Train")])
    expect(steps.last).to_have_attribute("aria-current", "step")
    expect(steps.nth(1)).to_contain_text("1m")
    expect(app.sheet.locator(".chart")).to_have_count(0)

    told.train(4)
    look_again(app)
    charts = app.sheet.locator(".chart svg")
    expect(charts).to_have_count(2)
    expect(charts.first.locator(".line")).to_have_count(1)
    expect(charts.first.locator(".least")).to_have_count(1)
    expect(app.sheet.locator(".chart-legend").first).to_contain_text("Model in use: 0.750")
    expect(charts.last.locator(".line")).to_have_count(2)
    row = app.sheet.locator(".table-box tbody tr")
    expect(row).to_have_text(re.compile("Network 0.*4.*4.*0.800.*0.400.*0.200"))
    told.train(5, 2)
    look_again(app)
    expect(charts.first.locator(".line")).to_have_count(2)
    expect(charts.first.locator(".series-0 .mark")).to_have_count(5)
    expect(row).to_have_count(2)

    told.now = history.asking()
    look_again(app)
    expect(steps).to_have_count(9)
    expect(app.page.locator("#announcer")).to_contain_text("Current step: Wait for approval.")
    sentence = app.sheet.locator(".result-sentence")
    compared = "balanced accuracy 0.860 against 0.830 on the same 130 test images."
    expect(sentence).to_have_text(f"The new model is better: {compared} It waits for your approval.")
    told.now = history.deployed()
    look_again(app)
    expect(app.sheet.locator(".verdict.good")).to_contain_text(f"{history.CANDIDATE} classifies from now on.")
    expect(app.page.locator("#announcer")).to_contain_text("Deployed")
    expect(app.sheet.get_by_role("link", name=history.CANDIDATE)).to_be_visible()
    report = app.sheet.locator(".document")
    expect(report.get_by_role("heading", name="Results of the candidate")).to_be_visible()
    expect(app.sheet.locator(".plots").get_by_role("img", name="Confusion matrix")).to_be_visible()
    expect(sentence).to_have_text(f"The new model is better: {compared} It was deployed.")
    asked = len([request for request in app.requests if request.url.endswith(NAME)])
    look_again(app)
    assert len([request for request in app.requests if request.url.endswith(NAME)]) == asked


def test_outage_is_reported_and_recovers(first_visit: AppPage) -> None:
    app = first_visit
    app.http_errors_expected = True
    follow(app, history.retraining())
    expect(app.sheet.locator(".steps")).to_be_visible()
    app.intercept(f"**/api/retrainings/{NAME}", lambda route: route.abort(), once=True)
    look_again(app)
    expect(app.sheet).to_contain_text("Not up to date")
    look_again(app)
    expect(app.sheet).not_to_contain_text("Not up to date")
    expect(app.sheet.locator(".steps")).to_be_visible()


@pytest.mark.parametrize(("button", "approved"), [("Deploy", True), ("Reject", False)])
def test_approval_is_given_or_refused(first_visit: AppPage, button: str, approved: bool) -> None:
    app = first_visit
    told = follow(app, history.asking())
    comment = app.page.get_by_label("Comment")
    comment.fill("Looks right.")
    look_again(app)
    expect(comment).to_have_value("Looks right.")
    app.page.get_by_role("button", name=button).click()
    dialog = app.page.get_by_role("dialog")
    expect(dialog).to_contain_text("is deployed, must reproduce" if approved else "is not deployed")
    told.now = history.deployed()
    dialog.get_by_role("button", name=button).click()
    expect(dialog).to_be_hidden()
    assert told.answers == [{"approved": approved, "comment": "Looks right."}]
    expect(comment).to_be_hidden()
    expect(app.sheet.get_by_role("heading", level=2)).to_be_focused()
    expect(app.sheet.locator(".verdict.good")).to_be_visible()


def test_retraining_is_stopped_after_a_question(first_visit: AppPage) -> None:
    app = first_visit
    told = follow(app, history.retraining())
    app.page.get_by_role("button", name="Stop this retraining").click()
    dialog = app.page.get_by_role("dialog")
    expect(dialog).to_contain_text("The current model stays in use.")
    told.now = history.retraining(status="stopped", stopped_by="local", outcome="It was stopped.")
    dialog.get_by_role("button", name="Stop retraining").click()
    expect(app.sheet.locator(".verdict.bad, .verdict.review")).to_contain_text("It was stopped.")
    assert told.answers == [{}]
    expect(app.sheet.locator(".facts")).to_contain_text("Stopped by")
    expect(app.page.get_by_role("button", name="Stop this retraining")).to_have_count(0)
    expect(app.sheet.get_by_role("heading", level=2)).to_be_focused()

    told.now = history.deployed() | {"status": "running"}
    app.open("#/")
    app.open(ONE)
    expect(app.sheet.locator(".steps")).to_be_visible()
    expect(app.page.get_by_role("button", name="Stop this retraining")).to_have_count(0)


def test_retrainings_without_admin_role_are_read_only(app: AppPage) -> None:
    history.member(app, "reader")
    Told(app, history.asking())
    app.open(LIST)
    expect(app.sheet).to_contain_text("Only members of the group “admin” can start a retraining")
    expect(app.sheet.locator("form")).to_have_count(0)
    row = app.sheet.locator(".paged-list li")
    expect(row).to_contain_text("Approval required")
    row.get_by_role("link").click()
    expect(app.sheet).to_contain_text("Only members of the group “admin” can approve or reject a deployment")
    expect(app.sheet.locator(".steps li")).to_have_count(9)
    acts = re.compile("Deploy|Do not|Reject|Start|Stop")
    expect(app.sheet.get_by_role("button", name=acts)).to_have_count(0)


def test_unknown_retraining_is_reported(app: AppPage) -> None:
    app.http_errors_expected = True
    app.open("#/retrainings/nothing-of-the-kind")
    expect(app.problem).to_contain_text("There is no retraining with this name")


def test_retrainings_fit_all_screen_sizes(app: AppPage) -> None:
    # German words are longer.
    app.page.add_init_script("localStorage.setItem('negatoscope.language', 'de')")
    told = Told(app, history.asking(), history.retraining(name="b"), history.deployed() | {"name": "c"})
    app.open(LIST)
    expect(app.sheet.locator(".paged-list li")).to_have_count(3)
    app.sheet.locator("summary").last.click()
    app.page.locator("#hyperparameter").select_option("epochs")
    fits(app)
    app.open(ONE)
    expect(app.page.locator("#approval-comment")).to_be_visible()
    expect(app.sheet.locator(".plots img")).to_be_visible()
    fits(app)
    told.now = history.deployed()
    expect(app.sheet.locator(".verdict.good")).to_be_visible()
    fits(app)


def fits(app: AppPage) -> None:
    """Check that no screen size needs sideways scrolling."""
    for width in (320, 820, 1440):
        app.page.set_viewport_size({"width": width, "height": 800})
        assert app.width_beyond_screen() <= 0, width


def test_typed_reason_is_kept_until_the_retraining_starts(stub: StubbedPage) -> None:
    stub.open()
    stub.run(
        """
        await import("/modules/modelpages.js");
        const { retrainingForm } = await import("/modules/retrainingform.js");
        const task = { name: "mammography-views" };
        window.make = () => document.body.append(retrainingForm(task, { obstacle: "" }));
        const before = window.fetch;
        const answer = () => Response.json({ name: "mammography-views-1" });
        window.fetch = async (...asked) => (asked[0].endsWith("/retrainings") ? answer() : before(...asked));
        make();
        """
    )
    reason = stub.page.locator("#retraining-reason")
    reason.fill("New scanner")
    assert not stub.run(LEAVE)
    # As a change of language does.
    stub.run('document.querySelector(".start-form").remove(); make();')
    expect(reason).to_have_value("New scanner")
    stub.page.get_by_role("button", name="Start retraining").click()
    expect(stub.page).to_have_url(re.compile("#/retrainings/mammography-views-1"))
    assert stub.run(LEAVE)


def test_started_retraining_does_not_leave_the_page_that_was_opened_meanwhile(stub: StubbedPage) -> None:
    stub.open()
    places = stub.run(
        """
        await import("/modules/modelpages.js");
        const { retrainingForm } = await import("/modules/retrainingform.js");
        const { navigate, resultAddress, taskAddress } = await import("/modules/router.js");
        const before = window.fetch;
        let held;
        window.fetch = async (input, options) => {
            if (!String(input).endsWith("/retrainings")) return before(input, options);
            await held;
            return Response.json({ name: "mammography-views-1" });
        };
        const start = async (meanwhile) => {
            const form = retrainingForm({ name: "mammography-views" }, { obstacle: "" });
            document.body.append(form);
            held = new Promise((done) => setTimeout(done, 100));
            form.requestSubmit();
            meanwhile();
            await held;
            await new Promise((done) => setTimeout(done, 100));
            form.remove();
            return location.hash;
        };
        return [await start(() => navigate(taskAddress("chest-xray"))), await start(() => {})];
        """
    )
    assert places == ["#/tasks/chest-xray", "#/retrainings/mammography-views-1"]
