"""The image itself: enlarged, moved, windowed, explained, and beside what the model saw of it."""

import base64
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import FilePayload, expect
from pydicom.uid import ImplicitVRLittleEndian, RLELossless

from tests import images
from tests.browser import samples
from tests.browser.bench import Bench
from tests.browser.desk import Desk


def shown(desk: Desk) -> NDArray[np.uint8]:
    """What the canvas shows, RGBA."""
    content = base64.b64decode(desk.pixels().partition(",")[2])
    with Image.open(BytesIO(content)) as picture:
        return np.asarray(picture.convert("RGBA"))


def brightness(desk: Desk) -> float:
    """The mean grey level of what is shown of the image, its margins aside."""
    pixels = shown(desk)
    return float(pixels[pixels[..., 3] > 0][:, :3].mean())


def covered(desk: Desk) -> float:
    """The share of the film that the image covers."""
    return float((shown(desk)[..., 3] > 0).mean())


def read(desk: Desk, image: FilePayload | None = None) -> None:
    """Have an image read, without its heat map."""
    desk.open()
    desk.classify(image or samples.jpeg())
    desk.press("h")
    expect(desk.slider).to_have_attribute("aria-valuetext", "0%")


def settle(desk: Desk) -> None:
    """Wait until all detail is painted."""
    desk.page.wait_for_timeout(400)


def test_wheel_enlarges_at_the_pointer_and_reset_returns(desk: Desk) -> None:
    read(desk)
    whole = desk.pixels()
    before = covered(desk)
    film = desk.page.locator("#film").bounding_box()
    assert film
    desk.page.mouse.move(film["x"] + film["width"] / 2, film["y"] + film["height"] / 2)
    desk.page.mouse.wheel(0, -400)
    settle(desk)
    assert covered(desk) > 1.5 * before
    enlarged = desk.pixels()
    desk.heading.focus()
    desk.page.get_by_role("button", name="Move", exact=True).click()
    desk.page.mouse.move(film["x"] + film["width"] / 2, film["y"] + film["height"] / 2)
    desk.page.mouse.down()
    desk.page.mouse.move(film["x"] + film["width"] / 2, film["y"] + film["height"] / 2 + 80)
    desk.page.mouse.up()
    settle(desk)
    assert desk.pixels() != enlarged
    desk.page.get_by_role("button", name="Reset").first.click()
    settle(desk)
    assert desk.pixels() == whole


def test_keys_enlarge_move_and_window(desk: Desk) -> None:
    read(desk)
    whole = desk.pixels()
    desk.press("+", "+", "+", "+")
    settle(desk)
    enlarged = desk.pixels()
    assert enlarged != whole
    desk.page.locator("#film").focus()
    desk.press("ArrowDown")
    settle(desk)
    assert desk.pixels() != enlarged
    desk.press("0")
    settle(desk)
    assert desk.pixels() == whole
    before = brightness(desk)
    desk.press("Shift+ArrowUp", "Shift+ArrowUp", "Shift+ArrowUp")
    settle(desk)
    assert brightness(desk) > before + 10
    expect(desk.page.locator("#grey")).to_contain_text("L 89")
    desk.press("0")
    settle(desk)
    assert desk.pixels() == whole


def test_dragging_windows_and_inverting_inverts(desk: Desk) -> None:
    read(desk)
    before = brightness(desk)
    film = desk.page.locator("#film").bounding_box()
    assert film
    x, y = film["x"] + film["width"] / 2, film["y"] + film["height"] / 2
    desk.page.mouse.move(x, y)
    desk.page.mouse.down()
    desk.page.mouse.move(x, y - film["height"] / 4, steps=4)
    desk.page.mouse.up()
    settle(desk)
    assert brightness(desk) > before + 20
    desk.press("0", "i")
    settle(desk)
    assert brightness(desk) == pytest.approx(255 - before, abs=3)
    invert = desk.page.get_by_role("button", name="Invert")
    expect(invert).to_have_attribute("aria-pressed", "true")
    invert.click()
    settle(desk)
    assert brightness(desk) == pytest.approx(before, abs=0.5)


