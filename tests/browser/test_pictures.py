"""Small pictures in the worklist, and the grid."""

from playwright.sync_api import expect

from tests.browser.app_page import AppPage
from tests.browser.results import serve_many, serve_pictures
from tests.browser.test_worklist import send


def test_row_shows_a_picture_of_its_image(app: AppPage) -> None:
    result_id = send(app.page.request, app.address)
    app.open()
    picture = app.row(result_id).locator("img[src^='blob:']")
    expect(picture).to_be_visible()
    app.wait_until(lambda: picture.evaluate("(image) => image.naturalWidth") > 0)
    # A phantom of 300 x 600 pixels.
    size = picture.evaluate("(image) => [image.naturalWidth, image.naturalHeight]")
    assert max(size) <= 128
    assert abs(size[1] / size[0] - 2) < 0.1


def test_only_pictures_in_view_are_loaded_and_then_kept(app: AppPage) -> None:
    serve_many(app, 1000)
    asked = serve_pictures(app)
    app.open()
    expect(app.row(f"{2:032x}").locator("img[src]")).to_be_visible()
    app.wait_until(lambda: {*range(7)} <= {*asked} and not app.unfinished)
    # Not for the file that could not be read.
    assert {*asked} <= {*range(20)} - {7}
    box = app.page.locator("#worklist-box")
    box.evaluate("(box) => box.scrollTo(0, box.scrollHeight)")
    app.wait_until(lambda: max(asked) > 40)
    box.evaluate("(box) => box.scrollTo(0, 0)")
    expect(app.row(f"{0:032x}").locator("img[src]")).to_be_visible()
    app.wait_until(lambda: not app.unfinished)
    assert asked.count(0) == 1


def test_grid_is_remembered_and_follows_the_arrow_keys(app: AppPage) -> None:
    serve_many(app, 500)
    app.open()
    app.page.get_by_role("button", name="Grid").click()
    app.reload()
    grid = app.page.get_by_role("button", name="Grid")
    expect(grid).to_have_attribute("aria-pressed", "true")
    link = app.row(f"{0:032x}").get_by_role("link")
    link.focus()
    first, second = (app.row(f"{number:032x}").bounding_box() for number in (0, 1))
    assert first
    assert second
    assert first["y"] == second["y"]
    assert first["x"] < second["x"]
    app.press("ArrowRight")
    expect(app.row(f"{1:032x}").get_by_role("link")).to_be_focused()
    app.press("ArrowLeft", "ArrowDown")
    below = int(app.page.locator("#worklist-rows li:has(:focus)").get_attribute("data-id") or "", 16)
    assert below > 1
    expect(app.row(f"{below:032x}")).to_have_css("left", "0px")
    app.press("End")
    expect(app.page.locator("#worklist-rows a:focus")).to_be_in_viewport()
    grid.click()
    expect(grid).to_have_attribute("aria-pressed", "false")
    # Still near the end, and not at the beginning.
    assert app.page.locator("#worklist-box").evaluate("(box) => box.scrollTop") > 1000
