"""The image on the light box: zoom, pan, window, heat map, and comparison with the model input."""

import base64
import re
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import FilePayload, Locator, expect
from pydicom.uid import ImplicitVRLittleEndian

from tests import images
from tests.browser import samples
from tests.browser.app_page import AppPage
from tests.browser.conftest import LAPTOP
from tests.browser.stubbed_page import StubbedPage
from tests.stack.client import wait_for


def shown(app: AppPage) -> NDArray[np.uint8]:
    """The pixels of the canvas, RGBA."""
    content = base64.b64decode(app.pixels().partition(",")[2])
    with Image.open(BytesIO(content)) as picture:
        return np.asarray(picture.convert("RGBA"))


def brightness(app: AppPage) -> float:
    """The mean grey level of the displayed image, without margins."""
    pixels = shown(app)
    return float(pixels[pixels[..., 3] > 0][:, :3].mean())


def covered(app: AppPage) -> float:
    """The share of the canvas that the image covers."""
    return float((shown(app)[..., 3] > 0).mean())


def read(app: AppPage, image: FilePayload | None = None) -> None:
    """Classify an image and hide its heat map."""
    app.open()
    app.classify(image or samples.jpeg())
    app.press("h")
    expect(app.slider).to_have_attribute("aria-valuetext", "0%")


def menu(app: AppPage, name: str) -> None:
    """Open a menu of tools."""
    button = app.page.get_by_role("button", name=name, exact=True)
    button.click()
    expect(button).to_have_attribute("aria-expanded", "true")


ROOM_OF_NAME = """(select) => {
    const style = getComputedStyle(select), pen = document.createElement("canvas").getContext("2d");
    pen.font = style.font;
    const ARROW = 20, padding = 2 * parseFloat(style.paddingInlineStart);
    return select.clientWidth - ARROW - padding - pen.measureText(select.selectedOptions[0].text).width;
}"""
"""Pixels that a menu has left beside the name of what is chosen."""


def test_wheel_zooms_at_the_pointer_and_fit_undoes_it(app: AppPage) -> None:
    read(app)
    menu(app, "View")
    whole = app.pixels()
    before = covered(app)
    film = app.page.locator("#image-area").bounding_box()
    assert film
    app.page.mouse.move(film["x"] + film["width"] / 2, film["y"] + film["height"] / 2)
    app.page.mouse.wheel(0, -400)
    # The wheel does not wait for the page.
    wait_for(lambda: covered(app) > 1.5 * before)
    enlarged = app.pixels()
    app.heading.focus()
    app.page.get_by_role("button", name="Pan", exact=True).click()
    app.page.mouse.move(film["x"] + film["width"] / 2, film["y"] + film["height"] / 2)
    app.page.mouse.down()
    app.page.mouse.move(film["x"] + film["width"] / 2, film["y"] + film["height"] / 2 + 80)
    app.page.mouse.up()
    wait_for(lambda: app.pixels() != enlarged)
    app.page.get_by_role("button", name="Fit").click()
    assert app.pixels() == whole


def test_keys_zoom_pan_and_window(app: AppPage) -> None:
    read(app)
    whole = app.pixels()
    app.press("+", "+", "+", "+")
    enlarged = app.pixels()
    assert enlarged != whole
    app.page.locator("#image-area").focus()
    app.press("ArrowDown")
    assert app.pixels() != enlarged
    app.press("0")
    assert app.pixels() == whole
    before = brightness(app)
    app.press("Shift+ArrowUp", "Shift+ArrowUp", "Shift+ArrowUp")
    assert brightness(app) > before + 10
    expect(app.page.locator("#grey")).to_contain_text("L 89")
    app.press("0")
    assert app.pixels() == whole


def test_drag_changes_the_window_and_invert_inverts(app: AppPage) -> None:
    read(app)
    before = brightness(app)
    film = app.page.locator("#image-area").bounding_box()
    assert film
    x, y = film["x"] + film["width"] / 2, film["y"] + film["height"] / 2
    app.page.mouse.move(x, y)
    app.page.mouse.down()
    app.page.mouse.move(x, y - film["height"] / 4, steps=4)
    app.page.mouse.up()
    wait_for(lambda: brightness(app) > before + 20)
    app.press("0", "i")
    assert brightness(app) == pytest.approx(255 - before, abs=3)
    menu(app, "Window")
    invert = app.page.get_by_role("button", name="Invert")
    expect(invert).to_have_attribute("aria-pressed", "true")
    invert.click()
    assert brightness(app) == pytest.approx(before, abs=0.5)


