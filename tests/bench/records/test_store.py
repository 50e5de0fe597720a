import dataclasses
import errno
import json
import os
import time

import pytest
from filelock import FileLock

from bench.records import store
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Count, Probe, Timing, Trial, identity

TRIAL = Trial(
    ModelConfig(without=("conv3",)), TrainConfig(), DataConfig("0123456789abcdef", 10, train=45_000, name="CIFAR-10"), 3
)
JOBS = [
    TRIAL,
    Count(ModelConfig()),
    Timing("steps", (("relu", ModelConfig()), ("tanh", ModelConfig(activation="tanh"))), (128,), 10),
    Probe("dropout", (TRIAL,)),
]
WHOLE = store.new_record(TRIAL) | {"status": "finished"}


def files(out):
    return sorted(file.name for file in out.rglob("*") if file.is_file())


@pytest.mark.parametrize("job", JOBS, ids=lambda job: type(job).__name__)
def test_a_record_comes_back_as_it_was_written(tmp_path, job):
    record = {
        **store.new_record(job),
        "status": "finished",
        "reason": "café ½",
        "points": [{"metrics": {"a": 0.1 + 0.2}}],
    }
    target = store.write(tmp_path, record)
    assert target == tmp_path / "trials" / f"{identity(job)}.json"
    restored = store.read(tmp_path, job)
    assert restored == json.loads(json.dumps(record)) | {"checksum": store.checksum(record)}
    assert restored["points"] == record["points"]
    assert restored["reason"] == record["reason"]
    assert store.read(tmp_path, identity(job)) == restored


def test_a_new_record_tells_its_identity_kind_and_every_field():
    record = store.new_record(TRIAL)
    assert (record["schema"], record["identity"], record["kind"]) == (2, identity(TRIAL), "trial")
    assert record["job"] == dataclasses.asdict(TRIAL)
    assert record["job"]["data"]["name"] == "CIFAR-10"
    assert [store.new_record(job)["kind"] for job in JOBS] == ["trial", "count", "timing", "probe"]


def test_a_job_without_a_record_has_none(tmp_path):
    assert store.read(tmp_path, TRIAL) is None
    assert store.read_all(tmp_path) == []


def test_only_the_record_is_left_in_the_folder(tmp_path):
    for reason in ("first", "second"):
        store.write(tmp_path, {**WHOLE, "reason": reason})
    assert files(tmp_path) == [f"{identity(TRIAL)}.json"]
    assert store.read(tmp_path, TRIAL)["reason"] == "second"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_a_record_that_json_cannot_hold_does_not_replace_the_old_one(tmp_path, value):
    store.write(tmp_path, {**WHOLE, "reason": "whole"})
    with pytest.raises((ValueError, TypeError)):
        store.write(tmp_path, {**WHOLE, "reason": value})
    assert store.read(tmp_path, TRIAL)["reason"] == "whole"
    assert files(tmp_path) == [f"{identity(TRIAL)}.json"]


def test_an_interrupted_write_leaves_the_old_record_intact(tmp_path, monkeypatch):
    store.write(tmp_path, {**WHOLE, "reason": "whole"})

    def power_cut(*_):
        raise OSError(errno.EIO, "gone")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="gone"):
        patch.setattr(os, "replace", power_cut)
        store.write(tmp_path, {**WHOLE, "reason": "half"})
    assert store.read(tmp_path, TRIAL)["reason"] == "whole"
    assert [record["reason"] for record in store.read_all(tmp_path)] == ["whole"]


def test_all_records_are_read_and_nothing_else(tmp_path):
    for job in JOBS:
        store.write(tmp_path, store.new_record(job) | {"status": "finished"})
    store.part_file(tmp_path, TRIAL).write_text('{"step": 0}\n')
    store.weights_file(tmp_path, TRIAL).write_bytes(b"weights")
    assert [record["identity"] for record in store.read_all(tmp_path)] == sorted(identity(job) for job in JOBS)


def test_weights_and_points_of_a_running_job_lie_beside_its_record(tmp_path):
    assert store.weights_file(tmp_path, TRIAL) == tmp_path / "trials" / f"{identity(TRIAL)}.safetensors"
    assert store.part_file(tmp_path, TRIAL) == tmp_path / "trials" / f"{identity(TRIAL)}.part"


def test_unfinished_files_lie_beside_the_record(tmp_path):
    stem = tmp_path / "trials" / identity(TRIAL)
    left = [stem.with_suffix(end) for end in (".part", ".checkpoint", ".lock")]
    assert store.unfinished_files(tmp_path, TRIAL) == store.unfinished_files(tmp_path, identity(TRIAL)) == left
    assert [store.part_file(tmp_path, TRIAL), store.lock_file(tmp_path, TRIAL)] == left[::2]


@pytest.mark.parametrize("status", ["failed", "out of memory", "died", "hung", "timed out"])
def test_a_failure_is_shown_with_its_status_and_the_start_of_its_reason(status):
    before = time.time()
    failure = store.failure_fields(status, "no room " * 100, "line\n" * 1000)
    assert before <= failure["started"] == failure["ended"] <= time.time()
    assert (failure["status"], failure["reason"]) == (status, ("no room " * 100)[:300])
    assert (failure["log"], failure["environment"]) == ("line\n" * 1000, {})
    assert store.failure_fields(status, "")["log"] == ""
    assert store.is_failure(failure)


