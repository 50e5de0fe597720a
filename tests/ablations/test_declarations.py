"""Studies as JSON data: nothing is lost, and nothing is accepted that a study file could not declare."""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import fabricate
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from project_studies import STUDIES, make_setting

from ablations import Claim, Contrast, Exact, ModelConfig, Study, Switch, Timing, TrainConfig, Tuning
from ablations.framework.declarations import study_from_json, study_to_json
from ablations.framework.expand import expand_study
from ablations.framework.profiles import PROFILES
from bench.components.networks import Factor
from bench.extensions.component import BUILT_IN, Component
from bench.metrics.registry import METRICS, Metric
from bench.metrics.table import find_metric
from bench.spec.errors import InputError
from bench.spec.jobs import identity

WHOLE = Study(
    "Which share?",
    (
        Claim(
            "one", "One claim", (Contrast("test/accuracy", "a", 0.1, 1),), beyond={"b": Exact("macs/total", "c", 1, 2)}
        ),
    ),
    arms={"a": {"without": ("conv3",), "epochs": 2}, "b": {"extra": 1}},
    counts={"c": ModelConfig(without=("conv3", "conv4"))},
    tuning=Tuning("extra", (0, 1, 2), ("b",)),
    recipe=TrainConfig(batch=8),
    switches={"s": Switch({"extra": 1}, {"without": ("conv3", ("x", None))})},
    timings=lambda setting: [Timing("steps", (("a", ModelConfig()),), (8,), setting.profile.rounds)],
    name="whole",
    components=(
        Component(
            "metric", "margin", "0" * 16, "def f(): ...", metric=Metric("a {margin}", "%", 100.0, (-math.inf, 1.0))
        ),
        Component("network", "net", "f" * 16, "", 32, 0, {"depth": Factor(2), "skip": Factor(True, (False, True))}),
    ),
)
COMPONENT = {"kind": "metric", "name": "m", "digest": "0" * 16, "source": "", "metric": ["M", "", 1.0, None]}


@pytest.fixture(scope="module", autouse=True)
def no_metric_left():
    yield
    for name in [name for name in METRICS if name not in BUILT_IN]:
        del METRICS[name]
    find_metric.cache_clear()


def declared(study, setting):
    return study_from_json(study.name, json.loads(json.dumps(study_to_json(study, setting))))


@pytest.mark.parametrize("profile", ["smoke", "quick"])
@pytest.mark.parametrize("study", [*STUDIES, fabricate.activations(), fabricate.sizes()], ids=lambda study: study.name)
def test_a_declaration_gives_the_study_and_its_jobs(study, profile):
    setting = make_setting(study, PROFILES[profile])
    copy = declared(study, setting)
    assert repr(replace(copy, timings=study.timings)) == repr(study)  # tuples and ints stay what they are
    placed = expand_study(study, setting)
    assert expand_study(copy, setting) == placed
    assert [identity(place.job) for place in expand_study(copy, setting)] == [identity(place.job) for place in placed]


def test_every_field_is_kept_and_the_timings_of_the_setting_replace_their_function():
    setting = make_setting(WHOLE)
    copy = declared(WHOLE, setting)
    assert repr(replace(copy, timings=WHOLE.timings)) == repr(WHOLE)
    assert copy.timings(None) == tuple(WHOLE.timings(setting))
    assert find_metric("test/margin").label == "a {margin}"
    assert repr(declared(copy, setting)).partition(" timings=")[0] == repr(copy).partition(" timings=")[0]


def test_jobs_with_components_are_made_from_a_declaration_alone():
    components = (*WHOLE.components, Component("layout", "own", "a" * 16, "", 32))
    margin = Contrast("test/margin", "deep", "plain", 1)
    arms = {"plain": {}, "deep": {"network": "net", "depth": 3}, "own": {"layout": "own"}}
    study = Study("Why?", (Claim("one", "A claim", (margin,)),), arms=arms, components=components)
    setting = make_setting(study)
    trials = {place.arm: place.job for place in expand_study(declared(study, setting), setting)}
    factors = (("depth", 3), ("skip", True))
    assert trials["deep"].model == ModelConfig(network=f"net@{'f' * 16}", classes=10, factors=factors)
    assert trials["own"].model.layout == f"own@{'a' * 16}"
    assert {trial.metrics for trial in trials.values()} == {(f"margin@{'0' * 16}",)}


