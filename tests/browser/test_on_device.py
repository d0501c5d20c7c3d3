"""Classification in the browser: the same results as on the server, and no image data is sent."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FilePayload, Locator, Page, expect
from playwright.sync_api import Error as PlaywrightError
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from chalicelib import imaging
from chalicelib.models.package import BUNDLED_MODELS
from chalicelib.tasks import InputSpec, load_tasks
from tests import images
from tests.browser import samples
from tests.browser.app_page import PATIENCE_MS, AppPage
from tests.browser.conftest import LAPTOP
from tests.browser.test_access import violations

AGREEMENT = 1e-3
"""Largest allowed difference of a probability from the server."""

LOADING_MS = 4 * PATIENCE_MS
"""Long enough to load and compile onnxruntime-web under load."""

BUNDLED = sorted(file.parent.name for file in BUNDLED_MODELS.glob("*/model.json"))
TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".dcm": "application/dicom"}
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def lab(browser: Browser, page_address: str) -> Iterator[Page]:
    """A page for testing single modules."""
    context = browser.new_context()
    app = AppPage(context.new_page(), page_address)
    app.open()
    yield app.page
    context.close()
    assert app.mistakes == []


@pytest.fixture(scope="module")
def device(browser: Browser) -> Iterator[BrowserContext]:
    """A browser context that keeps its caches."""
    context = browser.new_context(viewport=LAPTOP)
    yield context
    context.close()


@pytest.fixture
def switched_on(device: BrowserContext, page_address: str) -> Iterator[AppPage]:
    """A new tab with the switch on and the model of mammography-views loaded."""
    app = AppPage(device.new_page(), page_address)
    app.open()
    switch_on(app)
    yield app
    app.page.close()
    assert app.mistakes == []


def switch_on(app: AppPage) -> None:
    app.page.get_by_role("switch", name="On this device").check()
    expect(status(app)).to_contain_text("ready", timeout=LOADING_MS)


def status(app: AppPage) -> Locator:
    return app.page.locator("#on-device-status")


def real_images(data_set: Path, task: str, count: int) -> list[Path]:
    files = sorted(path for path in (data_set / task).rglob("*") if path.suffix in TYPES)
    return files[:: len(files) // count][:count]


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def prepared_here(page: Page, data: bytes, media_type: str, spec: InputSpec) -> NDArray[np.uint8]:
    """A file as prepared by the page, shape (channels, height, width)."""
    pixels = page.evaluate(
        """async ([file, type, input]) => {
            const { prepare } = await import("/modules/device/prepare.js");
            const bytes = Uint8Array.from(atob(file), (character) => character.charCodeAt(0));
            return Array.from((await prepare(new Blob([bytes]), type, input)).pixels);
        }""",
        [encoded(data), media_type, vars(spec)],
    )
    return np.array(pixels, np.uint8).reshape(spec.shape)


def difference(page: Page, data: bytes, media_type: str, spec: InputSpec) -> NDArray[np.int64]:
    ours = imaging.prepare(data, spec).pixels.astype(np.int64)
    return np.abs(prepared_here(page, data, media_type, spec) - ours)


@pytest.mark.parametrize("task", BUNDLED)
def test_real_images_are_prepared_as_on_the_server(lab: Page, data_set: Path, task: str) -> None:
    for path in real_images(data_set, task, 4):
        data, media_type = path.read_bytes(), TYPES[path.suffix]
        differs = difference(lab, data, media_type, load_tasks()[task].input)
        # A JPEG decoder that reduces during decoding rounds once; the page rounds twice.
        assert differs.max() <= (1 if media_type == "image/jpeg" else 0), path
        assert differs.mean() < 0.1, path


GREY = InputSpec(width=112, height=224, channels=1, fit="pad")
COLOUR = InputSpec(width=90, height=60, channels=3, fit="stretch")


def jpeg(columns: int, rows: int, **options: Any) -> bytes:
    smooth = Image.fromarray(RNG.integers(0, 256, (9, 7)).astype(np.uint8)).resize((columns, rows))
    return images.encode(smooth, "JPEG", quality=95, **options)


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return jpeg(611, 407, exif=exif)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotated_photographs_are_upright(lab: Page, orientation: int) -> None:
    assert difference(lab, turned(orientation), "image/jpeg", GREY).max() <= 1


@pytest.mark.parametrize("size", [(450, 900), (1201, 1903), (2405, 3603), (4001, 3999)])
def test_large_jpegs_are_reduced_as_on_the_server(lab: Page, size: tuple[int, int]) -> None:
    differs = difference(lab, jpeg(*size), "image/jpeg", GREY)
    assert differs.max() <= 1


def pngs() -> dict[str, bytes]:
    colours = Image.fromarray(RNG.integers(0, 256, (61, 47, 3)).astype(np.uint8))
    opacity = Image.fromarray(RNG.integers(0, 256, (61, 47)).astype(np.uint8))
    transparent = colours.copy()
    transparent.putalpha(opacity)
    return {
        "grey": images.grey_file(),
        "colours": images.encode(colours, "PNG"),
        "palette": images.encode(colours.quantize(256), "PNG"),
        "black and white": images.encode(opacity.convert("1"), "PNG"),
        "transparent": images.encode(transparent, "PNG"),
    }


@pytest.mark.parametrize(("kind", "data"), pngs().items(), ids=pngs().keys())
@pytest.mark.parametrize("spec", [GREY, COLOUR], ids=["grey", "colour"])
def test_pngs_are_prepared_as_on_the_server(lab: Page, kind: str, data: bytes, spec: InputSpec) -> None:
    assert difference(lab, data, "image/png", spec).max() <= (1 if kind == "transparent" else 0)


FILM = samples.phantom()
PIXELS = FILM.astype(np.uint16) * 16
WINDOW: dict[str, Any] = {"WindowCenter": 1500, "WindowWidth": 2000}


def without_sign_extension(padding: int, **elements: Any) -> Dataset:
    """Signed values of 12 bits whose words have zeros above them; the darkest stand for padding.

    Args:
        padding: PixelPaddingValue as the file states it, as 16 bits.
    """
    values = np.where(PIXELS < 500, -2000, PIXELS.astype(np.int16) // 2 - 1000).astype(np.int16)
    dataset = images.dicom_dataset(values & 0x0FFF, bits=16, PixelPaddingValue=padding, **elements)
    dataset.BitsStored, dataset.HighBit = 12, 11
    return dataset


DICOM_FILES = {
    "no window": images.dicom_dataset(PIXELS),
    "windowed": images.dicom_dataset(PIXELS, **WINDOW),
    "exact": images.dicom_dataset(PIXELS, **WINDOW, VOILUTFunction="LINEAR_EXACT"),
    "inverted": images.dicom_dataset(PIXELS, "MONOCHROME1", **WINDOW),
    "rescaled": images.dicom_dataset(PIXELS, RescaleSlope=0.37, RescaleIntercept=-1024.5, **WINDOW),
    "signed": images.dicom_dataset(PIXELS.astype(np.int16) - 1000, bits=13),
    "eight bits": images.dicom_dataset(FILM, bits=8),
    "eight bits, signed": images.dicom_dataset((FILM // 2).astype(np.int8), bits=8),
    "colours": images.dicom_dataset(RNG.integers(0, 256, (90, 70, 3)).astype(np.uint8), "RGB", 8),
    "padding": images.dicom_dataset(np.where(PIXELS < 500, 4000, PIXELS), PixelPaddingValue=4000, **WINDOW),
    "padding, no window": images.dicom_dataset(
        np.where(PIXELS < 500, 0, PIXELS), "MONOCHROME1", PixelPaddingValue=0, PixelPaddingRangeLimit=90
    ),
    "padding, falling": images.dicom_dataset(
        np.where(PIXELS < 500, 0, PIXELS), PixelPaddingValue=0, RescaleSlope=-1, RescaleIntercept=4000
    ),
    "padding without sign extension": without_sign_extension(-2000 & 0x0FFF),
    "padding with a sign, values without": without_sign_extension(-2000),
    "range of padding without sign extension": without_sign_extension(
        -2048 & 0x0FFF, PixelPaddingRangeLimit=-1990 & 0x0FFF, WindowCenter=0, WindowWidth=2000
    ),
    "empty window": images.dicom_dataset(PIXELS, WindowCenter="", WindowWidth=""),
    "square pixels": images.dicom_dataset(PIXELS, PixelSpacing=[0.2, 0.2], **WINDOW),
    "frames": images.dicom_dataset(np.stack([PIXELS // 4, PIXELS, PIXELS // 2]), NumberOfFrames=3),
}


@pytest.mark.parametrize("kind", DICOM_FILES)
def test_dicom_is_prepared_exactly_as_on_the_server(lab: Page, kind: str) -> None:
    data = images.dicom_file(DICOM_FILES[kind])
    for spec in (GREY, COLOUR):
        assert difference(lab, data, "application/dicom", spec).max() == 0


UNUSUAL_DICOM_FILES: dict[str, dict[str, Any]] = {
    "threshold": {"WindowCenter": 1500, "WindowWidth": 1},
    "window without width": {"WindowCenter": 1500},
    "second window": {"WindowCenter": ["", 1500], "WindowWidth": ["", 2000]},
    "sigmoid": {**WINDOW, "VOILUTFunction": "SIGMOID"},
    "inverse": {**WINDOW, "PresentationLUTShape": "INVERSE"},
    "oblong pixels": {**WINDOW, "PixelSpacing": [0.2, 0.1]},
    "oblong pixels by ratio": {**WINDOW, "PixelAspectRatio": [2, 1]},
    "slope of 0": {**WINDOW, "RescaleSlope": 0, "RescaleIntercept": 0},
    "high bit": {**WINDOW, "HighBit": 15},
}


@pytest.mark.parametrize("kind", [*UNUSUAL_DICOM_FILES, "hot pixel"])
def test_dicom_with_unusual_grey_levels_is_left_to_the_server(lab: Page, kind: str) -> None:
    pixels = PIXELS.copy()
    if kind == "hot pixel":
        pixels[0, 0] = 60_000
    dataset = images.dicom_dataset(pixels, bits=16 if kind == "hot pixel" else 12)
    for keyword, value in UNUSUAL_DICOM_FILES.get(kind, {}).items():
        setattr(dataset, keyword, value)
    imaging.prepare(images.dicom_file(dataset), GREY)  # the server reads it
    with pytest.raises(PlaywrightError, match="dicom"):
        prepared_here(lab, images.dicom_file(dataset), "application/dicom", GREY)


@pytest.mark.parametrize("task", BUNDLED)
def test_results_match_the_server(lab: Page, page_address: str, data_set: Path, task: str) -> None:
    other = "chest-xray" if task == "breast-ultrasound" else "breast-ultrasound"
    files = [*real_images(data_set, task, 3), *real_images(data_set, other, 1)]
    here = lab.evaluate(
        """async ([name, files]) => {
            const { DeviceClassifier } = await import("/modules/device/classifier.js");
            const { tasks, disclaimer } = await (await fetch("/api/tasks")).json();
            const task = tasks.find((task) => task.name === name);
            const options = { signal: new AbortController().signal, onProgress() {} };
            const classifier = new DeviceClassifier();
            const answers = [];
            for (const [file, type] of files) {
                const bytes = Uint8Array.from(atob(file), (character) => character.charCodeAt(0));
                answers.push(await classifier.classify(task, disclaimer, new Blob([bytes]), type, options));
            }
            classifier.worker.terminate();
            return answers.map(({ result }) => result);
        }""",
        [task, [[encoded(path.read_bytes()), TYPES[path.suffix]] for path in files]],
    )
    for path, mine in zip(files, here, strict=True):
        answer = lab.request.post(
            f"{page_address}/api/tasks/{task}/classify",
            data=path.read_bytes(),
            headers={"Content-Type": TYPES[path.suffix]},
        )
        theirs = answer.json()
        assert mine["label"] == theirs["label"], path
        assert mine["probabilities"] == pytest.approx(theirs["probabilities"], abs=AGREEMENT), path
        assert mine["distance"] == pytest.approx(theirs["distance"], abs=1e-2), path
        assert mine["reasons"] == theirs["reasons"], path
        assert mine["source"] == theirs["source"], path
        assert mine["model"] == theirs["model"] | {"backend": "device"}, path
        assert mine["heatmap"]["width"] == theirs["heatmap"]["width"], path
        assert mine["heatmap"]["values"] == pytest.approx(theirs["heatmap"]["values"], abs=2e-2), path


def test_images_never_leave_the_device(switched_on: AppPage) -> None:
    app = switched_on
    before = len(app.requests)
    identifier = app.classify(samples.jpeg())
    expect(app.page.locator(".facts")).to_contain_text("this device")
    expect(app.page.locator(".device-note")).to_contain_text("exists in this tab only")
    expect(app.page.locator(".review-form")).to_have_count(0)
    app.press("b")
    expect(app.page.locator("#compare")).to_have_attribute("aria-pressed", "true")
    app.page.locator("#heat-map-class").select_option(index=1)
    app.drop(samples.jpeg(), samples.dicom(), samples.deep_png(), samples.text_file())
    expect(app.page.locator("#device-rows > li")).to_have_count(5, timeout=LOADING_MS)
    expect(app.page.locator("#device-rows > .failed")).to_have_count(2)
    expect(app.page.locator("#device-count")).to_have_text("On this device (3)")
    app.press("v")
    expect(app.page.locator(".pane-verdict").nth(1)).to_contain_text("%")
    # Only the worklist is requested.
    app.wait_until(lambda: app.requests[before:])
    asked = app.requests[before:]
    assert {request.method for request in asked} <= {"GET"}
    assert not any(request.post_data_buffer for request in asked)
    assert not any(identifier in request.url for request in asked)
    assert "device-" not in str(app.page.request.get(f"{app.address}/api/results").json())


def test_device_results_last_as_long_as_the_tab(switched_on: AppPage) -> None:
    app = switched_on
    app.classify(samples.jpeg())
    label = app.heading.inner_text()
    app.reload()
    expect(app.heading).to_have_text(label)
    expect(app.page.locator("#message")).to_contain_text("choose its file once more")
    app.page.get_by_role("button", name="Clear", exact=True).click()
    expect(app.page.locator("#device-results")).to_be_hidden()
    app.page.reload()
    expect(app.problem).to_contain_text("nowhere else")


def compressed_dicom() -> FilePayload:
    dataset = images.dicom_dataset(PIXELS)
    dataset.compress(RLELossless)
    return FilePayload(name="x.dcm", mimeType="", buffer=images.dicom_file(dataset))


UNUSABLE = {
    samples.deep_png: "16-bit",
    samples.tiff: "cannot read TIFF",
    samples.truncated_jpeg: "damaged or truncated",
    compressed_dicom: "compressed",
    samples.text_file: "not an image",
}


def test_unusable_files_are_explained_and_not_sent(switched_on: AppPage) -> None:
    for image, words in UNUSABLE.items():
        switched_on.pick(image())
        expect(switched_on.problem).to_contain_text(words)
    assert switched_on.posts() == []


def test_switching_off_uses_the_server_again(switched_on: AppPage) -> None:
    app = switched_on
    app.page.get_by_role("switch", name="On this device").uncheck()
    expect(status(app)).to_contain_text("sent to this server")
    expect(app.page.locator("#message")).to_contain_text("uploaded to this server")
    app.classify(samples.jpeg())
    assert len(app.posts()) == 1
    expect(app.page.locator(".review-form")).to_be_visible()


def test_device_classifies_offline(switched_on: AppPage) -> None:
    app = switched_on
    app.http_errors_expected = True
    expect(status(app)).to_contain_text("also offline", timeout=LOADING_MS)
    app.page.context.set_offline(True)
    app.reload()
    expect(status(app)).to_contain_text("ready", timeout=LOADING_MS)
    app.classify(samples.jpeg())
    expect(app.page.locator("#worklist-status")).to_contain_text("cannot be reached")
    app.pick(samples.tiff())
    expect(app.problem).to_contain_text("cannot read TIFF")
    expect(app.problem).to_contain_text("keep the file until you are connected again")
    app.page.context.set_offline(False)
    addresses = app.page.evaluate(
        """async () => {
            const shelves = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
            return (await Promise.all(shelves.map((shelf) => shelf.keys()))).flat().map(({ url }) => url);
        }"""
    )
    assert any(address.endswith("/index.html") for address in addresses)
    assert any(address.endswith(".onnx") for address in addresses)
    assert not any("/api/" in address for address in addresses)


def test_package_with_a_wrong_digest_is_not_used(app: AppPage) -> None:
    app.http_errors_expected = True
    catalogue = app.page.request.get(f"{app.address}/api/tasks").json()
    for task in catalogue["tasks"]:
        if task["model"]:
            task["model"]["sha256"] = "0" * 64
    app.intercept("**/api/tasks", lambda route: route.fulfill(json=catalogue))
    app.open()
    app.page.get_by_role("switch", name="On this device").check()
    expect(status(app)).to_contain_text("not used", timeout=PATIENCE_MS)
    app.pick(samples.jpeg())
    expect(app.problem).to_contain_text("not used")
    assert app.posts() == []


def test_runtime_is_not_loaded_before_it_is_switched_on(app: AppPage) -> None:
    app.open()
    expect(app.page.locator("#worklist-status")).not_to_have_text("Loading…")
    assert not any("/vendor/" in request.url for request in app.requests)
    assert app.page.evaluate("navigator.serviceWorker.getRegistrations()") == []


@pytest.mark.parametrize("language", ["English", "Deutsch"])
def test_device_view_passes_accessibility_checks(switched_on: AppPage, language: str) -> None:
    app = switched_on
    app.page.emulate_media(reduced_motion="reduce")
    app.drop(samples.jpeg(), samples.tiff())
    expect(app.page.locator("#device-rows > li")).to_have_count(2, timeout=PATIENCE_MS)
    app.page.locator("#device-rows a").click()
    app.wait_for_result()
    app.choose_language(language)
    assert violations(app) == []
    app.page.set_viewport_size({"width": 320, "height": 640})
    assert app.width_beyond_screen() <= 0
    app.open()
    expect(app.page.locator("#message")).to_be_visible()
    assert violations(app) == []
