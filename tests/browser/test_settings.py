"""Language, colours and size: the page as its reader wants it."""

from playwright.sync_api import Browser, Request, expect

from tests.browser import samples
from tests.browser.conftest import LAPTOP
from tests.browser.desk import Desk

FIRST_VIEW_BYTES = 150_000


def settings(desk: Desk) -> None:
    desk.page.locator("button[popovertarget=settings]").click()


def test_language_can_be_changed_and_is_remembered(desk: Desk) -> None:
    desk.open()
    desk.classify(samples.jpeg())
    label = desk.heading.inner_text()
    settings(desk)
    desk.page.get_by_label("Language").select_option("Deutsch")
    expect(desk.page.locator("html")).to_have_attribute("lang", "de")
    expect(desk.page.locator("#worklist-heading")).to_have_text("Arbeitsliste")
    expect(desk.page.locator("#disclaimer")).to_contain_text("Nicht für den klinischen Einsatz")
    # Names of classes are the server's: they stay, and say which language they are in.
    expect(desk.heading).to_have_text(label)
    expect(desk.heading.locator("span")).to_have_attribute("lang", "en")
    expect(desk.probability).to_contain_text("Wahrscheinlichkeit")
    desk.page.reload()
    expect(desk.page.locator("#worklist-heading")).to_have_text("Arbeitsliste")
    expect(desk.page.locator("#csv")).to_have_text("CSV herunterladen")


def test_language_is_that_of_the_browser(browser: Browser, page_address: str) -> None:
    context = browser.new_context(viewport=LAPTOP, locale="de-AT")
    desk = Desk(context.new_page(), page_address)
    desk.page.goto(f"{desk.address}/#/tasks/mammography-views")
    expect(desk.page.get_by_role("button", name="Bilder wählen …").first).to_be_visible()
    desk.at_hand = samples.jpeg()
    desk.page.get_by_role("button", name="Bilder wählen …").first.click()
    desk.wait_for_reading()
    # Numbers as they are written there: a comma, and a space before the sign.
    expect(desk.probability).to_contain_text(",")
    expect(desk.page.locator(".bars .share").first).to_contain_text("\u00a0%")
    context.close()
    assert desk.mistakes == []


def test_every_word_is_there_in_both_languages(desk: Desk) -> None:
    desk.open()
    differences = desk.page.evaluate(
        """async () => {
            const paths = (words, path) => Object.entries(words).flatMap(([name, value]) => {
                const here = path + name;
                return typeof value === "object" ? paths(value, here + ".") : [`${here} ${typeof value}`];
            });
            const all = async (language) => [
                ...paths((await import(`/modules/words/${language}.js`)).words, ""),
                ...paths((await import(`/modules/words/records.${language}.js`)).records, "records."),
            ];
            const [english, german] = [await all("en"), await all("de")];
            return [
                ...english.filter((path) => !german.includes(path)),
                // Errors, reasons and steps are the server's own, in English; others translate them.
                ...german
                    .filter((path) => !english.includes(path))
                    .filter((path) => !/^(errors|reasons|records\\.steps)\\./.test(path)),
            ];
        }"""
    )
    assert differences == []


def test_colours_can_be_chosen_against_those_of_the_device(desk: Desk) -> None:
    desk.page.emulate_media(color_scheme="light")
    desk.open()
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = desk.page.evaluate(ground)
    settings(desk)
    desk.page.get_by_label("Colours").select_option("Dark")
    dark = desk.page.evaluate(ground)
    assert dark != light
    desk.page.reload()
    assert desk.page.evaluate(ground) == dark
    desk.page.emulate_media(color_scheme="dark")
    settings(desk)
    desk.page.get_by_label("Colours").select_option("Light")
    assert desk.page.evaluate(ground) == light
    desk.page.get_by_label("Colours").select_option("As the device")
    assert desk.page.evaluate(ground) == dark


def test_first_view_is_small(desk: Desk) -> None:
    sizes: list[int] = []

    def weigh(request: Request) -> None:
        parts = request.sizes()
        sizes.append(parts["responseBodySize"] + parts["responseHeadersSize"])

    desk.page.on("requestfinished", weigh)
    desk.open()
    expect(desk.page.locator("#worklist-status")).not_to_have_text("Loading…")
    desk.page.wait_for_timeout(300)
    assert sum(sizes) < FIRST_VIEW_BYTES
