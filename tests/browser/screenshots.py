"""Take pictures of every view of a running page: `python -m tests.browser.screenshots ADDRESS FOLDER`."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.sync_api import Browser, FilePayload, Route, expect

from tests.browser import records, samples
from tests.browser.chromium import launched
from tests.browser.desk import PATIENCE_MS, Desk

type Image = Path | FilePayload
type View = Callable[[Desk, Image], None]


class Screen(NamedTuple):
    """A device and how its owner has set it."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"]
    whole_page: bool = False
    """Whether the picture goes on below the edge of the screen."""


SCREENS = (
    Screen("desk-light", 1440, 900, "light"),
    Screen("desk-dark", 1440, 900, "dark"),
    Screen("wall", 2560, 1440, "dark"),
    Screen("tablet", 820, 1180, "light"),
    Screen("phone-light", 390, 844, "light", whole_page=True),
    Screen("phone-dark", 390, 844, "dark", whole_page=True),
    Screen("narrow", 320, 640, "light", whole_page=True),
)


def invitation(desk: Desk, _image: Image) -> None:
    """Nothing on the light box yet."""
    desk.open()
    expect(desk.page.locator("#worklist-status")).not_to_have_text("Loading…")


def reading(desk: Desk, image: Image) -> None:
    """A mammogram, read."""
    desk.open()
    desk.classify(image)


def needs_review(desk: Desk, _image: Image) -> None:
    """An image of which the model cannot be sure."""
    desk.open()
    desk.classify(samples.both_breasts())


def dicom(desk: Desk, _image: Image) -> None:
    """An image that is shown as the model saw it."""
    desk.open()
    desk.classify(samples.dicom())


def beside(desk: Desk, image: Image) -> None:
    """What the model saw, beside the original, after a review."""
    desk.open()
    desk.classify(image)
    desk.press("Enter", "b")
    expect(desk.page.locator("#compare")).to_have_attribute("aria-pressed", "true")
    expect(desk.outcome).to_contain_text(":")


def uploads(desk: Desk, _image: Image) -> None:
    """Many images on their way, some of which cannot be used."""
    desk.open()
    files = [samples.jpeg(), samples.text_file(), samples.truncated_jpeg(), samples.dicom(), samples.tiff()]
    desk.drop(
        *(FilePayload(**{**file, "name": f"{index}-{file['name']}"}) for index, file in enumerate(files))
    )
    desk.wait_for_queue()


def on_device(desk: Desk, image: Image) -> None:
    """Images classified in the browser, one of which the browser cannot read."""
    desk.open()
    desk.page.get_by_role("switch", name="On this device").check()
    expect(desk.page.locator("#on-device-status")).to_contain_text("ready", timeout=PATIENCE_MS)
    desk.classify(image)
    desk.drop(samples.both_breasts(), samples.tiff())
    expect(desk.page.locator("#device-rows > li")).to_have_count(3, timeout=PATIENCE_MS)


def filters(desk: Desk, _image: Image) -> None:
    """The worklist with its filters."""
    desk.open()
    desk.page.locator("#more-filters").click()
    desk.page.get_by_label("Show", exact=True).select_option("To review")


def keys(desk: Desk, _image: Image) -> None:
    """The list of keys."""
    desk.open()
    desk.press("?")


def german(desk: Desk, image: Image) -> None:
    """The page in German."""
    reading(desk, image)
    desk.page.locator("button[popovertarget=settings]").click()
    desk.page.get_by_label("Language").select_option("Deutsch")
    desk.press("Escape")
    expect(desk.probability).to_contain_text("Wahrscheinlichkeit")


def signed_out(desk: Desk, _image: Image) -> None:
    """What somebody sees who has to sign in."""

    def ask_to_sign_in(route: Route) -> None:
        login = {"origin": desk.address, "client_id": "none"}
        route.fulfill(json=route.fetch().json() | {"login": login})

    desk.page.route("**/api/health", ask_to_sign_in)
    desk.page.goto(desk.address)
    expect(desk.page.get_by_role("heading", name="Sign in")).to_be_visible()


def problem(desk: Desk, _image: Image) -> None:
    """A file that is no image."""
    desk.open()
    desk.pick(samples.text_file())
    expect(desk.problem).to_be_visible()


def no_model(desk: Desk, _image: Image) -> None:
    """A task that cannot classify yet."""
    desk.open()
    without = desk.chooser.locator("option", has_text="no model yet")
    if without.count():
        desk.chooser.select_option(without.first.get_attribute("value"))


