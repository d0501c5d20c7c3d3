"""What is stored in English is shown in German, or marked as English; see also `test_every_view.py`."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser import history
from tests.browser.app_page import TASK, AppPage

LANGUAGE = "de"
REPORTED = (
    "It reaches every minimum of its task, and is better than the current one "
    "(probability 97 %, accuracy +1.2 points)."
)


@pytest.fixture
def german(app: AppPage) -> AppPage:
    app.page.add_init_script(
        f"try {{ localStorage.setItem('negatoscope.language', '{LANGUAGE}') }} catch {{}}"
    )
    return app


def test_version_says_that_its_card_is_in_english(german: AppPage) -> None:
    app = german
    app.intercept("**/api/tasks/*/models", history.with_history)
    app.open(f"#/tasks/{TASK}/models")
    app.sheet.locator("table a").first.click()
    expect(app.sheet.locator(".document")).to_contain_text("in englischer Sprache gespeichert")
    expect(app.sheet.locator("figure img")).to_have_count(history.count_plots(TASK))
    expect(app.sheet.locator("figcaption").first).to_have_text(r"KonfusionsmatrixVergrößern")


def test_retraining_is_described_in_german(german: AppPage) -> None:
    app = german
    told: dict[str, Any] = history.deployed() | {
        "reason": "Neues Gerät",
        "outcome": f"{REPORTED} {history.CANDIDATE} classifies from now on.",
    }
    history.Told(app, told)
    app.open(f"#/tasks/{history.TASK}/retrainings")
    app.page.get_by_text("Hyperparameter", exact=True).click()
    for name in ("epochs", "weights"):
        app.page.get_by_label("Hyperparameter hinzufügen").select_option(name)
    expect(app.sheet).to_contain_text("Durchgänge durch die Trainingsbilder")
    app.open(f"#/retrainings/{history.NAME}")
    expect(app.sheet).to_contain_text("Genauigkeit +1,2 Prozentpunkte")
