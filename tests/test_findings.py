"""The published findings come out of their records again."""

import json
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from ablations.framework import request_store
from ablations.framework.discovery import find_studies, study_names
from reports.evidence import gather
from reports.report import export_verdicts
from reports.text.comparisons import format_bounds, format_estimate

FINDINGS = Path(__file__).parent.parent / "docs" / "findings"
MAX_BYTES = 8_000_000
CLAIM_ROW = re.compile(r"\| `([\w-]+)` \| (.+) \| (.+) \| (.+) \| (.+) \| (.+) \|")


@pytest.fixture(scope="module")
def published():
    return json.loads((FINDINGS / "report.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def evidence(out):
    request = request_store.load_request(out)
    return gather(out, request.studies, request.setting)


@pytest.fixture(scope="module")
def out(ablate, tmp_path_factory):
    folder = tmp_path_factory.mktemp("findings")
    imported = ablate("import", FINDINGS / "records.zip", "--out", folder)
    assert imported.returncode == 0, imported.stderr
    return folder


def test_the_command_judges_the_records_as_published(ablate, out):
    check = ablate("report", "--out", out, "--check", FINDINGS / "report.json")
    assert check.returncode == 0, check.stdout


def test_every_number_of_the_report_comes_out_of_the_records(evidence, published):
    assert_close(json.loads(json.dumps(export_verdicts(evidence))), published)
    page = BeautifulSoup((FINDINGS / "report.html").read_text(encoding="utf-8"), "html.parser").get_text()
    for judgement in evidence.claims:
        main = judgement.main
        assert judgement.claim.sentence in page
        assert main.estimate is None or format_estimate(main) in page
        assert main.interval is None or format_bounds(main.part, main.interval) in page


def test_the_page_shows_the_verdicts_and_numbers_of_the_report(evidence):
    judgements = {judgement.claim.id: judgement for judgement in evidence.claims}
    rows = CLAIM_ROW.findall((FINDINGS / "README.md").read_text(encoding="utf-8"))
    assert [name for name, *_ in rows] == list(judgements)
    for name, verdict, estimate, interval, *_ in rows:
        main = judgements[name].main
        assert verdict == judgements[name].verdict
        assert estimate == format_estimate(main)
        assert interval == format_bounds(main.part, main.interval)


def test_all_claims_of_all_studies_are_published_and_decided_where_the_device_allows(published):
    claims = {claim["id"]: claim["verdict"] for claim in published["claims"]}
    assert set(claims) == {claim.id for study in find_studies(study_names()) for claim in study.claims}
    assert [name for name, verdict in claims.items() if verdict == "not run"] == ["gpu"]
    underpowered = [claim for claim in published["claims"] if claim["verdict"] == "underpowered"]
    assert len([claim for claim in underpowered if claim["kind"] == "claim"]) <= 3


def test_the_folder_is_small():
    assert sum(file.stat().st_size for file in FINDINGS.iterdir()) <= MAX_BYTES


def assert_close(one, other):
    """Compare JSON values; numbers may differ in their last digits, as between two processors."""
    if isinstance(one, float) and isinstance(other, float):
        assert one == pytest.approx(other, rel=1e-6, abs=1e-9)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_close(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_close(left, right)
    else:
        assert one == other
