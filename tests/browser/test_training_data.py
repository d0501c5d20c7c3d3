"""What there is to train on, and uploading more of it."""

import os
import re
from pathlib import Path

from playwright.sync_api import expect

from tests import images
from tests.browser.app_page import AppPage
from tests.browser.history import EMPTY, counted
from tests.browser.test_access import violations

TASK = "chest-xray"
"""No other test uses its labelled images."""
LIST = f"#/tasks/{TASK}/retrainings"


def folders(tmp_path: Path, app: AppPage) -> Path:
    """A folder of labelled images, whose names must not be sent. One folder is named after no class.

    Two images have masks, one of them beside it.
    """
    chosen = tmp_path / "Films of Jane Doe"
    for folder, heights in {"Normal": (40, 41, 42), "VIRAL_pneumonia": (43,), "lateral": (40,)}.items():
        (chosen / folder).mkdir(parents=True)
        for height in heights:
            (chosen / folder / f"Doe-{height}.png").write_bytes(images.grey_file(height=height))
    for mask in ("Normal/Doe-41_mask.png", "masks/VIRAL_pneumonia/Doe-43_mask_1.png"):
        (chosen / mask).parent.mkdir(parents=True, exist_ok=True)
        (chosen / mask).write_bytes(images.grey_file(height=44))
    (chosen / "Normal" / "letter.txt").write_text("Dear colleague,")
    # New to the stage, whatever earlier runs have sent.
    new = os.urandom(8)
    for image in chosen.rglob("*.png"):
        image.write_bytes(image.read_bytes() + new)
    app.file_names |= {"Jane Doe", "Doe-", "letter.txt", "lateral"}
    return chosen


def test_labelled_images_are_uploaded_by_folder(app: AppPage, tmp_path: Path) -> None:
    app.open(LIST)
    app.page.get_by_text("Add labelled images from this device").click()
    app.page.get_by_label("Folder with labelled images").set_input_files(folders(tmp_path, app))
    rows = app.sheet.locator(".labelled-folders select")
    expect(rows).to_have_count(3)
    assert [rows.nth(index).input_value() for index in range(3)] == ["", "normal", "viral-pneumonia"]

    app.page.get_by_role("button", name="Send images").click()
    expect(app.page.get_by_role("alert")).to_contain_text("Choose a class or “Do not send” for each folder")
    expect(rows.first).to_be_focused()
    assert not [request for request in app.requests if "labelled-images" in request.url]
    rows.first.select_option("bacterial-pneumonia")
    app.page.get_by_role("button", name="Send images").click()
    status = app.sheet.locator(".labelled-folders")
    expect(status).to_contain_text("6 of 6: 4 sent, 0 were there already.")
    # The image in the folder `lateral` came first.
    expect(status).to_contain_text("Doe-40.png: the same image was uploaded as “Bacterial pneumonia” already")
    expect(status).to_contain_text("letter.txt: This is a text file")
    expect(app.sheet.locator(".counts tr", has_text="Viral pneumonia")).to_contain_text(re.compile("[1-9]"))
    assert violations(app) == []

    # After a reload, nothing is sent twice.
    app.page.reload()
    app.page.get_by_text("Add labelled images from this device").click()
    app.page.get_by_label("Folder with labelled images").set_input_files(tmp_path / "Films of Jane Doe")
    rows.first.select_option("-")
    app.page.get_by_role("button", name="Send images").click()
    expect(status).to_contain_text("5 of 5: 0 sent, 3 were there already.")


def test_start_explains_what_is_missing(app: AppPage) -> None:
    app.open(f"#/tasks/{EMPTY}/retrainings")
    expect(app.sheet.locator(".verdict.review")).to_contain_text("There are no labelled images yet")
    app.page.get_by_role("button", name="Start retraining").click()
    expect(app.problem).to_contain_text("a retraining cannot start")
    assert not [request for request in app.requests if request.method == "POST"]


def test_news_since_the_current_model_are_shown(app: AppPage) -> None:
    data = counted(new_images=12, new_reviews=3)
    app.intercept(f"**/api/tasks/{TASK}/training-data", lambda route: route.fulfill(json=data))
    app.open(LIST)
    expect(app.sheet).to_contain_text(re.compile(r"New since .*Nov 20, 2026.*: 12 images and 3 reviews"))
    expect(app.sheet.locator(".counts td").last).to_have_text("12 images, 3 reviews")

    data.update(counted(complete=False))
    app.open("#/")
    app.open(LIST)
    expect(app.sheet).to_contain_text("Labelled images: at least 1,500.")
    expect(app.sheet).to_contain_text("Nothing is new since")
