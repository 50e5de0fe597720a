"""The findings in docs/findings: their report follows from their records, and their table from their report."""

import json
import tarfile
from pathlib import Path

import pytest

from ablations import Contrast
from ablations.framework import discovery
from ablations.framework.request_store import load_request
from ablations.framework.seeds import seeds_per_arm
from reports.evidence import gather
from reports.report import export_verdicts
from reports.text.comparisons import describe_part, format_estimate
from reports.text.formatting import NOTHING, format_interval

FINDINGS = Path(__file__).parent.parent / "docs" / "findings"


@pytest.fixture(scope="module")
def evidence(tmp_path_factory, stored_report):
    out = tmp_path_factory.mktemp("findings")
    with tarfile.open(FINDINGS / "records.tar.xz") as archive:
        archive.extractall(out, filter="data")
    request = load_request(out, list(dict.fromkeys(claim["study"] for claim in stored_report["claims"])))
    return gather(out, request.studies, request.setting)


@pytest.fixture(scope="module")
def stored_report():
    return json.loads((FINDINGS / "report.json").read_text(encoding="utf-8"))


def assert_equal(actual, expected, where=""):
    """Assert equality, of numbers to nine digits, because versions of scipy round differently."""
    if isinstance(actual, float) and isinstance(expected, int | float):
        assert actual == pytest.approx(expected, rel=1e-9, abs=1e-12), where
    elif isinstance(actual, dict):
        assert actual.keys() == expected.keys(), where
        for key in actual:
            assert_equal(actual[key], expected[key], f"{where}/{key}")
    elif isinstance(actual, list):
        assert len(actual) == len(expected), where
        for index, pair in enumerate(zip(actual, expected, strict=True)):
            assert_equal(*pair, f"{where}/{index}")
    else:
        assert actual == expected, where


def test_every_number_follows_from_the_records(evidence, stored_report):
    assert_equal(json.loads(json.dumps(export_verdicts(evidence))), stored_report)


def test_all_claims_of_the_project_are_answered(stored_report):
    verdicts = {claim["id"]: claim["verdict"] for claim in stored_report["claims"]}
    claims = {claim.id for study in discovery.find_studies([]) for claim in study.claims}
    assert len(verdicts) == 20 and verdicts.keys() <= claims
    assert "not run" not in verdicts.values()
    assert list(verdicts.values()).count("underpowered") <= 4


def test_every_trained_arm_has_its_number_of_seeds(evidence):
    counts = evidence.trials[evidence.trials["status"] == "finished"].groupby(["study", "arm"])["pair"].nunique()
    expected = {study.name: seeds_per_arm(study, evidence.setting) for study in evidence.studies if study.arms}
    assert {(study, count) for (study, _), count in counts.items()} == set(expected.items())
    assert min(count for study, count in expected.items() if study != "ingredients") >= 5


def test_the_table_of_the_findings_follows_from_the_records(evidence):
    lines = (FINDINGS / "README.md").read_text(encoding="utf-8").splitlines()
    primary = [(judgement, judgement.main) for judgement in evidence.judgements if judgement.claim.primary]
    assert [line for line in lines if line.startswith("| `")] == [
        f"| `{judgement.claim.id}` | {judgement.verdict} | {describe_part(outcome.part)} | {format_estimate(outcome)} "
        f"| {format_interval(outcome.interval) if isinstance(outcome.part, Contrast) else NOTHING} | {outcome.pairs} |"
        for judgement, outcome in primary
    ]


def test_the_findings_are_smaller_than_ten_megabytes():
    assert sum(file.stat().st_size for file in FINDINGS.iterdir()) < 10e6
