"""Take screenshots of every view of a running page: `python -m tests.browser.screenshots ADDRESS FOLDER`."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.sync_api import Browser, FilePayload, Route, expect

from tests.browser import history, samples
from tests.browser.app_page import PATIENCE_MS, AppPage
from tests.browser.chromium import launched

type Image = Path | FilePayload
type View = Callable[[AppPage, Image], None]


class Screen(NamedTuple):
    """A screen size and colour scheme."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"]
    whole_page: bool = False
    """Whether the picture includes what is below the edge of the screen."""


SCREENS = (
    Screen("desktop-light", 1440, 900, "light"),
    Screen("desktop-dark", 1440, 900, "dark"),
    Screen("wall", 2560, 1440, "dark"),
    Screen("tablet", 820, 1180, "light"),
    Screen("phone-light", 390, 844, "light", whole_page=True),
    Screen("phone-dark", 390, 844, "dark", whole_page=True),
    Screen("narrow", 320, 640, "light", whole_page=True),
)


def empty_state(app: AppPage, _image: Image) -> None:
    """An empty light box."""
    app.open()
    expect(app.page.locator("#worklist-status")).not_to_have_text("Loading…")


def classified(app: AppPage, image: Image) -> None:
    """A classified mammogram."""
    app.open()
    app.classify(image)


def needs_review(app: AppPage, _image: Image) -> None:
    """An ambiguous image."""
    app.open()
    app.classify(samples.both_breasts())


def dicom(app: AppPage, _image: Image) -> None:
    """A DICOM file."""
    app.open()
    app.classify(samples.dicom())


def compare(app: AppPage, image: Image) -> None:
    """The model input beside the original, after a review."""
    app.open()
    app.classify(image)
    app.press("Enter", "b")
    expect(app.page.locator("#compare")).to_have_attribute("aria-pressed", "true")
    expect(app.outcome).to_contain_text(":")


def side_by_side(app: AppPage, image: Image) -> None:
    """Two results side by side."""
    app.open()
    app.classify(samples.both_breasts())
    app.classify(image)
    app.press("v")
    expect(app.page.locator(".pane-verdict").last.locator("strong")).to_be_visible()


def uploads(app: AppPage, _image: Image) -> None:
    """Several uploads, some of which are not usable."""
    app.open()
    files = [samples.jpeg(), samples.text_file(), samples.truncated_jpeg(), samples.dicom(), samples.tiff()]
    app.drop(
        *(FilePayload(**{**file, "name": f"{index}-{file['name']}"}) for index, file in enumerate(files))
    )
    app.wait_for_queue()


def on_device(app: AppPage, image: Image) -> None:
    """Images classified in the browser, one of which it cannot read."""
    app.open()
    app.page.get_by_role("switch", name="On this device").check()
    expect(app.page.locator("#on-device-status")).to_contain_text("ready", timeout=PATIENCE_MS)
    app.classify(image)
    app.drop(samples.both_breasts(), samples.tiff())
    expect(app.page.locator("#device-rows > li")).to_have_count(3, timeout=PATIENCE_MS)


def filters(app: AppPage, _image: Image) -> None:
    """The worklist with its filters."""
    app.open()
    app.page.locator("#more-filters").click()
    app.page.get_by_label("Show", exact=True).select_option("To review")


def shortcuts(app: AppPage, _image: Image) -> None:
    """The keyboard shortcuts."""
    app.open()
    app.press("?")


def german(app: AppPage, image: Image) -> None:
    """The page in German."""
    classified(app, image)
    app.choose_language("Deutsch")
    expect(app.probability).to_contain_text("Wahrscheinlichkeit")


def signed_out(app: AppPage, _image: Image) -> None:
    """The page before sign-in."""

    def ask_to_sign_in(route: Route) -> None:
        login = {"origin": app.address, "client_id": "none"}
        route.fulfill(json=route.fetch().json() | {"login": login})

    app.intercept("**/api/health", ask_to_sign_in)
    app.page.goto(app.address)
    expect(app.page.get_by_role("heading", name="Sign in")).to_be_visible()


def problem(app: AppPage, _image: Image) -> None:
    """A file that is not an image."""
    app.open()
    app.pick(samples.text_file())
    expect(app.problem).to_be_visible()


def no_model(app: AppPage, _image: Image) -> None:
    """A task without a model."""
    app.open()
    without = app.chooser.locator("option", has_text="no model yet")
    if without.count():
        app.chooser.select_option(without.first.get_attribute("value"))


