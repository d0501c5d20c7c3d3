"""What the page owes everybody: no strangers, no inline code, the disclaimer always in sight."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.browser import samples
from tests.browser.desk import Desk


def policy(desk: Desk) -> dict[str, list[str]]:
    """The content security policy that the page is served with, by directive."""
    header = desk.page.request.get(desk.address).headers["content-security-policy"]
    return {name: sources for name, *sources in (part.split() for part in header.split(";") if part.strip())}


def test_policy_allows_nothing_but_the_page_itself_and_the_bucket(desk: Desk) -> None:
    directives = policy(desk)
    assert directives["default-src"] == ["'none'"]
    # Compiling WebAssembly is no evaluation of text.
    assert directives["script-src"] == ["'self'", "'wasm-unsafe-eval'"]
    assert directives["worker-src"] == ["'self'"]
    assert directives["style-src"] == ["'self'"]
    assert set(directives["img-src"]) <= {"'self'", "blob:", "data:"}
    own, *others = directives["connect-src"]
    assert own == "'self'"
    assert len(others) <= 1
    assert all(urlsplit(other).netloc for other in others)


def test_injected_words_stay_words(desk: Desk) -> None:
    bad = "<img src=x onerror=\"console.error('ran')\">"
    desk.http_errors_expected = True
    desk.open()
    body = {"code": "NotAnImage", "message": bad, "request_id": bad}
    desk.page.route("**/classify", lambda route: route.fulfill(status=422, json=body))
    desk.pick(samples.jpeg())
    expect(desk.problem.locator("p").first).to_have_text(bad)
    expect(desk.problem.locator("img")).to_have_count(0)


def test_file_name_never_leaves_the_device(desk: Desk) -> None:
    # A browser does not tell what is in a form with a file, so the page is made to note it.
    desk.page.add_init_script(
        """const send = XMLHttpRequest.prototype.send;
        XMLHttpRequest.prototype.send = function (form) {
            window.uploaded = new Response(form).text();
            send.call(this, form);
        };"""
    )
    image = samples.large_png()
    image["name"] = "Mueller^Anna^1961.png"
    desk.open()
    desk.classify(image)
    upload = desk.page.evaluate("window.uploaded")
    assert 'name="file"' in upload
    assert "Mueller" not in upload

    desk.drop({**samples.jpeg(), "name": "Mueller^Anna^1962.jpg"})
    expect(desk.caption).to_have_text("Your file, 300 × 600 pixels")
    desk.wait_for_reading()
    for request in desk.requests:
        assert "Mueller" not in request.url
        assert b"Mueller" not in (request.post_data_buffer or b"")
    assert "Mueller" not in desk.page.content()


def test_disclaimer_is_always_in_sight(desk: Desk) -> None:
    desk.open()
    disclaimer = desk.page.locator("#disclaimer")
    expect(disclaimer).to_have_text(re.compile("Not for clinical use"))
    desk.page.set_viewport_size({"width": 390, "height": 700})
    desk.classify(samples.jpeg())
    desk.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(disclaimer).to_be_in_viewport(ratio=1)
