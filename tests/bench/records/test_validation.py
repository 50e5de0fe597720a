"""A record is valid only if every field that is read is present, of the right type, and finite."""

import json
import os
import re

import pytest

from bench.records import store, validation
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Count, Probe, Timing, Trial

TRIAL = Trial(ModelConfig(), TrainConfig(), DataConfig("0123456789abcdef", 10, train=90, name="images"), 3)
KNOWN = {"status": "finished", "reason": "", "started": 1e9, "ended": 1e9 + 5, "environment": {"torch": "2.9"}}
LAYER = {"name": "fc4", "kind": "fc", "parameters": 20, "macs": 20, "dropout": None, "gain": 1.0, "shape": [4, 5]}
NETWORK = {"parameters": 20, "macs": 20, "layers": [LAYER]}
DATA = {"name": "images", "digest": "0123456789abcdef", "train": 90, "validation": 10, "test": 20}
POINT = {"step": 0, "epoch": 0, "time": 1.0, "metrics": {"test/accuracy": 0.5}}
SAMPLE = {"arm": "relu", "pair": 0, "metric": "time/step_ms", "value": 3.5}
TAGS = {"profiles": ["quick"], "studies": {"relu": ["tanh"]}}
TRAINED = {"points": [POINT], "data": {**DATA, "shared_images": 0, "note": ""}, "network": NETWORK, "tags": TAGS}
SAMPLED = {"samples": [SAMPLE], "fit": True, "why_unfit": ""}
WHOLE = [
    (TRIAL, TRAINED),
    (TRIAL, {"status": "died", "reason": "its worker died"}),
    (Count(ModelConfig()), {"network": NETWORK}),
    (Timing("steps", (("relu", ModelConfig()),), (8,), 3), SAMPLED),
    (Probe("sub-networks", (TRIAL,)), {"samples": [SAMPLE]}),
]


def written(out, job, fields):
    return store.write(out, {**store.new_record(job), **KNOWN, **fields})


@pytest.mark.parametrize("job, fields", WHOLE, ids=lambda part: type(part).__name__)
def test_a_complete_record_is_valid(tmp_path, job, fields):
    file = written(tmp_path, job, fields)
    assert validation.load_current(file) == validation.load_valid(file) == json.loads(file.read_text())