@pytest.mark.parametrize("status", ["finished", "diverged"])
def test_a_result_is_no_failure(status):
    assert not store.is_failure({"status": status})


def test_the_last_value_of_a_metric_is_the_final_one():
    points = [{"metrics": {"test/accuracy": 0.1, "sparsity/zeros/mean": 0.5}}, {"metrics": {"test/accuracy": 0.7}}]
    assert store.final_metrics({"points": points}) == {"test/accuracy": 0.7, "sparsity/zeros/mean": 0.5}


def test_a_folder_in_a_records_place_is_named_in_one_line(tmp_path):
    store.path(tmp_path, TRIAL).mkdir(parents=True)
    with pytest.raises(InputError, match=r"is no whole record .*Is a directory"):
        store.read(tmp_path, TRIAL)


@pytest.mark.parametrize("other", ["0" * 16, "../../secret", "", 7, None])
def test_a_record_under_another_name_is_refused(tmp_path, other):
    file = store.write(tmp_path, WHOLE)
    file.write_text(json.dumps({**WHOLE, "identity": other}))
    for read in (lambda: store.read_all(tmp_path), lambda: store.read(tmp_path, TRIAL)):
        with pytest.raises(InputError, match=rf"{file.name} is not the record of its own job$"):
            read()


# Tags


@pytest.fixture
def tagged(tmp_path):
    store.write(tmp_path, WHOLE)
    store.add_tags(tmp_path, TRIAL, "quick", [("dropout", "p = 0.5"), ("dropout", "baseline")])
    return store.read(tmp_path, TRIAL)


def test_tags_list_the_studies_that_use_a_job(tagged):
    assert tagged["tags"] == {"profiles": ["quick"], "studies": {"dropout": ["p = 0.5", "baseline"]}}
    assert tagged.items() > json.loads(json.dumps(WHOLE)).items()


def test_tags_of_another_study_and_profile_are_added(tagged, tmp_path):
    store.add_tags(tmp_path, TRIAL, "full", [("lrn", "none"), ("dropout", "all")])
    assert store.read(tmp_path, TRIAL)["tags"] == {
        "profiles": ["full", "quick"],
        "studies": {"dropout": ["p = 0.5", "baseline", "all"], "lrn": ["none"]},
    }


def test_an_existing_tag_leaves_the_file_unchanged(tagged, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "write", lambda *_: pytest.fail("was written again"))
    store.add_tags(tmp_path, TRIAL, "quick", [("dropout", "baseline")])
    store.add_tags(tmp_path, TRIAL, "quick", [])


def test_a_job_without_a_record_is_not_tagged(tmp_path):
    store.add_tags(tmp_path, TRIAL, "quick", [("dropout", "baseline")])
    assert files(tmp_path) == []


def test_tags_are_added_to_the_latest_record_without_leaving_a_lock(tagged, tmp_path, monkeypatch):
    read, newer = store.read, tagged | {"reason": "measured again"}

    def overtaken(out, job):
        """Read a record; the next read finds the one that another run has written meanwhile."""
        current_record = read(out, job)
        if current_record == tagged:
            store.write(out, newer)
        return current_record

    monkeypatch.setattr(store, "read", overtaken)
    store.add_tags(tmp_path, TRIAL, "full", [])
    tags = tagged["tags"] | {"profiles": ["full", "quick"]}
    assert read(tmp_path, TRIAL) == newer | {"tags": tags, "checksum": store.checksum(newer)}
    assert files(tmp_path) == [f"{identity(TRIAL)}.json"]


def test_a_running_job_is_tagged_at_the_next_contact(tagged, tmp_path):
    with FileLock(store.lock_file(tmp_path, TRIAL)):
        store.add_tags(tmp_path, TRIAL, "full", [])
        assert store.read(tmp_path, TRIAL) == tagged
        assert store.lock_file(tmp_path, TRIAL).exists()
    store.add_tags(tmp_path, TRIAL, "full", [])
    assert store.read(tmp_path, TRIAL)["tags"]["profiles"] == ["full", "quick"]


def test_tags_are_no_part_of_the_identity(tagged):
    assert tagged["identity"] == identity(TRIAL)


@pytest.mark.parametrize(
    "content", ['{"identity": "01', "[]", "null", '"x"', "3", "{}", "[" * 100_000, '{"status": ""}']
)
def test_a_file_that_is_no_record_is_named_in_one_line(tmp_path, content):
    store.folder(tmp_path).mkdir()
    (store.folder(tmp_path) / "0123456789abcdef.json").write_text(content)
    for read in (lambda: store.read_all(tmp_path), lambda: store.read(tmp_path, "0123456789abcdef")):
        with pytest.raises(
            InputError,
            match=r"^.*0123456789abcdef\.json is no whole record \(.+\)$",
        ):
            read()