def models(app: AppPage, _image: Image) -> None:
    """The models of a task with their history."""
    app.intercept(f"**/tasks/{history.TASK}/models", history.with_history)
    app.open(f"#/tasks/{history.TASK}/models")
    expect(app.sheet.locator(".plots img")).to_have_count(history.count_plots())
    expect(app.sheet.locator(".chart svg")).to_be_visible()


def bundled_model(app: AppPage, _image: Image) -> None:
    """A bundled model and its test plots."""
    app.open("#/tasks/chest-xray/models")
    expect(app.sheet.locator(".plots img")).to_have_count(history.count_plots("chest-xray"))


def roll_back(app: AppPage, image: Image) -> None:
    """The confirmation before a rollback."""
    models(app, image)
    app.page.get_by_role("button", name="Roll back to").click()


def version(app: AppPage, _image: Image) -> None:
    """One version of a model, with its card."""
    app.open(f"#/tasks/{history.TASK}/models")
    app.sheet.locator(".lead a").click()
    expect(app.sheet.locator(".plots img")).to_have_count(history.count_plots())


def task_without_model(app: AppPage, _image: Image) -> None:
    """The models page of a task without a model."""
    history.forget_model(app)
    app.open(f"#/tasks/{history.EMPTY}/models")
    expect(app.sheet.locator("ol")).to_be_visible()


def retrainings(app: AppPage, _image: Image) -> None:
    """The form to start a retraining, and the list of retrainings."""
    failed = {"status": "failed", "outcome": "There are no labelled images of retinal-oct-2017."}
    others = ({"name": "a", **failed}, {"name": "b", "status": "unchanged", "outcome": "Nothing is new."})
    history.Told(app, history.asking(), *(history.deployed() | other for other in others))
    app.open(f"#/tasks/{history.TASK}/retrainings")
    app.sheet.locator("summary").last.click()
    app.page.locator("#hyperparameter").select_option("learning_rate")
    expect(app.sheet.locator(".paged-list li")).to_have_count(3)


def training(app: AppPage, _image: Image) -> None:
    """A retraining during training."""
    told = history.Told(app, history.retraining())
    told.train(12, 12, 7)
    app.open(f"#/retrainings/{history.NAME}")
    expect(app.sheet.locator(".chart svg")).to_have_count(2)


def approval(app: AppPage, _image: Image) -> None:
    """A retraining that waits for approval."""
    history.Told(app, history.asking())
    app.open(f"#/retrainings/{history.NAME}")
    expect(app.sheet.locator(".plots img")).to_be_visible()
    expect(app.page.locator("#approval-comment")).to_be_visible()


VIEWS: tuple[View, ...] = (
    *(empty_state, classified, needs_review, dicom, compare, side_by_side),
    *(uploads, on_device, filters, shortcuts, german, signed_out, problem, no_model),
    *(models, bundled_model, roll_back, version, task_without_model, retrainings, training, approval),
)


def take(browser: Browser, arguments: argparse.Namespace) -> None:
    """Take one picture per view and screen."""
    image = arguments.image or samples.jpeg()
    for screen in (screen for screen in SCREENS if arguments.screen in (None, screen.name)):
        for view in (view for view in VIEWS if arguments.view in (None, view.__name__)):
            context = browser.new_context(
                viewport={"width": screen.width, "height": screen.height},
                color_scheme=screen.scheme,
                reduced_motion="reduce",
            )
            app = AppPage(context.new_page(), arguments.address)
            view(app, image)
            # Wait for the worklist, so that the picture shows it.
            loading = app.page.locator("#worklist-status:visible", has_text=re.compile("Loading|geladen"))
            expect(loading).to_have_count(0)
            path = arguments.folder / f"{view.__name__}-{screen.name}.png"
            app.page.screenshot(path=path, full_page=screen.whole_page)
            context.close()
            print(path)


def main() -> None:
    """Read the command line and take the screenshots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="address of the page, such as http://localhost:8000")
    parser.add_argument("folder", type=Path, help="output folder")
    parser.add_argument("--view", help="only this view")
    parser.add_argument("--screen", help="only this screen")
    parser.add_argument("--image", type=Path, help="a mammogram to show; one is drawn by default")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PATIENCE_MS)
    with launched() as browser:
        take(browser, arguments)


if __name__ == "__main__":
    main()
