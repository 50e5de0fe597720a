"""What a report shows of components and networks that a study file declares."""

from __future__ import annotations

import io
import re

import fabricate
import pypdf
import pytest
from block_texts import shown_texts, without_spaces
from bs4 import BeautifulSoup

from ablations import Claim, Contrast, Study
from bench.components.networks import Factor
from bench.extensions.component import Component
from bench.records import store
from bench.records.store import final_metrics
from bench.tracking.mlflow_format import params, variant_name
from reports.arm_runs import build_arms
from reports.document import build_document
from reports.evidence import gather
from reports.rendering.blocks import Code, Figure, Heading, Note, Table
from reports.rendering.pdf import MAX_CODE_LINES
from reports.report import export_verdicts, write_report
from reports.text.methods import list_limits, list_methods

BLOCKS = 12  # with an activation each
SOURCE = "\n".join(f"</pre><script>line({number})</script>" for number in range(MAX_CODE_LINES + 1))
FACTORS = {"skip": Factor(True, (False, True)), "norm": Factor("batch", ("batch", "none")), "act": Factor("relu")}
NETWORK = Component("network", "my net", "0123456789abcdef", SOURCE, size=32, factors=FACTORS)
NOISE = Component("augmentation", "noise", "f" * 16, "\tdef noise(): ...")
METRIC = Component("metric", "certainty", "e" * 16, "def certainty(): ...")
QUALIFIED = re.compile("@[0-9a-f]{16}")


def residual() -> Study:
    """A study of a network whose second block has a further activation without skip connections."""
    arms = {"whole": {}, "no skip": {"skip": False}, "noise": {"augmentation": "noise"}}
    arms |= {"bare": {"skip": False, "norm": "none"}}
    contrast = Contrast("test/accuracy", "whole", "no skip", 1.0)
    return Study(
        "Does it help?",
        (Claim("helps", "Skip connections help", (contrast,)),),
        {"network": "my net"},
        arms,
        name="residual",
        components=(NETWORK, NOISE, METRIC),
    )


def layer_names(skip: bool) -> list[str]:
    names = [f"blocks.{number}.act" for number in range(BLOCKS)]
    return names if skip else [*names[:2], "blocks.1.second", *names[2:]]


def as_built(record: dict) -> dict:
    """What the record of a network of residual blocks holds in place of a fabricated AlexNet's."""
    factors = dict(record["job"]["model"]["factors"])
    norm = {"normalisation": "BatchNorm2d(8, eps=1e-05)"} if factors["norm"] == "batch" else {}
    parameters = 584 if factors["skip"] else 292
    layer = {"kind": "conv", "shape": [8, 8, 3, 3], "output": [8, 32, 32], "parameters": parameters, "macs": 10} | norm
    layers = [{"name": f"blocks.{number}.conv", **layer} for number in range(BLOCKS)]
    layers.append({"name": "scale", "kind": "other", "shape": [], "output": [10], "parameters": 1, "macs": 0})
    totals = {total: sum(row[total] for row in layers) for total in ("parameters", "macs")}
    metrics = {name: value for name, value in final_metrics(record).items() if not name.startswith("sparsity/")}
    metrics |= {f"sparsity/zeros/{name}": 0.5 for name in layer_names(factors["skip"])}
    points = [*record["points"][:-1], record["points"][-1] | {"metrics": metrics | {"test/certainty": 0.7}}]
    return {"network": {**totals, "layers": layers}, "points": points}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    out, study, setting = tmp_path_factory.mktemp("out"), residual(), fabricate.setting()
    fabricate.write(out, [study], setting)
    fabricate.amend(out, as_built)
    write_report(out, [study], setting)
    return out


@pytest.fixture(scope="module")
def evidence(out):
    return gather(out, [residual()], fabricate.setting())


@pytest.fixture(scope="module")
def blocks(evidence):
    return build_document(evidence)


@pytest.fixture(scope="module")
def soup(out):
    return BeautifulSoup((out / "reports" / "report.html").read_text(encoding="utf-8"), "html.parser")


def table(blocks, part: str) -> Table:
    return next(block for block in blocks if isinstance(block, Table) and part in block.caption)


