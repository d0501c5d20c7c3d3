"""An image in, an explained answer out."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests import images
from tests.browser import samples
from tests.browser.desk import PATIENCE_MS, Desk


def test_picked_image_is_read_and_explained(desk: Desk) -> None:
    desk.open()
    result_id = desk.classify(samples.jpeg())

    assert re.fullmatch("[0-9a-f]{32}", result_id)
    expect(desk.heading).to_be_focused()
    expect(desk.caption).to_have_text("Your file, 300 × 600 pixels")
    classes = desk.page.locator(".bars li")
    expect(classes).to_have_count(5)
    expect(classes.filter(has_text=desk.heading.inner_text())).to_have_class("predicted")
    expect(desk.page.locator(".bars .share").first).to_have_text(re.compile(r"\d.*%"))
    facts = desk.page.locator("#reading-body .facts")
    for words in ("JPEG", "300 × 600 pixels", "the built-in model", "Time taken", result_id):
        expect(facts).to_contain_text(words)
    expect(desk.page.locator("#announcer")).to_contain_text("probability")


def test_model_of_a_result_leads_to_its_card(desk: Desk) -> None:
    desk.open()
    desk.classify(samples.jpeg())
    link = desk.page.locator("#reading-body .facts").get_by_role("link")
    version = link.inner_text()
    link.click()
    expect(desk.sheet.locator(".document h3")).to_contain_text(version)
    desk.page.go_back()
    desk.wait_for_reading()


def test_dropped_image_is_read(desk: Desk) -> None:
    desk.open()
    desk.drop(samples.jpeg())
    desk.wait_for_reading()
    expect(desk.image).to_be_visible()


def test_pasted_image_is_read(desk: Desk) -> None:
    desk.open()
    desk.page.evaluate(
        """async () => {
            const canvas = Object.assign(document.createElement("canvas"), { width: 80, height: 160 });
            canvas.getContext("2d").fillRect(0, 0, 40, 160);
            const blob = await new Promise((resolve) => canvas.toBlob(resolve));
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([blob], "image.png", { type: "image/png" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
        }"""
    )
    desk.wait_for_reading()
    expect(desk.caption).to_have_text("Your file, 80 × 160 pixels")


def test_real_mammogram_gets_its_view(desk: Desk, data_set: Path) -> None:
    mammograms = sorted((data_set / "mammography-views" / "test" / "left-mlo").glob("*.jpg"))
    desk.open()
    desk.classify(mammograms[0])
    expect(desk.heading).to_have_text("Left breast, mediolateral oblique")


@pytest.mark.parametrize("image", [samples.tiff, samples.deep_png])
def test_image_that_no_browser_shows_is_shown_as_the_model_saw_it(desk: Desk, image: samples.Maker) -> None:
    desk.open()
    desk.classify(image())
    expect(desk.image).to_be_visible()
    expect(desk.caption).to_have_text(re.compile("^As the model saw it, "))


def test_dicom_facts_are_shown_but_no_identity(desk: Desk) -> None:
    desk.open()
    desk.classify(samples.dicom())
    facts = desk.page.locator("#reading-body .facts")
    for words in ("DICOM", "Mammography", "Left", "CC"):
        expect(facts).to_contain_text(words)
    for part in images.PATIENT.split("^"):
        assert part not in desk.page.content()


def test_large_image_goes_through_the_bucket(desk: Desk) -> None:
    image = samples.large_png()
    assert len(image["buffer"]) > 4_500_000
    desk.open()
    desk.pick(image)
    expect(desk.page.locator("#working")).to_be_visible()
    desk.wait_for_reading()
    expect(desk.page.locator("#reading-body .facts")).to_contain_text("upload")
    posts = [request.url for request in desk.requests if request.method == "POST"]
    assert len(posts) == 2
    assert posts[0] == f"{desk.address}/api/uploads"
    assert not posts[1].startswith(f"{desk.address}/api")


def test_slider_fades_the_heat_map(desk: Desk) -> None:
    desk.open()
    desk.classify(samples.jpeg())
    slider = desk.slider
    half = desk.pixels()
    slider.fill("100")
    full = desk.pixels()
    slider.fill("0")
    bare = desk.pixels()
    assert len({half, full, bare}) == 3
    expect(slider).to_have_attribute("aria-valuetext", "0%")
    slider.fill("50")
    assert desk.pixels() == half


def test_ambiguous_image_needs_review_and_says_why(desk: Desk) -> None:
    desk.open()
    desk.classify(samples.both_breasts())
    verdict = desk.page.locator(".verdict")
    expect(verdict).to_contain_text("Needs review")
    expect(verdict.get_by_role("listitem").first).to_have_text(re.compile(r"\w+ .*\."))


def test_task_without_model_says_what_that_means(desk: Desk) -> None:
    desk.open()
    without = desk.chooser.locator("option", has_text="no model yet")
    if without.count() == 0:
        pytest.skip("every task has a model")
    desk.chooser.select_option(without.first.get_attribute("value"))
    expect(desk.page.locator("#invitation")).to_contain_text("no model has been trained")
    expect(desk.page.get_by_role("button", name="Choose images…")).to_have_count(0)
    desk.drop(samples.jpeg())
    expect(desk.problem).to_contain_text("no model has been trained", timeout=PATIENCE_MS)


def test_the_page_begins_with_a_model_that_is_good_enough(desk: Desk) -> None:
    desk.open("")
    tasks = desk.page.evaluate("async () => (await (await fetch('/api/tasks')).json()).tasks")
    good = [task["name"] for task in tasks if task["model"] and not task["model"]["shortfall"]]
    assert 0 < len(good) < len(tasks)
    expect(desk.chooser).to_have_value(good[0])
