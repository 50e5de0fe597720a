"""Every number on the first page, in its sentences and its figure, against report.json."""

import dataclasses
import json
import math
import re

import fabricate
import pytest
from bs4 import BeautifulSoup

from ablations import Claim, Contrast, Exact, Requires
from bench.metrics.table import describe_metric
from reports.rendering import claims_plot
from reports.report import write_report

NUMBER = re.compile(r"[+\N{MINUS SIGN}]?\d[\d,]*(?:\.\d+)?")
ACCURACY, STEPS = "test/accuracy", "speed/steps_to_train_error_25"
CLAIMS = (
    *fabricate.activations().claims,
    Claim("alike", "They are alike", (Contrast(ACCURACY, "relu", "tanh", 2.0, "equal"),)),
    Claim("half", "Few units are active", (Contrast("sparsity/zeros/mean", "relu", 0.5, 5.0),)),
    Claim("faster", "ReLU takes fewer steps", (Contrast(STEPS, "tanh", "relu", 1.5, ratio=True),)),
    Claim("absent", "Nothing was measured", (Contrast("features/rank/fc7", "relu", "tanh", 1.0),)),
    Claim(
        "untestable",
        "It needs a network that fits better than any",
        (Contrast(ACCURACY, "relu", "sigmoid", 1.0),),
        requires=(Requires("train/accuracy", "relu", 99.95),),
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def first_page(tmp_path_factory):
    """The claims of report.json by id, the HTML, and the panel of the figure of all claims."""
    out, setting = tmp_path_factory.mktemp("first-page"), fabricate.setting()
    studies = [
        *(dataclasses.replace(fabricate.activations(), name=claim.id, claims=(claim,)) for claim in CLAIMS),
        fabricate.sizes(),
    ]
    fabricate.write(out, studies, setting)
    figures = []
    with pytest.MonkeyPatch.context() as patch:
        export = claims_plot.export_svg
        patch.setattr(claims_plot, "export_svg", lambda figure, name: figures.append(figure) or export(figure, name))
        write_report(out, studies, setting)
    claims = json.loads((out / "reports" / "report.json").read_text(encoding="utf-8"))["claims"]
    page = BeautifulSoup((out / "reports" / "report.html").read_text(encoding="utf-8"), "html.parser")
    (figure,) = figures
    return {claim["id"]: claim for claim in claims}, page, figure.axes[0]


IDS = [*(claim.id for claim in CLAIMS), "size"]


@pytest.mark.parametrize("name", IDS)
def test_numbers_in_a_sentence_are_those_of_report_json(first_page, name):
    claims, page, _ = first_page
    claim = claims[name]
    (answer,) = (row.dd for row in page.select(".answers > div") if row.dt.get_text(strip=True) in (name, f"{name}s"))
    part = claim["stated"][claim["deciding"]]["part"]
    names = [name, part["arm"], str(part.get("reference")), describe_metric(part["metric"]).label.partition(" (")[0]]
    assert read_numbers(answer.get_text(), names) == sentence_numbers(claim, part)


def sentence_numbers(claim, part):
    """Numbers that the sentence on a claim gives, in its order."""
    if claim["verdict"] == "not testable here":
        (requirement,) = claim["requirements"]
        return [requirement["value"], requirement["at_least"]]
    if claim["estimate"] is None:
        return []
    if "direction" not in part:
        return [claim["estimate"]]
    estimate = claim["estimate"] if part["ratio"] else abs(claim["estimate"])
    reference = [] if isinstance(part["reference"], str) else [100 * part["reference"]]
    counts = [claim["pairs"]] + [len(claim["stated"])] * (len(claim["stated"]) > 1)
    interval = [95, *claim["interval"]] if claim["interval"] else []
    return [estimate, *reference, *interval, *counts]


@pytest.mark.parametrize("name", IDS)
def test_numbers_beside_the_figure_are_those_of_report_json(first_page, name):
    claims, page, _ = first_page
    claim, texts = claims[name], [text.get_text() for text in page.select_one("figure svg").select("text")]
    (place,) = [place for place, text in enumerate(texts) if text.endswith(f" {claim['verdict']}: {name}")]
    if claim["verdict"] == "not testable here":
        (requirement,) = claim["requirements"]
        numbers = [requirement["value"], requirement["at_least"]]
    else:
        numbers = [claim["estimate"], *(claim["interval"] or []), claim["margin"]]
        numbers = [number for number in numbers if number is not None] if claim["estimate"] is not None else []
    assert read_numbers(texts[place + 1], []) == numbers


@pytest.mark.parametrize("name", IDS)
def test_points_and_intervals_of_the_figure_lie_at_the_numbers_of_report_json_over_the_margin(first_page, name):
    claims, _, panel = first_page
    claim, row = claims[name], list(claims).index(name)
    lines = [line for line in panel.lines if set(line.get_ydata()) == {row}]
    if claim["margin"] is None or claim["estimate"] is None or claim["verdict"] == "not testable here":
        assert lines == []
        return
    part = claim["stated"][claim["deciding"]]["part"]
    sign = -1 if part["direction"] == "lower" else 1

    def scale(value):
        return sign * (math.log(value) / math.log(claim["margin"]) if part["ratio"] else value / claim["margin"])

    *intervals, point = sorted(lines, key=lambda line: -len(line.get_xdata()))
    assert list(point.get_xdata()) == pytest.approx([scale(claim["estimate"])])
    bounds = [sorted(interval.get_xdata()) for interval in intervals]
    assert bounds == ([pytest.approx(sorted(map(scale, claim["interval"])))] if claim["interval"] else [])


def test_the_claims_are_of_every_kind(first_page):
    claims, _, _ = first_page
    assert {"supported", "refuted", "not run", "not testable here"} <= {claim["verdict"] for claim in claims.values()}
    assert isinstance(fabricate.sizes().claims[0].stated[0], Exact)


def read_numbers(text, names):
    """Read the numbers of a text without the names in it."""
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = text.replace(name, " ")
    return [ShownNumber(match[0]) for match in NUMBER.finditer(text)]


class ShownNumber:
    """A number as printed, which equals every number that is printed so."""

    def __init__(self, text):
        self.text = text
        self.value = float(text.replace(",", "").replace("\N{MINUS SIGN}", "-"))
        self.half_unit = 0.5 * 10.0 ** -len(text.partition(".")[2])

    def __eq__(self, number):
        return abs(self.value - number) <= self.half_unit * (1 + 1e-9)

    def __repr__(self):
        return self.text