def test_pinch_zooms(app: AppPage) -> None:
    read(app)
    before = covered(app)
    app.page.evaluate(
        """() => {
            const film = document.getElementById("image-area");
            film.setPointerCapture = () => {};
            const { left, top, width, height } = film.getBoundingClientRect();
            const touch = (type, pointerId, x) => film.dispatchEvent(new PointerEvent(type, {
                pointerId, pointerType: "touch", bubbles: true, button: 0,
                clientX: left + width / 2 + x, clientY: top + height / 2,
            }));
            touch("pointerdown", 11, -40);
            touch("pointerdown", 12, 40);
            touch("pointermove", 12, 160);
            touch("pointerup", 12, 160);
            touch("pointerup", 11, -40);
        }"""
    )
    assert covered(app) > 1.5 * before


def shown_zoom(app: AppPage) -> float:
    """The zoom in the readout: screen pixels per image pixel."""
    found = re.search(r"(\d+)%", app.page.locator("#grey").inner_text())
    assert found
    return int(found[1]) / 100


def drawn_zoom(app: AppPage) -> float:
    """The zoom of the phantom, which is 300 pixels wide."""
    return float((shown(app)[..., 3] > 0).any(axis=0).sum()) / 300


def test_zoom_readout_follows_the_size_of_the_light_box(app: AppPage) -> None:
    read(app)
    try:
        for width, height in ((1920, 1080), (1024, 600), (390, 844)):
            app.page.set_viewport_size({"width": width, "height": height})
            app.wait_until(lambda: shown_zoom(app) == pytest.approx(drawn_zoom(app), abs=0.02))
    finally:
        app.page.set_viewport_size(LAPTOP)