def test_fingers_enlarge(desk: Desk) -> None:
    read(desk)
    before = covered(desk)
    desk.page.evaluate(
        """() => {
            const film = document.getElementById("film");
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
    settle(desk)
    assert covered(desk) > 1.5 * before


def test_evidence_for_another_class_is_another_map(desk: Desk) -> None:
    desk.open()
    desk.classify(samples.jpeg())
    own = desk.pixels()
    chooser = desk.page.get_by_label("Heat map", exact=True)
    labels = chooser.locator("option").all_inner_texts()
    answer = desk.heading.inner_text()
    other = next(label for label in labels if label != answer)
    with desk.page.expect_response(lambda response: "/heatmap?label=" in response.url) as fetched:
        chooser.select_option(label=other)
    assert fetched.value.ok
    settle(desk)
    assert desk.pixels() != own
    expect(desk.image).to_have_attribute(
        "aria-label", f"The image, classified as {answer}, under the heat map of {other} at 50% opacity"
    )
    chooser.select_option(label=answer)
    settle(desk)
    assert desk.pixels() == own


def test_map_that_cannot_be_had_leaves_the_answers_own(desk: Desk) -> None:
    desk.http_errors_expected = True
    desk.open()
    desk.classify(samples.jpeg())
    own = desk.pixels()
    desk.page.route("**/heatmap?*", lambda route: route.fulfill(status=409, json={"code": "NotClassified"}))
    chooser = desk.page.get_by_label("Heat map", exact=True)
    answer = chooser.input_value()
    other = next(
        value
        for value in chooser.locator("option").evaluate_all("all => all.map(one => one.value)")
        if value != answer
    )
    chooser.select_option(other)
    expect(desk.caption).to_contain_text("cannot be had")
    expect(chooser).to_have_value(answer)
    assert desk.pixels() == own


def test_what_the_model_saw_lies_beside_the_original(desk: Desk) -> None:
    read(desk)
    alone = desk.pixels()
    compare = desk.page.get_by_role("button", name="Model’s view")
    compare.click()
    expect(compare).to_have_attribute("aria-pressed", "true")
    pixels = shown(desk)
    half = pixels.shape[1] // 2
    left, right = pixels[:, :half], pixels[:, half:]
    assert (left[..., 3] > 0).mean() == pytest.approx((right[..., 3] > 0).mean(), abs=0.02)
    assert left.astype(int).mean() == pytest.approx(right.astype(int).mean(), abs=4)
    assert not np.array_equal(left, right[:, : left.shape[1]])
    compare.click()
    settle(desk)
    assert desk.pixels() == alone


def test_no_model_view_beside_itself(desk: Desk) -> None:
    desk.open()
    desk.classify(samples.tiff())
    expect(desk.page.get_by_role("button", name="Model’s view")).to_be_hidden()


# Without grain: where a file has no window, the brightest grain would decide, and resizing averages it away.
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
def test_dicom_is_shown_on_the_device_as_the_model_sees_it(desk: Desk, kind: str) -> None:
    dataset = images.dicom_dataset(PIXELS) if kind == "implicit" else DICOM_FILES[kind]
    if kind == "implicit":
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    image = FilePayload(name="x.dcm", mimeType="", buffer=images.dicom_file(dataset))
    read(desk, image)
    expect(desk.caption).to_have_text("Your file, 300 × 600 pixels")
    desk.press("b")
    expect(desk.page.locator("#compare")).to_have_attribute("aria-pressed", "true")
    pixels = shown(desk).astype(int)
    half = pixels.shape[1] // 2
    seen = [side[side[..., 3] > 0][:, :3] for side in (pixels[:, :half], pixels[:, half:])]
    assert seen[0].mean() == pytest.approx(seen[1].mean(), abs=5)
    for share in (10, 50, 90):
        assert np.percentile(seen[0], share) == pytest.approx(np.percentile(seen[1], share), abs=14)


def test_compressed_dicom_is_shown_as_the_model_saw_it(desk: Desk) -> None:
    dataset = images.dicom_dataset(PIXELS)
    dataset.compress(RLELossless)
    desk.open()
    desk.classify(FilePayload(name="x.dcm", mimeType="", buffer=images.dicom_file(dataset)))
    expect(desk.caption).to_contain_text("As the model saw it")


def test_damaged_dicom_breaks_nothing(desk: Desk) -> None:
    desk.http_errors_expected = True
    whole = images.dicom_file(images.dicom_dataset(PIXELS))
    desk.open()
    for length in (140, 200, 400, 700, len(whole) // 2):
        desk.pick(FilePayload(name="x.dcm", mimeType="", buffer=whole[:length]))
        expect(desk.problem).to_be_visible()


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
def test_own_picture_that_lies_on_its_side_gives_way_to_the_prepared_one(
    bench: Bench, source: dict[str, int] | None, is_own: bool
) -> None:
    """The model was given it upright, so the heat map would not fit."""
    bench.open()
    own, caption = bench.run(
        """
        const { pictureOfResult, remember } = await import("/modules/picture.js");
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
    assert (caption == "what the model saw") is not is_own