HARMS = {
    "ended in words": {"ended": "now"},
    "ended in another age": {"ended": 1e11},
    "a reason that is none": {"reason": None},
    "lists in the environment": {"environment": {"torch": [2, 9]}},
    "tags that are none": {"tags": 3},
    "arms that are none": {"tags": {"profiles": [], "studies": {"relu": "tanh"}}},
    "half a character in the environment": {"environment": {"device_name": "\udcff"}},
    "half a character in an arm": {"tags": {"profiles": [], "studies": {"relu": ["\udcff"]}}},
    "half a character in the data's name": {"data": {**TRAINED["data"], "name": "\udcff"}},
    "half a character in a metric": {"points": [{**POINT, "metrics": {"test/\udcff": 0.5}}]},
    "no points": {"points": []},
    "a step in words": {"points": [{**POINT, "step": "first"}]},
    "a metric that is true": {"points": [{**POINT, "metrics": {"test/accuracy": True}}]},
    "a metric beyond all numbers": {"points": [{**POINT, "metrics": {"test/accuracy": 1e300}}]},
    "a metric of no kind": {"points": [{**POINT, "metrics": {"accuracy": 0.5}}]},
    "no images": {"data": {**TRAINED["data"], "train": 0}},
    "a note that is none": {"data": {**TRAINED["data"], "note": None}},
    "an empty network": {"network": {**NETWORK, "parameters": 0}},
    "a layer without a name": {"network": {**NETWORK, "layers": [{**LAYER, "name": 3}]}},
    "no status": {"status": "fine"},
    "another schema": {"schema": 3},
    "a part that is no word": {"network": {**NETWORK, "layers": [{**LAYER, "shape": [[1]]}]}},
    "a negative step": {"points": [{**POINT, "step": -1}]},
    "an epoch beyond the recipe's": {"points": [{**POINT, "epoch": TRIAL.recipe.epochs + 1}]},
    "epochs that fall": {"points": [{**POINT, "epoch": 2}, {**POINT, "epoch": 1}]},
    "a negative number of images": {"data": {**TRAINED["data"], "test": -1}},
    "a number of parameters beyond all": {"network": {**NETWORK, "macs": 10**30}},
    "parameters that are not the sum of the layers'": {"network": {**NETWORK, "parameters": 21}},
    "an end before the start": {"ended": KNOWN["started"] - 1},
    "a name of a megabyte": {"data": {**TRAINED["data"], "name": "x" * 10**6}},
    "thousands of points": {"points": [POINT] * 2000},
    "thousands of metrics": {"points": [{**POINT, "metrics": {f"x/{n}": 0.5 for n in range(3000)}}]},
    "thousands of metrics over all points": {
        "points": [{**POINT, "metrics": {f"x/{n}/{m}": 0.5 for m in range(100)}} for n in range(100)]
    },
    "thousands of layers": {"network": {**NETWORK, "layers": [{**LAYER, "parameters": 0, "macs": 0}] * 2000 + [LAYER]}},
    "thousands of arms": {"tags": {"profiles": [], "studies": {"relu": ["tanh"] * 2000}}},
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_a_record_with_an_invalid_value_is_refused_by_every_command(tmp_path, harm):
    file = written(tmp_path, TRIAL, {**TRAINED, **harm})
    for load in (validation.load_current, validation.load_valid):
        with pytest.raises(InputError, match=file.name):
            load(file)


PARTS = [(0, "points"), (0, "data"), (2, "network"), (3, "samples"), (3, "fit"), (4, "samples")]


@pytest.mark.parametrize("number, field", PARTS)
def test_a_result_without_a_part_is_refused(tmp_path, number, field):
    job, fields = WHOLE[number]
    file = written(tmp_path, job, {name: value for name, value in fields.items() if name != field})
    with pytest.raises(InputError, match=f"{field} is missing"):
        validation.load_current(file)


def test_points_of_a_failure_are_validated_too(tmp_path):
    file = written(tmp_path, TRIAL, {"status": "died", "points": [{"step": 0}]})
    with pytest.raises(InputError, match="no record"):
        validation.load_current(file)


def test_a_record_of_another_revision_is_valid_but_not_current(tmp_path):
    file = written(tmp_path, TRIAL, {**TRAINED, "identity": "0" * 16})
    assert validation.load_valid(file)["identity"] == "0" * 16
    with pytest.raises(InputError, match="not the record of its own job"):
        validation.load_current(file)


# Ranges

IMPOSSIBLE = [
    *(("test/accuracy", value) for value in (250.0, 1.01, -0.01, -5, 1e99)),
    *(("gap/accuracy", value) for value in (1.01, -1.01)),
    *((name, -0.01) for name in ("test/loss", "gradient/norm_ratio/conv1", "features/rank/fc6")),
    *(
        (f"sparsity/{name}/conv1", value)
        for name in ("hoyer", "treves_rolls", "zeros", "dead")
        for value in (-0.1, 1.1)
    ),
    *((name, 0.0) for name in ("speed/step_ms_p50", "speed/images_per_second", "memory/peak_mb")),
    ("speed/steps_to_train_error_25", -1),
    ("activity/above/0.1", 2),
    ("networks/accuracy", 2),
]


@pytest.mark.parametrize("metric, value", IMPOSSIBLE)
def test_a_value_outside_the_range_of_its_metric_is_refused_with_the_range(tmp_path, metric, value):
    trial = written(tmp_path, TRIAL, {**TRAINED, "points": [POINT, {**POINT, "metrics": {metric: value}}]})
    probe = written(tmp_path, WHOLE[4][0], {"samples": [SAMPLE, {**SAMPLE, "metric": metric, "value": value}]})
    for file in (trial, probe):
        with pytest.raises(InputError, match=re.escape(f"{file.name} is no record ({metric} is {value:g}: expected ")):
            validation.load_valid(file)


POSSIBLE = [
    *(("test/accuracy", value) for value in (0.0, -0.0, 1.0, 1 + 2**-52, 1)),
    *(("sparsity/hoyer/conv1", value) for value in (-1e-6, 1 + 1e-6)),
    *(("masks/loss", value) for value in (-1e-5, -0.0, 1e30)),
    ("networks/accuracy", -0.3),  # of the arm that is a difference of two gains
    ("time/kernel_ms/16", 1e-5),
    ("gradient/first_to_last/end", 0.0),
    ("competition/contrast", -3.0),
    ("mine/number", -250.0),
]


@pytest.mark.parametrize("metric, value", POSSIBLE)
def test_rounding_and_metrics_without_a_range_are_accepted(tmp_path, metric, value):
    file = written(tmp_path, WHOLE[4][0], {"samples": [{**SAMPLE, "metric": metric, "value": value}]})
    assert validation.load_valid(file)["samples"][0]["value"] == value


# Checksum


@pytest.mark.parametrize("job, fields", WHOLE, ids=lambda part: type(part).__name__)
def test_a_changed_record_is_refused_and_changed_tags_are_not(tmp_path, job, fields):
    file = written(tmp_path, job, fields)
    record = json.loads(file.read_text())
    file.write_text(json.dumps(record | {"tags": {"profiles": ["full"], "studies": {}}}, indent=2))
    store.add_tags(tmp_path, job, "smoke", [("relu", "relu")])
    assert validation.load_valid(file)["tags"]["profiles"] == ["full", "smoke"]
    changes = [{"reason": "none"}, {"started": 1e9 - 1}, {"raw": {"step_ms": [1.0]}}, {"checksum": "0" * 64}]
    for change in changes:
        file.write_text(json.dumps(record | change))
        store.add_tags(tmp_path, job, "quick", [("lrn", "none")])  # which rewrites the file
        with pytest.raises(InputError, match=f"{file.name} was changed after it was measured"):
            validation.load_valid(file)
    file.write_text(json.dumps({name: part for name, part in record.items() if name != "checksum"}))
    with pytest.raises(InputError, match=f"{file.name} was changed after it was measured"):
        validation.load_valid(file)


def test_records_from_before_there_were_checksums_stay_valid(tmp_path):
    file = written(tmp_path, TRIAL, TRAINED)
    record = json.loads(file.read_text()) | {"schema": 1}
    file.write_text(json.dumps({name: part for name, part in record.items() if name != "checksum"}))
    assert validation.load_current(file)["schema"] == 1


def test_a_pipe_or_a_device_among_the_records_is_not_read(tmp_path):
    pipe, device = (store.path(tmp_path, name) for name in ("0" * 16, "1" * 16))
    store.folder(tmp_path).mkdir()
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    for file in (pipe, device):
        with pytest.raises(InputError, match=f"{file.name} is no regular file"):
            validation.load_valid(file)
