"""The picture of a result: for every reader, with the windows and frames of its file, or without one."""

import re
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, Route, expect
from pydicom.uid import RLELossless

from tests import images
from tests.browser import samples
from tests.browser.app_page import AppPage
from tests.browser.test_light_box import menu, shown

FILM = samples.phantom(grain=0)
DEEP = FILM.astype(np.uint16) * 16


def dicom(**elements: Any) -> FilePayload:
    """A file with grain, so that each one has another result."""
    film = samples.phantom().astype(np.uint16) * 16
    return FilePayload(name="film.dcm", mimeType="", buffer=images.dicom(film, **elements))


WINDOWS: dict[str, Any] = {"WindowCenter": [1500, 300], "WindowWidth": [2000, 200]}


def compressed_dicom() -> FilePayload:
    dataset = images.dicom_dataset(samples.phantom().astype(np.uint16) * 16, **WINDOWS)
    dataset.compress(RLELossless)
    return FilePayload(name="film.dcm", mimeType="", buffer=images.dicom_file(dataset))


@pytest.mark.parametrize("image", [samples.tiff, samples.deep_png, compressed_dicom])
def test_image_that_browsers_cannot_display_is_shown_at_its_size(app: AppPage, image: samples.Maker) -> None:
    app.open()
    app.classify(image())
    expect(app.caption).to_have_text(re.compile(r"^[^·]+ · Display picture, 300 × 600 pixels$"))
    app.press("b")
    expect(app.page.locator("#prepared-caption")).to_have_text(re.compile("^Model input, "))


@pytest.mark.parametrize(
    "image",
    [
        samples.jpeg,
        lambda: dicom(),
        lambda: dicom(PhotometricInterpretation="MONOCHROME1", **WINDOWS),
    ],
    ids=["JPEG", "DICOM", "inverted DICOM with windows"],
)
def test_every_reader_sees_what_the_sender_saw(app: AppPage, image: samples.Maker) -> None:
    app.open()
    result = app.classify(image())
    expect(app.caption).to_contain_text("Original, ")
    sent = shown(app).astype(int)
    app.reload()
    app.wait_for_result(result)
    expect(app.caption).to_contain_text("Display picture, 300 × 600 pixels")
    expect(app.page.locator("#heat-map-tools")).to_be_visible()
    assert np.abs(shown(app).astype(int) - sent).mean() < 1


def test_all_windows_of_a_file_can_be_chosen(app: AppPage) -> None:
    app.open()
    names = ["NORMAL", "Dr. Doe"]
    result = app.classify(dicom(WindowCenterWidthExplanation=names, **WINDOWS))
    menu(app, "Window")
    chooser = app.page.get_by_role("combobox", name="Window", exact=True)
    grey = app.page.locator("#grey")
    chooser.select_option(label="File: Dr. Doe")
    expect(grey).to_contain_text("W 199 · L 300")
    app.reload()
    app.wait_for_result(result)
    menu(app, "Window")
    expect(grey).to_contain_text("W 1,999 · L 1,500")
    # The server keeps only common terms of the names, which are free text.
    chooser.select_option(label="File: window 2")
    expect(grey).to_contain_text("W 199 · L 300")
    chooser.select_option(label="File: NORMAL")
    expect(grey).to_contain_text("W 1,999 · L 1,500")


