"""Safety: no third parties, no inline code, no identity, and the disclaimer always visible."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.browser import samples
from tests.browser.app_page import AppPage


def policy(app: AppPage) -> dict[str, list[str]]:
    """The content security policy that the page is served with, by directive."""
    header = app.page.request.get(app.address).headers["content-security-policy"]
    return {name: sources for name, *sources in (part.split() for part in header.split(";") if part.strip())}


def test_policy_allows_only_the_page_and_the_bucket(app: AppPage) -> None:
    directives = policy(app)
    assert directives["default-src"] == ["'none'"]
    # Compiling WebAssembly is not evaluation of text.
    assert directives["script-src"] == ["'self'", "'wasm-unsafe-eval'"]
    assert directives["worker-src"] == ["'self'"]
    assert directives["style-src"] == ["'self'"]
    assert set(directives["img-src"]) <= {"'self'", "blob:", "data:"}
    own, *others = directives["connect-src"]
    assert own == "'self'"
    assert len(others) <= 1
    assert all(urlsplit(other).netloc for other in others)


def test_injected_markup_is_shown_as_text(app: AppPage) -> None:
    bad = "<img src=x onerror=\"console.error('ran')\">"
    app.http_errors_expected = True
    app.open()
    body = {"code": "NotAnImage", "message": bad, "request_id": bad}
    app.intercept("**/classify", lambda route: route.fulfill(status=422, json=body))
    app.pick(samples.jpeg())
    expect(app.problem.locator("p").first).to_have_text(bad)
    expect(app.problem.locator("img")).to_have_count(0)


def test_file_name_never_leaves_the_device(app: AppPage) -> None:
    # Browsers do not expose the content of forms with files, so the page records it.
    app.page.add_init_script(
        """const send = XMLHttpRequest.prototype.send;
        XMLHttpRequest.prototype.send = function (form) {
            window.uploaded = new Response(form).text();
            send.call(this, form);
        };"""
    )
    image = samples.large_png()
    image["name"] = "Mueller^Anna^1961.png"
    app.open()
    app.classify(image)
    upload = app.page.evaluate("window.uploaded")
    assert 'name="file"' in upload
    assert "Mueller" not in upload

    app.drop({**samples.jpeg(), "name": "Mueller^Anna^1962.jpg"})
    expect(app.caption).to_have_text("Mueller^Anna^1962.jpg · Original, 300 × 600 pixels")
    app.wait_for_result()
    with app.page.expect_download():
        app.page.get_by_role("button", name="Export with file names").click()
    for request in app.requests:
        assert "Mueller" not in request.url
        assert b"Mueller" not in (request.post_data_buffer or b"")


def test_disclaimer_is_always_visible(app: AppPage) -> None:
    app.open()
    disclaimer = app.page.locator("#disclaimer")
    expect(disclaimer).to_have_text(re.compile("Not for clinical use"))
    app.page.set_viewport_size({"width": 390, "height": 700})
    app.classify(samples.jpeg())
    app.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(disclaimer).to_be_in_viewport(ratio=1)
