"""Settings: language and theme; and the size of the first view."""

from playwright.sync_api import Browser, Request, expect

from tests.browser import samples
from tests.browser.app_page import AppPage
from tests.browser.conftest import LAPTOP

FIRST_VIEW_BYTES = 150_000


def settings(app: AppPage) -> None:
    app.page.locator("button[popovertarget=settings]").click()


def test_language_choice_is_remembered(app: AppPage) -> None:
    app.open()
    app.classify(samples.jpeg())
    label = app.heading.inner_text()
    app.choose_language("Deutsch")
    expect(app.page.locator("html")).to_have_attribute("lang", "de")
    expect(app.page.locator("#worklist-heading")).to_have_text("Arbeitsliste")
    expect(app.page.locator("#disclaimer")).to_contain_text("Nicht für den klinischen Einsatz")
    # Class titles come from the server: they stay in English, and are marked as English.
    expect(app.heading).to_have_text(label)
    expect(app.heading.locator("span")).to_have_attribute("lang", "en")
    expect(app.probability).to_contain_text("Wahrscheinlichkeit")
    app.page.reload()
    expect(app.page.locator("#worklist-heading")).to_have_text("Arbeitsliste")
    expect(app.page.locator("#csv")).to_have_text("CSV exportieren")


def test_language_defaults_to_the_browser(browser: Browser, page_address: str) -> None:
    context = browser.new_context(viewport=LAPTOP, locale="de-AT")
    app = AppPage(context.new_page(), page_address)
    app.page.goto(f"{app.address}/#/tasks/mammography-views")
    expect(app.page.get_by_role("button", name="Bilder auswählen …").first).to_be_visible()
    app.picker_files = samples.jpeg()
    app.page.get_by_role("button", name="Bilder auswählen …").first.click()
    app.wait_for_result()
    # German number format: a decimal comma, and a space before the percent sign.
    expect(app.probability).to_contain_text(",")
    expect(app.page.locator(".bars .share").first).to_contain_text("\u00a0%")
    context.close()
    assert app.mistakes == []


def test_texts_exist_in_both_languages(app: AppPage) -> None:
    app.open()
    differences = app.page.evaluate(
        """async () => {
            const paths = (words, path) => Object.entries(words).flatMap(([name, value]) => {
                const here = path + name;
                return typeof value === "object" ? paths(value, here + ".") : [`${here} ${typeof value}`];
            });
            const all = async (language) => {
                const { messages } = await import(`/modules/locales/${language}.js`);
                const { modelPages } = await import(`/modules/locales/modelpages.${language}.js`);
                return paths({ ...messages, modelPages }, "");
            };
            const [english, german] = [await all("en"), await all("de")];
            return [
                ...english.filter((path) => !german.includes(path)),
                // Errors, reasons and steps are the server's own, in English; others translate them.
                ...german
                    .filter((path) => !english.includes(path))
                    .filter((path) => !/^(errors|reasons|modelPages\\.steps)\\./.test(path)),
            ];
        }"""
    )
    assert differences == []


def test_theme_overrides_the_device(app: AppPage) -> None:
    app.page.emulate_media(color_scheme="light")
    app.open()
    page = app.page.locator("html")
    light = page.evaluate("(page) => getComputedStyle(page).backgroundColor")
    settings(app)
    app.page.get_by_label("Theme").select_option("Dark")
    expect(page).not_to_have_css("background-color", light)
    dark = page.evaluate("(page) => getComputedStyle(page).backgroundColor")
    app.reload()
    expect(page).to_have_css("background-color", dark)
    app.page.emulate_media(color_scheme="dark")
    settings(app)
    app.page.get_by_label("Theme").select_option("Light")
    expect(page).to_have_css("background-color", light)
    app.page.get_by_label("Theme").select_option("System")
    expect(page).to_have_css("background-color", dark)


def test_first_view_is_small(first_visit: AppPage) -> None:
    app = first_visit
    sizes: list[int] = []

    def weigh(request: Request) -> None:
        parts = request.sizes()
        sizes.append(parts["responseBodySize"] + parts["responseHeadersSize"])

    app.page.on("requestfinished", weigh)
    app.open()
    expect(app.page.locator("#worklist-status")).not_to_have_text("Loading…")
    app.wait_until(lambda: len(sizes) >= len(app.requests))
    assert sum(sizes) < FIRST_VIEW_BYTES