def models(desk: Desk, _image: Image) -> None:
    """The models of a task, and how they came to be what they are."""
    desk.page.route(f"**/tasks/{records.TASK}/models", records.with_history)
    desk.open(f"#/tasks/{records.TASK}/models")
    expect(desk.sheet.locator(".plots img")).to_have_count(4)
    expect(desk.sheet.locator(".chart svg")).to_be_visible()


def bundled_model(desk: Desk, _image: Image) -> None:
    """A model that comes with the application, and its test."""
    desk.open("#/tasks/chest-xray/models")
    expect(desk.sheet.locator(".plots img")).to_have_count(4)


def roll_back(desk: Desk, image: Image) -> None:
    """What is asked before a model is put back."""
    models(desk, image)
    desk.page.get_by_role("button", name="Roll back to").click()


def version(desk: Desk, _image: Image) -> None:
    """One version of a model, with its card."""
    desk.open(f"#/tasks/{records.TASK}/models")
    desk.sheet.locator(".lead a").click()
    expect(desk.sheet.locator(".document img")).to_have_count(4)


def task_without_model(desk: Desk, _image: Image) -> None:
    """The models of a task that has none."""
    desk.open(f"#/tasks/{records.EMPTY}/models")
    expect(desk.sheet.locator("ol")).to_be_visible()


def retrainings(desk: Desk, _image: Image) -> None:
    """Starting a retraining, and those there were."""
    failed = {"status": "failed", "outcome": "There are no labelled images of retinal-oct-2017."}
    others = ({"name": "a", **failed}, {"name": "b", "status": "unchanged", "outcome": "Nothing is new."})
    records.Told(desk, records.asking(), *(records.deployed() | other for other in others))
    desk.open(f"#/tasks/{records.TASK}/retrainings")
    desk.sheet.locator("summary").click()
    desk.page.locator("#hyperparameter").select_option("learning_rate")
    expect(desk.sheet.locator(".records li")).to_have_count(3)


def training(desk: Desk, _image: Image) -> None:
    """A retraining that trains."""
    desk.page.clock.install()
    told = records.Told(desk, records.retraining(metrics=records.measured(0.9)))
    desk.open(f"#/retrainings/{records.NAME}")
    for loss in (0.72, 0.6, 0.55, 0.47, 0.44, 0.41, 0.4):
        expect(desk.sheet.locator(".facts").first).to_contain_text(f"{told.now['metrics']['train:loss']:.3f}")
        told.now = records.retraining(metrics=records.measured(loss))
        desk.page.clock.run_for(3_000)
    expect(desk.sheet.locator(".chart svg")).to_have_count(2)


def approval(desk: Desk, _image: Image) -> None:
    """A retraining that asks whether its model may be deployed."""
    records.Told(desk, records.asking())
    desk.open(f"#/retrainings/{records.NAME}")
    expect(desk.sheet.locator(".document img")).to_be_visible()
    expect(desk.page.locator("#approval-comment")).to_be_visible()


VIEWS: tuple[View, ...] = (
    *(invitation, reading, needs_review, dicom, beside),
    *(uploads, on_device, filters, keys, german, signed_out, problem, no_model),
    *(models, bundled_model, roll_back, version, task_without_model, retrainings, training, approval),
)


def take(browser: Browser, address: str, folder: Path, image: Image, wanted: str | None) -> None:
    """One picture for each view on each screen."""
    for screen in SCREENS:
        for view in (view for view in VIEWS if wanted in (None, view.__name__)):
            context = browser.new_context(
                viewport={"width": screen.width, "height": screen.height},
                color_scheme=screen.scheme,
                reduced_motion="reduce",
            )
            desk = Desk(context.new_page(), address)
            view(desk, image)
            # The list is asked for every few seconds; let it come, so that the picture shows it.
            loading = desk.page.locator("#worklist-status:visible", has_text=re.compile("Loading|geladen"))
            expect(loading).to_have_count(0)
            path = folder / f"{view.__name__}-{screen.name}.png"
            desk.page.screenshot(path=path, full_page=screen.whole_page)
            context.close()
            print(path)


def main() -> None:
    """Read the command line and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="where the page is, such as http://localhost:8000")
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--view", help="only this view")
    parser.add_argument("--image", type=Path, help="a mammogram to show; without it one is drawn")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PATIENCE_MS)
    with launched() as browser:
        take(browser, arguments.address, arguments.folder, arguments.image or samples.jpeg(), arguments.view)


if __name__ == "__main__":
    main()
