"""From an image to an explained result."""

import re
from pathlib import Path

from playwright.sync_api import expect

from chalicelib.limits import MAX_IMAGE_BODY
from tests import images
from tests.browser import history, samples
from tests.browser.app_page import PATIENCE_MS, AppPage


def test_picked_image_is_classified_and_explained(app: AppPage) -> None:
    app.open()
    result_id = app.classify(samples.jpeg())

    # Announcements stay for ten seconds only.
    expect(app.page.locator("#announcer")).to_contain_text("probability")
    assert re.fullmatch("[0-9a-f]{32}", result_id)
    expect(app.heading).to_be_focused()
    expect(app.caption).to_have_text("phantom.jpg · Original, 300 × 600 pixels")
    classes = app.page.locator(".bars li")
    expect(classes).to_have_count(5)
    expect(classes.filter(has_text=app.heading.inner_text())).to_have_class("predicted")
    expect(app.page.locator(".bars .share").first).to_have_text(re.compile(r"\d.*%"))
    facts = app.page.locator("#result-body .facts")
    for words in ("JPEG", "300 × 600 pixels", "built-in model", "Response time", result_id):
        expect(facts).to_contain_text(words)


def test_result_links_to_its_model_card(app: AppPage) -> None:
    app.open()
    app.classify(samples.jpeg())
    link = app.page.locator("#result-body .facts").get_by_role("link")
    version = link.inner_text()
    link.click()
    expect(app.sheet.locator(".document h3")).to_contain_text(version)
    app.page.go_back()
    app.wait_for_result()


def test_dropped_image_is_classified(app: AppPage) -> None:
    app.open()
    app.drop(samples.jpeg())
    app.wait_for_result()
    expect(app.image).to_be_visible()


def test_pasted_image_is_classified(app: AppPage) -> None:
    app.open()
    app.page.evaluate(
        """async () => {
            const canvas = Object.assign(document.createElement("canvas"), { width: 80, height: 160 });
            canvas.getContext("2d").fillRect(0, 0, 40, 160);
            const blob = await new Promise((resolve) => canvas.toBlob(resolve));
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([blob], "image.png", { type: "image/png" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
        }"""
    )
    app.wait_for_result()
    expect(app.caption).to_have_text("image.png · Original, 80 × 160 pixels")


def test_real_mammogram_gets_the_right_view(app: AppPage, data_set: Path) -> None:
    mammograms = sorted((data_set / "mammography-views" / "test" / "left-mlo").glob("*.jpg"))
    app.open()
    app.classify(mammograms[0])
    expect(app.heading).to_have_text("Left breast, mediolateral oblique")


def test_dicom_result_shows_facts_but_no_identity(app: AppPage) -> None:
    app.open()
    app.classify(samples.dicom())
    facts = app.page.locator("#result-body .facts")
    for words in ("DICOM", "Mammography", "Left", "CC"):
        expect(facts).to_contain_text(words)
    for part in images.PATIENT.split("^"):
        assert part not in app.page.content()


def test_small_image_takes_one_call(app: AppPage) -> None:
    app.open()
    app.classify(samples.jpeg())
    posts = [request.url for request in app.requests if request.method == "POST"]
    assert len(posts) == 1
    assert posts[0].endswith("/classify")


def test_large_image_is_uploaded_to_the_bucket(app: AppPage) -> None:
    image = samples.large_png()
    assert len(image["buffer"]) > MAX_IMAGE_BODY
    app.open()
    app.pick(image)
    expect(app.page.locator("#working")).to_be_visible(timeout=PATIENCE_MS)
    app.wait_for_result()
    expect(app.page.locator("#result-body .facts")).to_contain_text("upload")
    posts = [request.url for request in app.requests if request.method == "POST"]
    assert len(posts) == 2
    assert posts[0] == f"{app.address}/api/uploads"
    assert not posts[1].startswith(f"{app.address}/api")


def test_slider_fades_the_heat_map(app: AppPage) -> None:
    app.open()
    app.classify(samples.jpeg())
    slider = app.slider
    half = app.pixels()
    slider.fill("100")
    full = app.pixels()
    slider.fill("0")
    bare = app.pixels()
    assert len({half, full, bare}) == 3
    expect(slider).to_have_attribute("aria-valuetext", "0%")
    slider.fill("50")
    assert app.pixels() == half


def test_ambiguous_image_needs_review_with_reasons(app: AppPage) -> None:
    app.open()
    app.classify(samples.both_breasts())
    verdict = app.page.locator(".verdict")
    expect(verdict).to_contain_text("Needs review")
    expect(verdict.get_by_role("listitem").first).to_have_text(re.compile(r"\w+ .*\."))


def test_task_without_model_explains_what_to_do(app: AppPage) -> None:
    history.forget_model(app)
    app.open()
    app.chooser.select_option(history.EMPTY)
    expect(app.chooser.locator("option:checked")).to_contain_text("no model yet")
    expect(app.page.locator("#message")).to_contain_text("No model has been trained")
    expect(app.page.get_by_role("button", name="Choose images…")).to_have_count(0)
    app.drop(samples.jpeg())
    expect(app.problem).to_contain_text("No model has been trained", timeout=PATIENCE_MS)


def test_page_starts_with_a_task_whose_model_passes_its_gate(app: AppPage) -> None:
    app.open("")
    tasks = app.page.evaluate("async () => (await (await fetch('/api/tasks')).json()).tasks")
    good = [task["name"] for task in tasks if task["model"] and not task["model"]["shortfall"]]
    assert 0 < len(good) < len(tasks)
    expect(app.chooser).to_have_value(good[0])
