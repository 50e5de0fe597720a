"""The findings that the project ships with: they come out of their own records, and are told as they came out."""

import json
import tarfile
from pathlib import Path

import pytest

from ablations import Contrast
from ablations.framework import discovery
from ablations.framework.request_store import load_request
from ablations.framework.seeds import seeds_per_arm
from bench.spec.jobs import Count, identity
from reports.evidence import gather
from reports.report import export_verdicts
from reports.statistics.verdicts import estimate
from reports.text.comparisons import describe_part
from reports.text.formatting import NOTHING, format_interval

ARCHITECTURE = discovery.find_studies(["architecture"])[0]  # whose counts need nothing but the revision
FINDINGS = Path(__file__).parent.parent / "docs" / "findings"


@pytest.fixture(scope="module")
def evidence(tmp_path_factory, kept):
    out = tmp_path_factory.mktemp("findings")
    with tarfile.open(FINDINGS / "records.tar.xz") as archive:
        archive.extractall(out, filter="data")
    if not any((out / "trials" / f"{identity(Count(count))}.json").exists() for count in ARCHITECTURE.counts.values()):
        pytest.skip("the findings are of an earlier revision: they are to be run again")
    request = load_request(out, list(dict.fromkeys(claim["study"] for claim in kept["claims"])))
    return gather(out, request.studies, request.setting)


@pytest.fixture(scope="module")
def kept():
    return json.loads((FINDINGS / "report.json").read_text(encoding="utf-8"))


def same(one, other, where=""):
    """Equal, numbers to nine digits: another scipy may round otherwise."""
    if isinstance(one, float) and isinstance(other, int | float):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-12), where
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            same(one[key], other[key], f"{where}/{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for place, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            same(mine, theirs, f"{where}/{place}")
    else:
        assert one == other, where


def test_every_number_comes_out_of_the_records_again(evidence, kept):
    same(json.loads(json.dumps(export_verdicts(evidence))), kept)


def test_all_claims_of_the_house_are_answered(kept):
    verdicts = {claim["id"]: claim["verdict"] for claim in kept["claims"]}
    claims = {claim.id for study in discovery.find_studies([]) for claim in study.claims}
    assert len(verdicts) == 20 and verdicts.keys() <= claims
    assert "not run" not in verdicts.values()
    assert list(verdicts.values()).count("underpowered") <= 4


def test_every_trained_arm_has_the_seeds_that_were_set_for_it(evidence):
    counts = evidence.trials[evidence.trials["status"] == "finished"].groupby(["study", "arm"])["pair"].nunique()
    wanted = {study.name: seeds_per_arm(study, evidence.setting) for study in evidence.studies if study.arms}
    assert {(study, count) for (study, _), count in counts.items()} == set(wanted.items())
    assert min(count for study, count in wanted.items() if study != "ingredients") >= 5


def test_the_table_in_words_says_what_the_records_say(evidence):
    told = [
        line for line in (FINDINGS / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    assert told == [
        f"| `{one.claim.id}` | {one.verdict} | {describe_part(one.main.part)} | {estimate(one.main)} | "
        f"{format_interval(one.main.interval) if isinstance(one.main.part, Contrast) else NOTHING} | {one.main.pairs} |"
        for one in evidence.judgements
        if one.claim.primary
    ]


def test_a_clone_is_not_burdened_with_more_than_ten_megabytes_of_them():
    assert sum(file.stat().st_size for file in FINDINGS.iterdir()) < 10e6