def contrast(app: AppPage, readout: Locator) -> float:
    """The contrast of a readout's text on its ground, as on the screen (WCAG 2, section 1.4.3)."""
    with Image.open(BytesIO(readout.screenshot())) as picture:
        colours = np.asarray(picture.convert("RGB")).reshape(-1, 3) / 255
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    luminance = np.sort(linear @ [0.2126, 0.7152, 0.0722])
    # Most pixels are ground; strokes are thin, and their edges are blurred.
    ground, ink = np.median(luminance), luminance[-len(luminance) // 100]
    return float((max(ground, ink) + 0.05) / (min(ground, ink) + 0.05))


@pytest.mark.parametrize("level", [0, 255])
def test_readouts_are_legible_on_any_image(app: AppPage, level: int) -> None:
    plain = images.encode(Image.new("L", (900, 600), level), "PNG")
    app.open()
    app.pick(FilePayload(name="plain.png", mimeType="image/png", buffer=plain))
    app.wait_for_result()
    # Enlarged, the image lies below all of them.
    app.press("h", "+", "+", "+", "+", "+")
    app.pixels()
    for inverted in (False, True):
        for readout in app.page.locator(".readout:visible, .caption:visible").all():
            assert contrast(app, readout) >= 4.5, (readout.inner_text(), inverted)
        app.press("i")
        app.pixels()


def test_heat_map_changes_with_the_class(app: AppPage) -> None:
    app.open()
    app.classify(samples.jpeg())
    own = app.pixels()
    chooser = app.page.get_by_label("Heat map", exact=True)
    labels = chooser.locator("option").all_inner_texts()
    answer = app.heading.inner_text()
    assert chooser.evaluate(ROOM_OF_NAME) >= 0
    other = next(label for label in labels if label != answer)
    with app.page.expect_response(lambda response: "/heatmap?label=" in response.url) as fetched:
        chooser.select_option(label=other)
    assert fetched.value.ok
    expect(app.image).to_have_attribute(
        "aria-label", f"Image, classified as {answer}, with the heat map for {other} at 50% opacity"
    )
    assert app.pixels() != own
    chooser.select_option(label=answer)
    expect(app.image).to_have_attribute(
        "aria-label", re.compile(f"with the heat map for {re.escape(answer)} at")
    )
    assert app.pixels() == own


def test_heat_map_falls_back_to_the_predicted_class(app: AppPage) -> None:
    app.http_errors_expected = True
    app.open()
    app.classify(samples.jpeg())
    own = app.pixels()
    app.intercept("**/heatmap?*", lambda route: route.fulfill(status=409, json={"code": "NotClassified"}))
    chooser = app.page.get_by_label("Heat map", exact=True)
    answer = chooser.input_value()
    other = next(
        value
        for value in chooser.locator("option").evaluate_all("all => all.map(one => one.value)")
        if value != answer
    )
    chooser.select_option(other)
    expect(app.caption).to_contain_text("not available")
    expect(chooser).to_have_value(answer)
    assert app.pixels() == own


def test_compare_shows_the_model_input_beside_the_original(app: AppPage) -> None:
    read(app)
    menu(app, "View")
    alone = app.pixels()
    compare = app.page.get_by_role("button", name="Model input")
    compare.click()
    expect(compare).to_have_attribute("aria-pressed", "true")
    captions = app.page.locator(".caption")
    expect(captions).to_have_text([re.compile(r"^phantom\.jpg · Original, "), re.compile("^Model input, ")])
    pixels = shown(app)
    half = pixels.shape[1] // 2
    left, right = pixels[:, :half], pixels[:, half:]
    assert (left[..., 3] > 0).mean() == pytest.approx((right[..., 3] > 0).mean(), abs=0.02)
    assert left.astype(int).mean() == pytest.approx(right.astype(int).mean(), abs=4)
    assert not np.array_equal(left, right[:, : left.shape[1]])
    compare.click()
    expect(compare).to_have_attribute("aria-pressed", "false")
    expect(captions).to_have_text([re.compile(r"^phantom\.jpg · Original, "), ""])
    assert app.pixels() == alone


# Without grain: in a file without a window, the brightest grain would set the range, which resizing averages.
FILM = samples.phantom(grain=0)
PIXELS = FILM.astype(np.uint16) * 16
DICOM_FILES = {
    "explicit": images.dicom_dataset(PIXELS),
    "windowed": images.dicom_dataset(PIXELS, WindowCenter=1500, WindowWidth=2000),
    "two windows": images.dicom_dataset(PIXELS, WindowCenter=[1500, 100], WindowWidth=[2000, 50]),
    "inverted": images.dicom_dataset(PIXELS, "MONOCHROME1", WindowCenter=2500, WindowWidth=3000),
    "rescaled": images.dicom_dataset(
        PIXELS, RescaleSlope=2, RescaleIntercept=-1024, WindowCenter=2500, WindowWidth=6000
    ),
    "signed": images.dicom_dataset(PIXELS.astype(np.int16) - 1000, bits=13),
    "eight bits": images.dicom_dataset(FILM, bits=8),
    "colours": images.dicom_dataset(np.stack([FILM] * 3, axis=-1), "RGB", 8),
    "frames": images.dicom_dataset(np.stack([PIXELS // 4, PIXELS, PIXELS // 2]), NumberOfFrames=3),
}


@pytest.mark.parametrize("kind", [*DICOM_FILES, "implicit"])
def test_dicom_file_is_displayed_like_the_model_input(app: AppPage, kind: str) -> None:
    dataset = images.dicom_dataset(PIXELS) if kind == "implicit" else DICOM_FILES[kind]
    if kind == "implicit":
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    image = FilePayload(name="x.dcm", mimeType="", buffer=images.dicom_file(dataset))
    read(app, image)
    expect(app.caption).to_have_text("x.dcm · Original, 300 × 600 pixels")
    app.press("b")
    expect(app.page.locator("#compare")).to_have_attribute("aria-pressed", "true")
    pixels = shown(app).astype(int)
    half = pixels.shape[1] // 2
    seen = [side[side[..., 3] > 0][:, :3] for side in (pixels[:, :half], pixels[:, half:])]
    assert seen[0].mean() == pytest.approx(seen[1].mean(), abs=5)
    for share in (10, 50, 90):
        assert np.percentile(seen[0], share) == pytest.approx(np.percentile(seen[1], share), abs=14)


def test_damaged_dicom_is_refused_without_page_errors(app: AppPage) -> None:
    app.http_errors_expected = True
    whole = images.dicom_file(images.dicom_dataset(PIXELS))
    app.open()
    for length in (140, 200, 400, 700, len(whole) // 2):
        # The problem of the file before disappears before this one is sent.
        with app.page.expect_response("**/classify"):
            app.pick(FilePayload(name="x.dcm", mimeType="", buffer=whole[:length]))
        expect(app.problem).to_be_visible()


@pytest.mark.parametrize(
    ("source", "is_own"),
    [
        ({"columns": 40, "rows": 20}, True),
        ({"columns": 20, "rows": 40}, False),
        ({"columns": 30, "rows": 30}, False),
        (None, True),
    ],
    ids=["upright", "on its side", "other shape", "not known"],
)
def test_original_displayed_sideways_is_replaced_by_the_model_input(
    stub: StubbedPage, source: dict[str, int] | None, is_own: bool
) -> None:
    """The model input is upright, so the heat map would not fit."""
    stub.open()
    own, caption = stub.run(
        """
        const { pictureOfResult } = await import("/modules/picture.js");
        const { remember } = await import("/modules/originals.js");
        const canvas = new OffscreenCanvas(40, 20);
        canvas.getContext("2d").fillRect(0, 0, 10, 10);
        const file = new File([await canvas.convertToBlob({ type: "image/png" })], "film.png");
        remember("1", file);
        const prepared = async () => ({ own: false, caption: "what the model saw" });
        const picture = await pictureOfResult({ id: "1", status: "classified", source: given }, prepared);
        return [picture.own, picture.caption];
        """,
        source,
    )
    assert own is is_own
    assert caption.startswith("film.png · ")
    assert caption.startswith("film.png · what the model saw") is not is_own