def test_rarer_mappings_and_sequences_are_kept_and_what_is_no_data_is_refused():
    rare = replace(WHOLE, base=MappingProxyType({"extra": 1}), tuning=Tuning("extra", range(3), ("b",)))
    copy = declared(rare, make_setting(WHOLE))
    assert (copy.base, copy.tuning) == ({"extra": 1}, WHOLE.tuning)
    for level in (object(), "\udcff"):
        study = replace(WHOLE, switches={"s": Switch({"dropout": level}, {})})
        with pytest.raises(InputError, match="study whole") as caught:
            study_to_json(study, make_setting(WHOLE))
        assert str(caught.value).isprintable()


SCALARS = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
LEVELS = st.recursive(SCALARS | st.text(max_size=5), lambda levels: st.lists(levels, max_size=3).map(tuple))
NUMBERS = st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(st.text(max_size=5), LEVELS),
    st.dictionaries(st.text(max_size=5), st.dictionaries(st.text(max_size=5), NUMBERS)),
)
def test_levels_and_numbers_are_kept_to_the_last_bit(levels, combinations):
    study = replace(WHOLE, base=levels, arms={"a": levels}, combinations=combinations)
    copy = declared(study, make_setting(WHOLE))
    assert repr(replace(copy, timings=study.timings)) == repr(study)


def nested(depth):
    return "level" if not depth else [nested(depth - 1)]


@pytest.mark.parametrize(
    "change, message",
    [
        ({"code": "import os"}, "code is 'import os'"),
        ({"question": 3}, "question is 3"),
        ({"question": "?" * 10_001}, "at most 10000"),
        ({"question": "\udcff"}, "surrogate"),
        ({"claims": None}, "claims is None"),
        ({"claims": [{"id": "x"}]}, "claims.0.sentence is missing"),
        ({"arms": {"a": 3}}, "arms.a is 3"),
        ({"arms": {"again": {}}}, "has the name of a control"),
        ({"arms": {"a": {"dropout": nested(400)}}}, "recursion"),
        ({"arms": {"a" * 201: {}}}, "at most 200"),
        ({"seeds": {"quick": 10**9}}, "seeds.quick is 1000000000"),
        ({"seeds": {"quick": "3"}}, "seeds.quick is '3'"),
        ({"counts": {"c": {"width": "wide"}}}, "counts.c.width is 'wide'"),
        ({"counts": {"c": {"colour": "red"}}}, "counts.c.colour is 'red'"),
        ({"recipe": {"epochs": 0}}, "epochs is 0"),
        ({"components": [COMPONENT | {"name": "../x"}]}, "'../x': its name or its digest"),
        ({"components": [COMPONENT | {"digest": "0" * 15}]}, "its name or its digest '000000000000000' is invalid"),
        ({"components": [COMPONENT | {"name": "accuracy"}]}, "metric 'accuracy' exists already"),
        ({"components": [COMPONENT | {"metric": ["x", "", 0.0, None]}]}, "factor is 0.0"),
        ({"components": [COMPONENT | {"metric": ["x", "", 1.0, [math.nan, 1.0]]}]}, "range is (nan, 1.0)"),
        ({"components": [COMPONENT | {"metric": ["\x1b", "", 1.0, None]}]}, "is no label or unit"),
        ({"components": [COMPONENT | {"factors": {"arm": {"default": 1, "levels": []}}}]}, "name of factor 'arm'"),
        ({"components": [COMPONENT | {"run": "x"}]}, "components.0.run is 'x'"),
        ({"timings": "time.sleep"}, "timings is 'time.sleep'"),
        ({"timings": [{"subject": "steps"}]}, "timings.0.arms is missing"),
    ],
    ids=lambda value: None if isinstance(value, str) else str(value)[:40].encode("ascii", "backslashreplace").decode(),
)
def test_a_declaration_that_no_study_file_could_make_is_refused_in_one_line(change, message):
    declaration: Mapping = study_to_json(WHOLE, make_setting(WHOLE)) | change
    with pytest.raises(InputError) as caught:
        study_from_json("whole", declaration)
    assert str(caught.value).startswith("the declaration of study whole is invalid: ")
    assert message in str(caught.value) and str(caught.value).isprintable()


def test_a_changed_margin_in_a_declaration_is_checked_like_one_in_a_file():
    declaration = study_to_json(WHOLE, make_setting(WHOLE))
    declaration["claims"][0]["stated"][0]["margin"] = -1
    with pytest.raises(InputError, match="a margin is -1"):
        study_from_json("whole", declaration)