@pytest.mark.parametrize("reader", ["sender", "other reader"])
def test_frames_are_leafed_through_and_the_classified_one_is_marked(app: AppPage, reader: str) -> None:
    frames = np.stack([DEEP // 4, samples.phantom().astype(np.uint16) * 16, DEEP // 2])
    file = images.dicom_file(images.dicom_dataset(frames, NumberOfFrames=3))
    app.open()
    result = app.classify(FilePayload(name="x.dcm", mimeType="", buffer=file))
    if reader == "other reader":
        app.reload()
        app.wait_for_result(result)
        expect(app.caption).to_contain_text("Display picture")
    tools = app.page.locator("#frame-tools")
    place = tools.locator("output")
    expect(place).to_have_text("2 of 3 (the model saw this one)")
    expect(app.heading).to_have_text(re.compile("breast|mammogram"))
    area = app.page.locator("#image-area")
    expect(app.page.locator("#canvas")).to_have_attribute("aria-label", re.compile("heat map"))
    classified = app.pixels()
    app.press(".")
    expect(place).to_have_text("3 of 3 (the model saw frame 2)")
    expect(area).to_have_attribute("aria-busy", "false")
    # The heat map belongs to another frame.
    expect(app.page.locator("#canvas")).to_have_attribute("aria-label", re.compile("^((?!heat map).)*$"))
    assert app.pixels() != classified
    box = area.bounding_box()
    assert box
    app.page.mouse.move(box["x"] + 100, box["y"] + 100)
    app.page.keyboard.down("Shift")
    app.page.mouse.wheel(0, -100)
    app.page.mouse.wheel(0, -100)
    app.page.keyboard.up("Shift")
    expect(place).to_have_text("1 of 3 (the model saw frame 2)")
    tools.get_by_role("button", name="Classified frame").click()
    expect(place).to_have_text("2 of 3 (the model saw this one)")
    expect(area).to_have_attribute("aria-busy", "false")
    app.wait_until(lambda: app.pixels() == classified)
    if reader == "other reader":
        app.classify(samples.jpeg())
        app.press("v")  # puts the file beside the new image
        expect(app.page.locator("#prepared-caption")).to_contain_text("frame 2 of 3")


def test_frames_are_loaded_when_they_are_wanted_and_their_neighbours_before(app: AppPage) -> None:
    app.http_errors_expected = True
    app.open()
    result = app.classify(FilePayload(name="x.dcm", mimeType="", buffer=images.film(6)))
    app.reload()
    asked: list[str] = []
    held: list[Route] = []

    def answer(route: Route) -> None:
        number = route.request.url.rpartition("=")[2]
        asked.append(number)
        if number == "1":
            held.append(route)
        elif number == "6":
            missing(route)
        else:
            route.continue_()

    app.intercept("**/picture?frame=*", answer)
    app.wait_for_result(result)
    place = app.page.locator("#frame-tools output")
    expect(place).to_have_text("4 of 6 (the model saw this one)")
    assert asked == []
    app.press(",")
    expect(place).to_have_text("3 of 6 (the model saw frame 4)")
    app.wait_until(lambda: asked == ["3", "2"])  # the model's frame is there already
    slider = app.page.get_by_role("slider", name="Frame")
    slider.fill("1")
    expect(place).to_have_text("1 of 6 (loading …)")
    slider.fill("5")
    slider.fill("6")
    held[0].continue_()
    # Frame 5 was passed while frame 1 was loading; frame 6 is missing, so frame 1 stays.
    expect(place).to_have_text("1 of 6 (the model saw frame 4)")
    expect(app.page.locator("#toast")).to_have_text("This frame cannot be displayed.")
    assert asked == ["3", "2", "1", "6"]


def missing(route: Route) -> None:
    route.fulfill(status=404, json={"code": "NoPicture", "message": "Deleted.", "request_id": "r"})


def test_model_input_is_shown_if_there_is_no_display_picture(app: AppPage) -> None:
    app.http_errors_expected = True
    app.open()
    app.intercept("**/picture", missing)
    app.classify(samples.tiff())
    expect(app.caption).to_have_text(re.compile("Model input, .* · the display picture could not be loaded$"))
    menu(app, "View")
    expect(app.page.get_by_role("button", name="Model input")).to_be_hidden()


def test_image_is_sent_again_if_there_was_no_time_for_its_picture(app: AppPage) -> None:
    def slow(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"picture": None, "frames": None})

    app.open()
    app.intercept("**/classify", slow, once=True)
    app.classify(samples.tiff())
    expect(app.caption).to_contain_text("no display picture is stored")
    app.wait_until(lambda: len(app.posts()) == 2)


def test_late_display_picture_replaces_the_model_input_in_place(app: AppPage) -> None:
    app.open()
    waiting: list[Route] = []
    app.intercept("**/picture", waiting.append)
    app.classify(samples.tiff())
    expect(app.caption).to_contain_text("Model input, ")
    app.press("+", "+")
    app.wait_until(lambda: waiting)
    waiting.pop().continue_()
    expect(app.caption).to_contain_text("Display picture, ")
    expect(app.page.locator("#image-area")).to_have_class(re.compile("zoomed"))
    expect(app.page.locator("#heat-map-tools")).to_be_visible()


def decoded(page: Page, png: bytes) -> list[int]:
    """The samples that the page reads from a PNG file."""
    found: list[int] = page.evaluate(
        """async (bytes) => {
            const { decodeGreyPng } = await import("/modules/greypng.js");
            return [...(await decodeGreyPng(new Blob([Uint8Array.from(bytes)]))).data];
        }""",
        list(png),
    )
    return found


def test_grey_png_is_decoded_with_all_its_bits(app: AppPage) -> None:
    app.open()
    random = np.random.default_rng(1)
    for smooth in (images.gradient(40, 30, 0, 60_000).astype(np.uint16), FILM[::8, ::8]):
        # They make the encoder use each of the filters.
        noisy = smooth + random.integers(0, 9, smooth.shape).astype(smooth.dtype)
        for pixels in (smooth, noisy, random.permutation(smooth)):
            png = images.encode(Image.fromarray(np.ascontiguousarray(pixels)), "PNG")
            assert decoded(app.page, png) == pixels.ravel().tolist()
