"""Settings: language and theme; and the size of the first view."""

import re

from playwright.sync_api import Browser, Request, expect

from tests.browser import samples
from tests.browser.app_page import TASK, AppPage
from tests.browser.conftest import LAPTOP
from tests.stage import ROOT

MODULES = ROOT / "frontend" / "modules"
LOCALES = MODULES / "locales"
FIRST_VIEW_BYTES = 150_000


def settings(app: AppPage) -> None:
    app.page.locator("header button[popovertarget=settings]").click()


def test_language_choice_is_remembered(app: AppPage) -> None:
    app.open()
    app.classify(samples.jpeg())
    label = app.heading.inner_text()
    app.choose_language("Deutsch")
    expect(app.page.locator("html")).to_have_attribute("lang", "de")
    expect(app.page.locator("#worklist-heading")).to_have_text("Arbeitsliste")
    expect(app.page.locator("#disclaimer")).to_contain_text("Nicht für den klinischen Einsatz")
    expect(app.heading).not_to_have_text(label)
    expect(app.heading).to_have_text(re.compile("Brust|Keine Mammographie"))
    confirm = re.compile("^Bestätigen: .*(Brust|Mammographie)")
    expect(app.page.get_by_role("button", name=confirm)).to_be_visible()
    expect(app.page.locator("#result [lang=en]")).to_have_count(0)
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


def test_reasons_for_review_say_their_numbers_in_german(app: AppPage) -> None:
    app.open()
    app.choose_language("Deutsch")
    told = app.page.evaluate(
        """async () => {
            const { describeReason } = await import("/modules/reasons.js");
            const probabilities = { "left-mlo": 0.02, "left-cc": 0.5, "right-cc": 0.48 };
            const task = { language: "de", classes: [{ name: "right-cc", title: "Rechte Brust" }] };
            const result = { label: "left-cc", probability: 0.5, probabilities };
            const tell = (code, min_probability) => {
                const model = { min_probability };
                const told = describeReason({ code, message: "English." }, { ...result, model }, task);
                return told.map((part) => (part instanceof Node ? part.outerHTML : part)).join("");
            };
            return [tell("close-second"), tell("low-confidence", 0.9), tell("low-confidence"), tell("new")];
        }"""
    )
    assert told == [
        "Eine andere Klasse ist fast ebenso wahrscheinlich: Rechte Brust, 48,0\u00a0%.",
        "Die Wahrscheinlichkeit beträgt 50,0\u00a0%; unter 90,0\u00a0% ist eine Prüfung erforderlich.",
        "Die Wahrscheinlichkeit des Ergebnisses ist zu niedrig.",
        '<span lang="en">English.</span>',
    ]


def test_texts_exist_in_all_languages(app: AppPage) -> None:
    app.open()
    parts = ["", *(f"{path.name.removesuffix('.en.js')}." for path in LOCALES.glob("*.en.js"))]
    assert len(parts) >= 2
    differences = app.page.evaluate(
        """async (parts) => {
            const paths = (words, path) => Object.entries(words).flatMap(([name, value]) => {
                const here = path + name;
                return typeof value === "object" ? paths(value, here + ".") : [`${here} ${typeof value}`];
            });
            const all = async (language) => {
                const modules = parts.map((part) => import(`/modules/locales/${part}${language}.js`));
                return paths(Object.assign({}, ...(await Promise.all(modules))), "");
            };
            const { LANGUAGES } = await import("/modules/text.js");
            const english = await all("en");
            // The server's own sentences are English; others translate them.
            const stored = "sentences|plotWords|hyperparameterMeanings";
            const ofServer = new RegExp(
                `^(messages[.](errors|reasons)|modelPages[.](steps|drift[.]missing)|${stored})[.]`,
            );
            const others = Object.keys(LANGUAGES).filter((language) => language !== "en");
            return (await Promise.all(others.map(async (language) => {
                const translated = await all(language);
                return [
                    ...english.filter((path) => !translated.includes(path)),
                    ...translated.filter((path) => !english.includes(path) && !ofServer.test(path)),
                ].map((path) => `${language}: ${path}`);
            }))).flat();
        }""",
        parts,
    )
    assert differences == []


def test_another_language_is_one_more_entry_and_file(first_visit: AppPage) -> None:
    app = first_visit
    registry = (MODULES / "text.js").read_text().replace('de: "Deutsch"', 'de: "Deutsch", qaa: "Quaa"')
    texts = (LOCALES / "en.js").read_text().replace('heading: "Worklist"', 'heading: "Waaklist"')

    def serve(path: str, script: str) -> None:
        app.intercept(
            f"**/modules/{path}", lambda it: it.fulfill(body=script, content_type="text/javascript")
        )

    serve("text.js", registry)
    serve("locales/qaa.js", texts)
    app.http_errors_expected = True  # of texts that are not translated
    app.open()
    app.classify(samples.jpeg())
    settings(app)
    # The texts of what is loaded later are missing in it, and are shown in English.
    app.http_errors_expected = True
    app.page.locator("#language").select_option(label="Quaa")
    expect(app.page.locator("html")).to_have_attribute("lang", "qaa")
    app.wait_for_view()
    expect(app.page.locator("#worklist-heading")).to_have_text("Waaklist")
    # The task is not translated into it, and says so to screen readers.
    expect(app.heading.locator("span")).to_have_attribute("lang", "en")
    app.open(f"#/tasks/{TASK}/models")
    expect(app.sheet.get_by_role("heading", name="All versions")).to_be_visible()
    expect(app.page.locator("html")).to_have_attribute("lang", "qaa")


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
        # The pictures of earlier results come after everything else, and there may be none.
        is_picture = request.url.endswith("/preview?thumbnail=true")
        sizes.append(0 if is_picture else parts["responseBodySize"] + parts["responseHeadersSize"])

    app.page.on("requestfinished", weigh)
    app.open()
    expect(app.page.locator("#worklist-status")).not_to_have_text("Loading…")
    app.wait_until(lambda: len(sizes) >= len(app.requests))
    assert sum(sizes) < FIRST_VIEW_BYTES
