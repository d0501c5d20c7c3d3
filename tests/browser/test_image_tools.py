"""The tools for the open image: windows, orientation, full screen, and their place on a phone."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import FilePayload, expect

from tests import images
from tests.browser import samples
from tests.browser.app_page import TASK, AppPage
from tests.browser.conftest import LAPTOP
from tests.browser.stubbed_page import StubbedPage
from tests.browser.test_light_box import menu, read, shown

RANKS = np.linspace(0, 1, 200 * 100)
RAMP = np.interp(RANKS, [0, 0.01, 0.99, 1], [0, 1000, 3000, 4095]).astype(np.uint16).reshape(200, 100)


def ramp(**attributes: Any) -> FilePayload:
    """A DICOM file with values from 0 to 4095; the 1st percentile is 1000, and the 99th is 3000."""
    content = images.dicom_file(images.dicom_dataset(RAMP, **attributes))
    return FilePayload(name="ramp.dcm", mimeType="", buffer=content)


def half_bright() -> FilePayload:
    """A wide film, bright in its left half and with a brighter upper left corner."""
    pixels = samples.phantom(600, 300) // 8
    pixels[:, :300] += 100
    pixels[:100, :100] += 80
    return FilePayload(
        name="half.png", mimeType="image/png", buffer=images.encode(Image.fromarray(pixels), "PNG")
    )


def corner(app: AppPage) -> tuple[int, int]:
    """Where the image is brightest: 0 or 1 from the top, and from the left."""
    grey = shown(app)[..., :3].mean(axis=2)
    drawn = np.argwhere(shown(app)[..., 3] > 0)
    (top, left), (bottom, right) = drawn.min(axis=0), drawn.max(axis=0) + 1
    film: NDArray[np.float64] = grey[top:bottom, left:right]
    height, width = film.shape
    quarters = [
        [film[: height // 4, : width // 4].mean(), film[: height // 4, -(width // 4) :].mean()],
        [film[-(height // 4) :, : width // 4].mean(), film[-(height // 4) :, -(width // 4) :].mean()],
    ]
    down, across = np.unravel_index(np.argmax(quarters), (2, 2))
    return int(down), int(across)


def test_windows_to_choose_from(app: AppPage) -> None:
    read(app, ramp(WindowCenter=2000, WindowWidth=100))
    grey = app.page.locator("#grey")
    expect(grey).to_contain_text("W 99 · L 2,000")
    menu(app, "Window")
    chooser = app.page.get_by_label("Window", exact=True).and_(app.page.locator("select"))
    chooser.select_option(label="Skin line")  # of the task: 0 to 40 % of the window as opened
    expect(grey).to_contain_text("W 40 · L 1,970")
    chooser.select_option(label="Full range")
    expect(grey).to_contain_text("W 4,095 · L 2,048")
    chooser.select_option(label="Automatic (1st to 99th percentile)")
    low, high = np.percentile(RAMP, [1, 99], method="lower").astype(int)
    expect(grey).to_contain_text(f"W {high - low:,} · L {(high + low) / 2:,.0f}")
    width = app.page.get_by_label("Width", exact=True)
    width.fill("500")
    width.press("Tab")
    expect(grey).to_contain_text("W 500 · ")
    expect(chooser).to_have_value("custom")
    app.heading.focus()
    app.press("w")
    expect(grey).to_contain_text("W 99 · L 2,000")


def test_windows_of_a_task(stub: StubbedPage) -> None:
    stub.open()
    offered, inverted = stub.run(
        """
        const { taskWindows, windowOf } = await import("/modules/windows.js");
        const none = { black: null, white: null, center: null, width: null };
        const share = { ...none, title: "Skin", black: 10, white: 40 };
        const values = { ...none, title: "Liver", center: 60, width: 150 };
        const task = { modality: "CT", windows: [share, values] };
        const names = (modality) => taskWindows(task, modality).map(({ name }) => name);
        const image = { first: { low: 1000, high: 2000 }, samples: { inverted: true } };
        const [skin, liver] = taskWindows(task, "CT").map((one) => windowOf(one, image));
        // A catalogue that was kept for offline use may not know any.
        return [[names("CT"), names("MR"), names(undefined), taskWindows({}, "CT")], [skin, liver]];
        """
    )
    assert offered == [["Skin", "Liver"], ["Skin"], ["Skin"], []]
    assert inverted == [{"low": 1600, "high": 1900}, {"low": -15, "high": 134}]


@pytest.mark.parametrize("kept", [False, True])
def test_window_is_kept_for_the_next_image_on_wish(app: AppPage, kept: bool) -> None:
    read(app, ramp())
    menu(app, "Window")
    app.page.get_by_label("Keep for the next images").set_checked(kept)
    app.page.get_by_label("Width", exact=True).fill("500")
    app.page.get_by_label("Level", exact=True).fill("1500")
    app.page.get_by_label("Level", exact=True).press("Tab")
    app.press("i")
    app.classify(ramp(ImageLaterality="L"))
    grey = app.page.locator("#grey")
    expect(grey).to_contain_text("W 500 · L 1,500" if kept else "W 4,095 · L 2,048")
    invert = app.page.get_by_role("button", name="Invert")
    expect(invert).to_have_attribute("aria-pressed", str(kept).lower())
    # Values of 8 bits are no values of a DICOM file.
    app.classify(samples.jpeg())
    expect(grey).to_contain_text("W 255 · L 128")
    # A share of the window as opened suits every image of the task.
    app.page.get_by_label("Window", exact=True).and_(app.page.locator("select")).select_option("Skin line")
    expect(grey).to_contain_text("W 102 · L 51")
    app.heading.focus()
    app.press("j")
    expect(grey).to_contain_text("W 1,638 · L 819" if kept else "W 4,095 · L 2,048")
    app.reload()
    menu(app, "Window")
    expect(app.page.get_by_label("Keep for the next images")).to_be_checked(checked=kept)


def test_image_turns_with_its_heat_map_and_model_input(app: AppPage) -> None:
    app.open()
    app.classify(half_bright())
    both = app.pixels()
    app.press("h", "b")
    expect(app.page.locator("#compare")).to_have_attribute("aria-pressed", "true")
    pixels = shown(app)
    app.press("x", "r")
    expect(app.page.locator("#grey")).to_contain_text("mirrored · rotated 90°")
    turned = shown(app)
    half = pixels.shape[1] // 2
    for side in (turned[:, :half], turned[:, half:]):
        drawn = np.argwhere(side[..., 3] > 0)
        height, width = np.ptp(drawn, axis=0)
        assert height == pytest.approx(2 * width, rel=0.05)
    app.press("b", "0")
    app.press("h")
    assert app.pixels() == both


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ("", (0, 0)),
        ("x", (0, 1)),
        ("y", (1, 0)),
        ("r", (0, 1)),
        ("rr", (1, 1)),
        ("rx", (0, 0)),
        ("xry", (0, 1)),
    ],
)
def test_orientation_on_the_screen(app: AppPage, keys: str, place: tuple[int, int]) -> None:
    read(app, half_bright())
    app.press(*keys)
    assert corner(app) == place


def test_zoom_stays_at_the_same_part_of_a_turned_image(stub: StubbedPage) -> None:
    stub.open()
    before, after = stub.run(
        """
        const { Pane } = await import("/modules/pane.js");
        const pane = new Pane({ size: { width: 400, height: 200 } });
        pane.area = { x: 0, y: 0, width: 500, height: 500 };
        pane.enlarge(4, { x: 120, y: 210 });
        const middle = () => pane.toImage({ x: 250, y: 250 });
        const before = middle();
        pane.viewport.turn(1);
        pane.viewport.mirror();
        pane.viewport.turn(-1);
        const there = pane.toScreen(before);
        return [[before, { x: 250, y: 250 }], [middle(), there]];
        """
    )
    for was, now in zip(before, after, strict=True):
        assert (now["x"], now["y"]) == pytest.approx((was["x"], was["y"]))


def test_full_screen_covers_the_page_until_escape(app: AppPage) -> None:
    read(app)
    menu(app, "View")
    app.page.get_by_role("button", name="Full screen").click()
    box = app.page.locator("#light-box")
    expect(box).to_have_css("position", "fixed")
    size = box.bounding_box()
    assert size
    assert size["width"] >= LAPTOP["width"]
    # What is covered takes no focus.
    assert app.page.locator("#worklist").evaluate("(list) => list.inert")
    app.page.get_by_role("button", name="Full screen").click()
    expect(box).to_have_css("position", "static")
    assert not app.page.locator("#worklist").evaluate("(list) => list.inert")


def test_full_screen_left_before_the_browser_has_entered_it_stays_left(app: AppPage) -> None:
    read(app)
    app.page.evaluate(
        """() => {
            const request = Element.prototype.requestFullscreen;
            window.entering = new Promise((resolve) => {
                Element.prototype.requestFullscreen = async function () {
                    await new Promise((later) => setTimeout(later, 200));
                    resolve(request.call(this));
                };
            });
        }"""
    )
    app.press("s", "Escape")
    app.page.evaluate("() => window.entering")
    app.wait_until(lambda: app.page.evaluate("document.fullscreenElement === null"))
    expect(app.page.locator("#light-box")).to_have_css("position", "static")
    # The usual key still works both ways.
    app.press("s")
    app.wait_until(lambda: app.page.evaluate("document.fullscreenElement !== null"))
    app.press("s")
    app.wait_until(lambda: app.page.evaluate("document.fullscreenElement === null"))
    expect(app.page.locator("#light-box")).to_have_css("position", "static")


def test_class_and_verdict_are_on_the_first_screen_of_a_phone(app: AppPage) -> None:
    app.page.set_viewport_size({"width": 390, "height": 844})
    read(app)
    app.page.evaluate("scrollTo(0, 0)")
    rows = {
        round(box["y"])
        for button in app.page.locator("#light-box-tools :is(button, select):visible").all()
        if (box := button.bounding_box())
    }
    assert len(rows) <= 3
    brief = app.page.locator("#brief")
    for part in (app.heading, app.probability, app.page.locator(".verdict h3")):
        expect(brief).to_contain_text(part.inner_text())
    box = brief.bounding_box()
    assert box
    assert box["y"] + box["height"] <= 844


def test_hint_goes_when_it_is_no_longer_needed(app: AppPage) -> None:
    read(app)
    hint = app.page.locator("#hint")
    expect(hint).to_contain_text("Wheel: zoom")
    app.press("+")
    expect(hint).to_be_visible()
    app.page.locator("#image-area").focus()
    app.press("Shift+ArrowUp")
    expect(hint).to_be_hidden()
    app.reload()
    expect(app.page.locator("#grey")).to_be_visible()
    expect(hint).to_be_hidden()
    assert app.page.url.count(TASK) == 0