def test_each_component_is_named_with_its_digest_its_trials_and_its_source(blocks, evidence):
    rows = [[cell.text for cell in row] for row in table(blocks, "components").rows]
    assert rows == [  # 4 arms and 2 controls, with 3 seeds each
        ["my net", "network", "0123456789abcdef", "18"],
        ["noise", "augmentation", "f" * 16, "3"],
        ["certainty", "metric", "e" * 16, "18"],
    ]
    exported = export_verdicts(evidence)["components"]
    assert [[row["name"], row["kind"], row["digest"], str(row["trials"])] for row in exported] == rows
    codes = [block for block in blocks if isinstance(block, Code)]
    assert [code.title for code in codes] == ["network my net", "augmentation noise", "metric certainty"]
    assert codes[1].text == "    def noise(): ..."


def test_source_is_text_in_the_page_and_its_beginning_in_the_pdf(out, soup):
    assert soup.find("pre").get_text() == SOURCE
    assert len(soup.find_all("script")) == 1
    pages = pypdf.PdfReader(io.BytesIO((out / "reports" / "report.pdf").read_bytes())).pages
    text = without_spaces("".join(page.extract_text() for page in pages))
    assert f"line({MAX_CODE_LINES - 1})" in text and f"line({MAX_CODE_LINES})" not in text
    assert f"{MAX_CODE_LINES}of{MAX_CODE_LINES + 1}lines" in text


def test_a_report_on_another_network_does_not_speak_of_alexnet(blocks, soup):
    assert blocks[0] == Heading("my net: claims and verdicts", 1)
    assert soup.title.text == blocks[0].text
    assert "alexnet" not in soup.get_text().lower()
    for texts in (list_limits, list_methods):
        assert "AlexNet" in str(texts(["AlexNet", "my net"])) and "AlexNet" not in str(texts(["my net"]))


def test_digests_are_not_part_of_shown_names(blocks, evidence, out):
    assert not [text for text in shown_texts(blocks) if QUALIFIED.search(text)]
    (study,) = build_arms(evidence, blocks).studies
    assert not [arm.remarks for arm in study.arms if QUALIFIED.search(str(arm.remarks))]
    assert {arm.levels["network"] for arm in study.arms} == {"my net@0123456789abcdef"}
    assert study.factors == ("skip", "augmentation", "norm")
    columns = evidence.trials[["network", "skip", "norm", "act"]].drop_duplicates()
    assert columns.to_numpy().tolist()[:2] == [
        ["my net@0123456789abcdef", True, "batch", "relu"],
        ["my net@0123456789abcdef", False, "batch", "relu"],
    ]


def test_mlflow_has_the_factors_of_a_declared_network_and_none_of_alexnet(out):
    record = next(r for r in store.read_all(out) if not dict(r["job"]["model"]["factors"])["skip"])
    levels = params(record)
    assert (levels["skip"], levels["act"]) == ("False", "relu") and "dropout" not in levels
    assert variant_name(record["job"]).startswith("network=my net@0123456789abcdef, skip=False, norm=")


def test_changes_are_those_of_factors_and_what_the_network_shows_follows(blocks):
    rows = {row[0].text: row[1].text.split("\n") for row in table(blocks, "networks as built").rows}
    assert rows["no skip"] == ["skip: True → False", "parameters: 7.01 k → 3.50 k (\N{MINUS SIGN}50.0 %)"]
    assert rows["noise"] == ["augmentation: none → noise"]
    assert rows["bare"][1:3] == ["norm: batch → none", "normalisation as built: BatchNorm2d → none (throughout)"]
    (note,) = (block for block in blocks if isinstance(block, Note) and block.title.startswith("Arms that differ"))
    assert note.text == "\N{LEFT SINGLE QUOTATION MARK}bare\N{RIGHT SINGLE QUOTATION MARK} against " + (
        "\N{LEFT SINGLE QUOTATION MARK}whole\N{RIGHT SINGLE QUOTATION MARK}: skip and norm."
    )


def test_layers_of_a_figure_follow_in_the_order_of_a_network(blocks):
    figure = next(block for block in blocks if isinstance(block, Figure) and "exact zeros" in block.caption)
    assert re.findall(r"blocks\.\d+\.\w+", figure.svg) == layer_names(skip=False)


def test_a_metric_of_the_file_has_a_column(blocks):
    assert any("certainty" in column.label for column in table(blocks, "all metrics").columns)
