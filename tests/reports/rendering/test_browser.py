"""The HTML report in a real browser: what it tells, hides, sorts, filters and links, by mouse and by keyboard."""

from __future__ import annotations

import re
import shutil

import fabricate
import pytest

from reports.document import build_document
from reports.evidence import gather
from reports.rendering.blocks import Cell, Table, make_columns
from reports.rendering.html import render_html

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if CHROMIUM is None:
    pytest.skip("no Chromium is installed (Debian: apt install chromium)", allow_module_level=True)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

OPTIONS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
OPTIONS += "--disable-component-update --disable-sync"
COUNTS = 5, 40, 3, 12, 7, 1, 30, 9, 21, 2
CURVES, DIFFERENCES = 'svg[aria-label^="Learning curves"]', 'svg[aria-label^="Paired differences from relu"]'
CLAIMS = 'svg[aria-label^="Claims"]'
LIST = 'table:has-text("Layers by hand")'


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A small report: its address, and the evidence that it shows."""
    out, studies = tmp_path_factory.mktemp("out"), [fabricate.activations(), fabricate.sizes()]
    fabricate.write(out, studies, fabricate.setting())
    evidence = gather(out, studies, fabricate.setting())
    rows = tuple((Cell(f"layer {number}" if number > 1 else ""), Cell(f"{number:,}", sort=number)) for number in COUNTS)
    sums = (Cell("all layers"), Cell(str(sum(COUNTS))))
    table = Table("Layers by hand", make_columns("Layer", "Count"), (*rows, sums), sum_rows=1)
    twin = Table("One caption for two", make_columns("Layer", "Count"), rows[:1])
    file = out / "report.html"
    file.write_text(render_html([*build_document(evidence), table, twin, twin], "A report"), encoding="utf-8")
    return file.as_uri(), evidence


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=OPTIONS.split())
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, report):
    """Return a function that opens the report in a new context; no error and no further request may occur."""
    address, _ = report
    contexts, problems = [], []

    def open_report(anchor="", width=1100, **options):
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: problems.append(error))
        page.on("request", lambda request: request.url.partition("#")[0] == address or problems.append(request.url))
        page.goto(address + anchor)
        return page

    yield open_report
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def page(open_page):
    return open_page()


def column(page, rows=f"{LIST} tbody tr:visible", cell="td:last-child"):
    return page.locator(f"{rows} {cell}").all_inner_texts()


def test_a_point_tells_its_pair_and_the_trials_that_mlflow_finds_by_identity(page, report):
    page.locator(f"{DIFFERENCES} [data-rows] use").first.hover(force=True)
    label, tanh, relu = page.locator("#tip").inner_text().split("\n")
    trials = report[1].trials.set_index(["arm", "pair"])
    values = [trials.loc[(arm, 0), "test/accuracy"] for arm in ("tanh", "relu")]
    identities = [trials.loc[(arm, 0), "identity"] for arm in ("tanh", "relu")]
    shown = float(label.rpartition(": ")[2].replace("\N{MINUS SIGN}", "-"))
    assert label.startswith("Difference in test accuracy, points: ")
    assert shown == pytest.approx(100 * (values[0] - values[1]), rel=5e-3)
    assert tanh == f"activations / tanh / seed 0, identity {identities[0]}"
    assert relu == f"minus activations / relu / seed 0, identity {identities[1]}"
    page.mouse.move(1, 1)
    assert page.locator("#tip").is_hidden()


def test_a_mean_tells_arm_epoch_interval_and_seeds_to_the_keyboard(page, report):
    point = page.locator(f"{CURVES} use[tabindex='0']")
    point.focus()
    page.keyboard.press("ArrowRight")
    curves = report[1].curves.query("arm == 'relu' and metric == 'train/accuracy'")
    epoch = sorted(curves["epoch"].unique())[1]
    values = 100 * curves[curves["epoch"] == epoch]["value"]
    arm, mean, place = page.locator("#tip").inner_text().split("\n")
    assert (arm, place) == ("relu", f"Epoch: {epoch}; seeds: 3")
    shown, low, high = map(float, re.fullmatch(r"Train accuracy, %: (\S+) \[(\S+), (\S+)\]", mean).groups())
    assert shown == pytest.approx(values.mean(), abs=0.05)
    assert (high - low) / 2 == pytest.approx(4.3027 * values.std() / 3**0.5, rel=0.05)  # Student's t of two degrees
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("relu\n")
    page.keyboard.press("ArrowDown")
    assert page.locator("#tip").inner_text().split("\n")[::2] == ["tanh", place]
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()


def test_a_tap_shows_a_point_and_a_tap_elsewhere_hides_it(open_page):
    page = open_page(width=390, has_touch=True)
    page.locator(f"{DIFFERENCES} [data-rows] use").nth(1).tap(force=True)  # the first would also get the focus
    assert "seed 1" in page.locator("#tip").inner_text()
    page.locator("h1").tap()
    assert page.locator("#tip").is_hidden()


def test_a_legend_entry_hides_its_arm_in_that_figure_alone_and_shows_it_again(page):
    entry = page.get_by_role("button", name="Hide tanh", exact=True)
    parts, others = page.locator(f'{CURVES} [data-arm="1"]'), page.locator(f'{CURVES} [data-arm="0"]')
    elsewhere = page.locator('[data-arm="1"]:visible').count() - parts.count()

    def visible_parts():
        return sum(part.is_visible() for part in parts.all())

    assert visible_parts() == 4 and entry.get_attribute("aria-pressed") == "false"
    entry.click(force=True)
    assert visible_parts() == 0 and entry.get_attribute("aria-pressed") == "true"
    assert all(part.is_visible() for part in others.all())
    assert page.locator('[data-arm="1"]:visible').count() == elsewhere > 0
    entry.press("Enter")
    assert visible_parts() == 4 and entry.get_attribute("aria-pressed") == "false"


def test_a_table_sorts_and_filters_and_its_sums_stay(page):
    page.locator(f"{LIST} th button", has_text="Count").click()
    assert column(page) == [str(number) for number in sorted(COUNTS)]
    page.locator(f"{LIST} th button", has_text="Count").click()
    assert column(page) == [str(number) for number in sorted(COUNTS, reverse=True)]
    box = page.get_by_label("Filter rows of Layers by hand")
    output = page.locator(".filter", has=box).locator("output")
    assert output.inner_text() == "10 rows"
    box.fill("LAYER 3")
    assert column(page) == ["30", "3"]
    assert output.inner_text() == "2 of 10 rows; sums are of all rows"
    assert column(page, f"{LIST} tfoot tr:visible") == [str(sum(COUNTS))]
    page.emulate_media(media="print")
    assert len(column(page)) == len(COUNTS)
    assert page.locator(".filter:visible").count() == 0
    page.emulate_media(media="screen")
    box.fill("")
    assert len(column(page)) == len(COUNTS)


def test_a_claim_in_the_figure_leads_to_its_card_which_is_marked(page):
    plain = page.locator(".verdicts li").first.evaluate("card => getComputedStyle(card).backgroundColor")
    page.locator(f"{CLAIMS} a", has_text="relu-gap").click()
    assert re.search("#claim-[0-9]+-relu-gap$", page.url)
    card = page.locator(":target")
    assert card.locator(".name").inner_text() == "relu-gap"
    assert card.evaluate("card => getComputedStyle(card).backgroundColor") != plain
    playwright.expect(card).to_be_in_viewport()


def test_without_a_script_the_report_is_plain_and_whole(open_page):
    page = open_page("#claim-2-relu-gap", java_script_enabled=False)
    assert page.locator(":target .name").inner_text() == "relu-gap"
    assert page.locator("#tip, .filter, .entry, [role=button]").count() == 0
    assert page.locator(f'{CURVES} [data-arm="1"]:visible').count() == 4
    assert len(column(page)) == len(COUNTS)


def test_figures_follow_light_and_dark(open_page):
    for scheme, ink in (("light", "rgb(29, 32, 37)"), ("dark", "rgb(227, 229, 232)")):
        page = open_page(color_scheme=scheme)
        colours = page.locator(f"{CURVES} text").first.evaluate(
            "text => [getComputedStyle(text).fill, getComputedStyle(document.body).color]"
        )
        assert colours == [ink, ink]
        background = page.locator(f"{CURVES} path").first.evaluate(
            "path => getComputedStyle(path).fill === getComputedStyle(document.body).backgroundColor"
        )
        assert background


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_at_any_width(open_page, scheme):
    page = open_page(color_scheme=scheme)
    for width in (1500, 1100, 390):
        page.set_viewport_size({"width": width, "height": 900})
        results = axe.Axe().run(page)
        assert results.violations_count == 0, results.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") == width
