"""Lengths, regions and pixel values in the image on the light box."""

import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import FilePayload, Locator, expect

from tests import images
from tests.browser import samples
from tests.browser.app_page import AppPage
from tests.browser.stubbed_page import StubbedPage
from tests.browser.test_light_box import menu, read, shown
from tests.browser.test_picture import missing

LEVELS = np.random.default_rng(7).integers(0, 4096, (120, 160)).astype(np.uint16)


def film(**attributes: Any) -> FilePayload:
    """A DICOM file of 160 x 120 pixels with a window, so that the browser shows it itself."""
    dataset = images.dicom_dataset(LEVELS, WindowCenter=2048, WindowWidth=4096, **attributes)
    return FilePayload(name="film.dcm", mimeType="", buffer=images.dicom_file(dataset))


def at(app: AppPage, x: float, y: float) -> tuple[float, float]:
    """Where a place of the only image, in shares of its width and height, is on the screen."""
    drawn = np.argwhere(shown(app)[..., 3] > 0)
    (top, left), (bottom, right) = drawn.min(axis=0), drawn.max(axis=0) + 1
    box = app.image.bounding_box()
    assert box
    return float(box["x"] + left + x * (right - left)), float(box["y"] + top + y * (bottom - top))


def drag(app: AppPage, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag from one place of the image to another, both in shares of it."""
    begin, finish = at(app, *start), at(app, *end)
    app.page.mouse.move(*begin)
    app.page.mouse.down()
    app.page.mouse.move(*finish, steps=3)
    app.page.mouse.up()


def measured(app: AppPage) -> Locator:
    """The listed measurements."""
    return app.page.locator(".measurements > li")


def number(line: str, name: str) -> float:
    """The number after a name."""
    found = re.search(rf"{name} ([\d,.]+)", line)
    assert found, line
    return float(found[1].replace(",", ""))


def test_length_in_millimetres(app: AppPage) -> None:
    read(app, film(PixelSpacing=[0.2, 0.2]))
    menu(app, "Measure")
    drag(app, (0.25, 0.25), (0.75, 0.75))
    expect(measured(app)).to_have_count(1)
    # 80 x 60 pixels are 100 in all.
    length = re.search(r"([\d.]+) mm", measured(app).inner_text())
    assert length
    assert float(length[1]) == pytest.approx(20, abs=0.3)


def test_lengths_without_spacing_are_in_pixels(app: AppPage) -> None:
    read(app, film())
    menu(app, "Measure")
    expect(app.page.locator("#measure-menu")).to_contain_text("lengths are in pixels of the original")
    drag(app, (0.25, 0.25), (0.75, 0.75))
    expect(measured(app)).to_contain_text(re.compile(r"Length: (99|100|101)(\.\d)? pixels"))


@pytest.mark.parametrize("turned", [False, True])
def test_region_of_a_rescaled_file(app: AppPage, turned: bool) -> None:
    read(app, film(RescaleSlope=2, RescaleIntercept=-1024, PixelSpacing=[0.5, 0.5]))
    if turned:
        app.press("x", "y")
    app.press("a")
    drag(app, (0.5, 0.5), (1, 1))
    expect(measured(app)).to_have_count(1)
    line = measured(app).inner_text()
    part = (LEVELS[:60, :80] if turned else LEVELS[60:, 80:]).astype(float) * 2 - 1024
    assert number(line, "mean") == pytest.approx(part.mean(), rel=0.03)
    assert number(line, "SD") == pytest.approx(part.std(), rel=0.03)
    assert number(line, "area") == pytest.approx(80 * 60 * 0.25, rel=0.04)


def test_measuring_with_the_keyboard(app: AppPage) -> None:
    read(app, film())
    app.press("m", "Enter", *["Shift+ArrowRight"] * 2)
    expect(app.page.locator("#value")).to_contain_text(re.compile(r"^\d+, \d+: [\d,]+$"))
    app.press("Enter")
    expect(measured(app)).to_have_count(1)
    expect(app.page.locator("#announcer")).to_contain_text("Length: ")
    # Enter was no review.
    expect(app.outcome).to_contain_text("Not reviewed")
    app.press("Enter", "ArrowDown", "Escape", "Enter", "Escape")
    expect(measured(app)).to_have_count(1)
    app.press("Delete")
    expect(measured(app)).to_have_count(0)


def test_two_clicks_measure_and_measurements_go_with_the_image(app: AppPage) -> None:
    read(app, film())
    alone = app.pixels()
    app.press("e")
    app.page.mouse.click(*at(app, 0.2, 0.2))
    app.page.mouse.click(*at(app, 0.6, 0.7))
    expect(measured(app)).to_contain_text(["Ellipse: mean "])
    app.page.get_by_role("button", name="Delete measurement 1").click()
    expect(measured(app)).to_have_count(0)
    app.press("m")
    drag(app, (0.25, 0.25), (0.75, 0.75))
    drag(app, (0.1, 0.1), (0.1, 0.9))
    expect(measured(app)).to_have_count(2)
    app.classify(film(ImageLaterality="L"))
    expect(measured(app)).to_have_count(0)
    menu_button = app.page.get_by_role("button", name="Measure", exact=True)
    menu_button.click()
    expect(menu_button).to_have_attribute("aria-expanded", "false")
    app.page.mouse.move(0, 0)
    assert app.pixels() == alone


def test_value_under_the_pointer(app: AppPage) -> None:
    read(app, film())
    value = app.page.locator("#value")
    app.page.mouse.move(*at(app, 40.5 / 160, 30.5 / 120))
    expect(value).to_have_text(f"40, 30: {LEVELS[30, 40]:,}")
    app.page.mouse.move(5, 5)
    expect(value).to_be_empty()
    colours = np.full((300, 300, 3), (10, 120, 250), np.uint8)
    content = images.encode(Image.fromarray(colours), "PNG")
    app.classify(FilePayload(name="colours.png", mimeType="image/png", buffer=content))
    app.page.mouse.move(*at(app, 0.5, 0.5))
    expect(value).to_contain_text("RGB 10 120 250")


def region(stub: StubbedPage, kind: str, values: NDArray[np.uint16]) -> Any:
    """What the page measures between (1.5, 2) and (9.5, 10) of an image."""
    return stub.run(
        """
        const { regionOf, lengthOf } = await import("/modules/measurements.js");
        const { kind, values, width, height } = given;
        const data = Uint16Array.from(values);
        const samples = { width, height, channels: 1, data, slope: -0.5, intercept: 7 };
        const measurement = { kind, from: { x: 9.5, y: 2 }, to: { x: 1.5, y: 10 } };
        const scale = { across: 2, down: 3, spacing: [0.1, 0.4] };
        return { ...regionOf(measurement, samples, scale), length: lengthOf(measurement, scale) };
        """,
        {
            "kind": kind,
            "values": values.ravel().tolist(),
            "width": values.shape[1],
            "height": values.shape[0],
        },
    )


@pytest.mark.parametrize("kind", ["rectangle", "ellipse"])
def test_statistics_are_those_of_numpy(stub: StubbedPage, kind: str) -> None:
    stub.open()
    values = np.random.default_rng(3).integers(0, 65536, (12, 14)).astype(np.uint16)
    found = region(stub, kind, values)
    y, x = np.mgrid[0:12, 0:14] + 0.5
    inside = np.hypot((x - 5.5) / 4, (y - 6) / 4) <= 1
    if kind == "rectangle":
        inside = (abs(x - 5.5) <= 4) & (abs(y - 6) <= 4)
    part = values[inside] * -0.5 + 7
    (channel,) = found["channels"]
    assert [channel[name] for name in ("mean", "deviation", "least", "most")] == pytest.approx(
        [part.mean(), part.std(), part.min(), part.max()]
    )
    assert found["pixels"] == inside.sum() * 6
    assert found["squareMillimetres"] == pytest.approx(inside.sum() * 6 * 0.04)
    assert found["length"]["pixels"] == pytest.approx(np.hypot(8 * 2, 8 * 3))
    assert found["length"]["millimetres"] == pytest.approx(np.hypot(8 * 2 * 0.4, 8 * 3 * 0.1))


def test_readout_of_measurements_is_not_of_the_model_input(app: AppPage) -> None:
    app.http_errors_expected = True
    app.open()
    app.intercept("**/picture", missing)
    app.classify(samples.tiff())
    menu(app, "Measure")
    expect(app.page.locator("#measure-menu")).to_contain_text("This is the model input")
