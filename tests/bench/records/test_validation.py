"""A record is valid only if every field that is read is present, of the right type, and finite."""

import json

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
