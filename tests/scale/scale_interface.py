"""MLflow's web interface in a real browser: `ablate ui` opens on the charts of all arms, a link on those of a study."""

import contextlib
import re
import shutil
import subprocess

import pytest
from servers import free_port, wait_for_server

from bench.tracking.address import load_views

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
OPTIONS += "--disable-component-update --disable-sync"
RUN = "run --profile smoke --data digits --device cpu --seeds 2 relu dropout --out".split()
SLOW_MS = 60_000


@contextlib.contextmanager
def open_browser():
    """Provide a function that opens an address in a new window; every request must go to this machine."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed (Debian: apt install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    requests = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=OPTIONS.split())

        def open_page(address):
            page = browser.new_context(viewport={"width": 1500, "height": 1100}).new_page()
            page.set_default_timeout(SLOW_MS)
            page.on("request", lambda request: requests.append(request.url))
            page.goto(address)
            return page

        yield open_page
        browser.close()
    elsewhere = [url for url in requests if not re.match(r"http://127\.0\.0\.1:|data:|blob:", url)]
    assert requests and not elsewhere


def arms_shown(page):
    """Wait for the list of runs, and return their names."""
    page.get_by_text("matching runs").wait_for()
    return page.locator('[role="row"] a').all_inner_texts()


def chart_sections(page):
    """Wait for the charts, and return the titles of their sections with the numbers of charts."""
    headers = page.locator('[role="button"][aria-expanded]', has_text=re.compile(r"\(\d+\)"))
    headers.get_by_text("Factors and results").wait_for()
    return [" ".join(text.split()).removesuffix(" Add chart") for text in headers.all_inner_texts()]


@pytest.fixture(scope="module")
def out(ablate, tmp_path_factory):
    out = tmp_path_factory.mktemp("interface")
    process = ablate(*RUN, out)
    assert process.returncode == 0, process.stderr
    return out


@pytest.fixture(scope="module")
def served(out, command, environment):
    """The page that `ablate ui` prints, while it serves."""
    port = free_port()
    with subprocess.Popen(
        [*command, "ui", "--out", out, "--port", str(port)], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        page = process.stdout.readline().split()[0]
        wait_for_server(port)
        yield page
        process.terminate()


@pytest.fixture(scope="module")
def open_page(served):
    with open_browser() as open_page:
        yield open_page


def test_the_printed_page_shows_the_charts_of_all_arms_of_stated_comparisons(served, open_page):
    page = open_page(served)
    assert chart_sections(page)[:2] == ["Arms of stated comparisons (2)", "Factors and results (1)"]
    names = arms_shown(page)
    assert {"relu (relu)", "tanh (relu)", "p = 0 (dropout)", "p = 0.5 (dropout)"} <= set(names)
    assert not any("twice" in name for name in names)
    assert page.get_by_text("telemetry").count() == 0 and page.get_by_text("Welcome to MLflow").count() == 0


def test_the_interface_is_told_to_send_no_telemetry(served, open_page):
    page = open_page(served)
    answer = page.request.get(served.partition("#")[0] + "ajax-api/3.0/mlflow/ui-telemetry")
    assert answer.json()["disable_ui_telemetry"] is True


def test_the_link_of_a_study_shows_its_arms_with_bars_curves_and_parallel_coordinates(out, served, open_page):
    link = load_views(out)["dropout"]
    page = open_page(served.partition("#")[0] + "#" + link.partition("#")[2])
    assert chart_sections(page)[:3] == ["Results (3)", "Learning curves (2)", "Factors and results (1)"]
    names = arms_shown(page)
    assert len(names) == len(set(names)) and {name.rpartition(" (")[2] for name in names} == {"dropout)"}


def test_two_arms_are_compared_along_the_factor_in_which_they_differ(served, open_page):
    page = open_page(served)
    chart_sections(page)
    for name in ("p = 0 (dropout)", "p = 0.5 (dropout)"):
        page.locator(f'[role="row"]:has-text("{name}") input[type="checkbox"]').first.check()
    page.get_by_role("button", name="Compare").click()
    page.get_by_text("Comparing 2 Runs").wait_for()
    page.get_by_text("Clear All").wait_for()
    chosen = page.locator("body").inner_text().partition("Parameters:")[2].partition("Clear All")[0].split()
    assert {"dropout", "test/accuracy"} <= set(chosen)
