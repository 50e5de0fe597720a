import dataclasses
import itertools
import json
import sys
from functools import cache

import pytest
import torch

from ablations import AGAIN, Claim, Contrast, Exact, Setting, Study
from ablations.framework import discovery
from ablations.framework.expand import expand_study, resolve_levels
from ablations.framework.profiles import PROFILES
from ablations.framework.seeds import seeds_per_arm
from ablations.framework.setting import AGAIN_SEED_OFFSET
from ablations.framework.study import SHUFFLED, all_arms, all_claims
from bench.data.images import Images
from bench.metrics.table import find_metric
from bench.models import complexity
from bench.models.alexnet import build
from bench.probes.answering import QUESTIONS
from bench.runner.pending import find_missing_jobs
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Count, Probe, Timing, Trial, identity
from reports.tables.observations import STEPS, tabulate_combinations, tabulate_observations, tabulate_results

DATA = DataConfig("0123456789abcdef", classes=10, train=45_000, name="CIFAR-10")
DIGITS = DataConfig("fedcba9876543210", classes=10, train=1_302, name="digits")
STUDIES = discovery.find_studies([])
TRIAL_METRICS = {
    "test/accuracy",
    "test/loss",
    "train/accuracy",
    "train/loss",
    "validation/accuracy",
    "validation/loss",
    "gap/accuracy",
    "sparsity/zeros/mean",
    "sparsity/hoyer/mean",
    "sparsity/treves_rolls/mean",
    "sparsity/dead/mean",
    "gradient/first_to_last/start",
    "gradient/first_to_last/epoch_1",
    STEPS,
}

each_study = pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
each_with_arms = pytest.mark.parametrize("study", [s for s in STUDIES if s.arms], ids=lambda study: study.name)
each_profile = pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)


def setting(study, profile=PROFILES["quick"], data=DATA):
    """With a level of its own for each arm that is tuned, as if it had been chosen."""
    takes = study.tuning.takes if study.tuning else {}
    sources = list(dict.fromkeys(takes.values()))
    house = {**vars(ModelConfig()), **vars(TrainConfig())}[study.tuning.factor] if study.tuning else 0
    chosen = {arm: house * (1 + sources.index(source) / 100) for arm, source in takes.items()}
    return Setting(profile, data, "cuda" if study.name == "gpu" else "cpu", tuned_levels={study.name: chosen})


def placed(name, profile="quick", data=DATA):
    study = discovery.find_studies([name])[0]
    return expand_study(study, setting(study, PROFILES[profile], data))


def trials(name, arm, profile="quick", data=DATA):
    return [p.job for p in placed(name, profile, data) if isinstance(p.job, Trial) and p.arm == arm]


@each_profile
@each_study
@pytest.mark.parametrize("data", [DATA, DIGITS], ids=["photographs", "digits"])
def test_every_study_builds_its_jobs_at_every_profile(study, profile, data):
    found = expand_study(study, setting(study, profile, data))
    assert found
    assert len({identity(place.job) for place in found}) == len({place.job for place in found})
    asked = set(range(seeds_per_arm(study, setting(study, profile))))
    assert {place.seed for place in found if isinstance(place.job, Trial)} in (asked, set())


@each_profile
@each_study
def test_every_network_of_a_study_can_be_built(study, profile):
    models = set()
    for place in expand_study(study, setting(study, profile)):
        if isinstance(place.job, Trial | Count):
            models.add(place.job.model)
        elif isinstance(place.job, Timing):
            models.update(model for _, model in place.job.arms)
    assert all(complexity.count_network(model)["parameters"] > 0 for model in models)


def imagined(place):
    """A record such as the job would have, of no value but with every name."""
    job = place.job
    record = {"identity": identity(job), "status": "finished", "job": dataclasses.asdict(job)}
    if isinstance(job, Trial):
        record["points"] = [{"step": 0, "epoch": 0, "metrics": dict.fromkeys(TRIAL_METRICS, 1.0)}]
    elif isinstance(job, Count):
        record["network"] = complexity.count_network(job.model)
    elif isinstance(job, Timing):
        metrics = {
            "activations": [f"time/kernel_ms/{size}" for size in job.sizes],
            "steps": ["time/step_ms"],
            "layers": [f"time/forward_ms/batch {size}" for size in job.sizes],
        }[job.subject]
        record["samples"] = [
            {"arm": arm, "pair": pair, "metric": metric, "value": 1.0}
            for metric in metrics
            for arm, _ in job.arms
            for pair in range(job.rounds)
        ]
    else:
        record["samples"] = [{**sample, "pair": pair} for sample in answered(job.question) for pair in range(2)]
    return record


@cache
def answered(question):
    """What the question really answers, of small networks that know nothing."""
    asked, model = QUESTIONS[question], ModelConfig(width=1 / 16, normalisation="lrn")
    canvas = torch.randint(0, 256, (12, 32, 32, 3), dtype=torch.uint8)
    networks = [build(model, seed) for seed in range(asked.networks)]
    with torch.no_grad():
        answers = asked.answer(networks, Images(canvas, torch.arange(12) % 10))
    return [{"arm": arm, "metric": m, "value": v} for arm, metrics in answers.items() for m, v in metrics.items()]


@each_study
def test_every_claim_is_about_arms_and_metrics_that_are_measured(study):
    found = expand_study(study, setting(study))
    records = {identity(place.job): imagined(place) for place in found}
    table = tabulate_observations(found, records)
    sums = tabulate_combinations(study, tabulate_results(found, records))
    measured = {(row.arm, row.metric) for part in (table, sums) for row in part.itertuples()}
    for claim in all_claims(study, DATA):
        for part in claim.parts:
            assert (part.arm, part.metric) in measured, claim.id
            if isinstance(part.reference, str) and part.reference:
                assert (part.reference, part.metric) in measured, claim.id


def test_the_imagined_trial_has_no_metric_that_a_real_one_lacks(smoke):
    record = json.loads(next((smoke.out / "trials").glob("*.json")).read_text())
    assert TRIAL_METRICS - {STEPS} <= {name for point in record["points"] for name in point["metrics"]}


@each_study
def test_a_claim_is_a_sentence_with_parts_and_a_margin(study):
    for claim in all_claims(study, DATA):
        assert claim.parts and claim.sentence and not claim.sentence.endswith(".")
        for part in claim.parts:
            if isinstance(part, Contrast):
                assert part.direction in ("higher", "lower", "equal")
                assert part.margin > (1 if part.ratio else 0)
                assert part.arm != part.reference
            else:
                assert isinstance(part, Exact) and part.low <= part.high


@each_study
def test_a_claim_with_several_regimes_says_what_they_are_of(study):
    for claim in study.claims:
        assert bool(claim.regimes) == (len({part.regime for part in claim.parts}) > 1), claim.id


@each_study
def test_what_was_published_stands_beside_a_part_that_there_is(study):
    for claim in study.claims:
        for figure in claim.published:
            assert 0 <= figure.part < len(claim.parts), claim.id
            assert figure.value and figure.source


@each_study
def test_what_others_printed_is_of_arms_that_there_are(study):
    for arm, accuracy in study.printed.accuracies.items() if study.printed else ():
        assert arm in study.arms and 0 < accuracy < 1


def test_no_two_claims_share_an_id():
    ids = [claim.id for study in STUDIES for claim in all_claims(study, DATA)]
    assert len(ids) == len(set(ids))


@each_with_arms
def test_every_study_with_arms_carries_both_controls(study):
    arms = all_arms(study)
    assert AGAIN in arms and SHUFFLED in arms
    controls = [claim for claim in all_claims(study, DATA) if not claim.primary]
    assert [claim.id for claim in controls] == [f"{study.name}:a-a", f"{study.name}:shuffled"]
    assert {p.arm for p in placed(study.name)} >= {AGAIN, SHUFFLED}
    assert all(trial.recipe.labels == "shuffled" for trial in trials(study.name, SHUFFLED))


@each_profile
@each_with_arms
def test_the_baseline_again_differs_in_its_seeds_alone_and_shares_them_with_no_arm(study, profile):
    again, baseline = (trials(study.name, arm, profile.name) for arm in (AGAIN, study.baseline))
    assert [dataclasses.replace(t, seed=t.seed - AGAIN_SEED_OFFSET) for t in again] == baseline
    others = {p.job.seed for p in placed(study.name, profile.name) if p.seed is not None and p.arm != AGAIN}
    assert others.isdisjoint(trial.seed for trial in again)


@each_with_arms
def test_the_seeds_come_one_after_the_other_so_that_a_run_cut_short_has_whole_pairs(study):
    seeds = [p.seed for p in placed(study.name) if isinstance(p.job, Trial)]
    assert seeds == sorted(seeds)


@each_with_arms
def test_no_two_arms_of_a_study_are_the_same_trial(study):
    first = [p.job for p in placed(study.name) if p.seed == 0]
    assert len(first) == len(set(first))


@pytest.mark.parametrize(
    "some, other",
    [
        (("dropout", "p = 0, no augmentation"), ("relu", "relu")),
        (("dropout", "p = 0.5"), ("augmentation", "both")),
        (("dropout", "p = 0.5"), ("lrn", "none")),
        (("dropout", "p = 0.5, no augmentation"), ("augmentation", "none")),
        (("dropout", AGAIN), ("augmentation", AGAIN)),
        (("dropout", SHUFFLED), ("lrn", SHUFFLED)),
    ],
    ids=lambda place: "/".join(place),
)
@each_profile
def test_arms_of_two_studies_share_their_trials_where_their_levels_coincide(some, other, profile):
    """As many as both have: a study may have more seeds than another."""
    pairs = list(zip(trials(*some, profile.name), trials(*other, profile.name), strict=False))
    assert pairs and all(one == another for one, another in pairs)


def test_a_shared_trial_runs_once(tmp_path):
    asked = [p.job for study in STUDIES for p in expand_study(study, setting(study))]
    todo = find_missing_jobs(asked, tmp_path)
    assert len(todo) == len(set(todo)) < len(asked)


def test_a_probe_asks_the_trials_of_its_arm():
    (probe,) = (p.job for p in placed("lrn_competition") if isinstance(p.job, Probe))
    assert list(probe.trials) == trials("lrn_competition", "LRN, alpha rescaled")


def test_a_probe_takes_the_trials_of_its_arms_together():
    _, probe = (p.job for p in placed("sub_networks") if isinstance(p.job, Probe))
    assert list(probe.trials) == trials("sub_networks", "p = 0.5") + trials("sub_networks", AGAIN)


def made(base=None, **arm):
    study = Study(question="?", claims=(), base=base or {}, arms={"base": {}, "arm": arm}, name="mine")
    return resolve_levels(study, "arm", Setting(PROFILES["quick"], DATA), {})[:2]


def test_share_and_epochs_multiply_the_profiles():
    (_, whole), (_, half) = made(), made(share=0.5, epochs=0.5)
    assert half.share == whole.share / 2
    assert half.epochs == round(whole.epochs / 2)
    assert made(epochs=1e-6)[1].epochs == 1


def test_the_profile_sets_what_the_study_leaves_open():
    model, recipe = made()
    profile = PROFILES["quick"]
    assert (model.width, model.classes) == (profile.width("document"), 10)
    assert recipe.epochs == profile.epochs("document", DATA)
    assert recipe.share * DATA.train == pytest.approx(profile.images)


def test_an_arms_levels_go_before_the_studys_base():
    assert made({"dropout": 0.1}, dropout=0.2)[0].dropout == 0.2
    assert made({"dropout": 0.1})[0].dropout == 0.1


def test_a_factor_that_does_not_exist_is_named_with_those_that_do():
    with pytest.raises(InputError, match=r"study mine, arm 'arm': no factor.*'drop-out'.*dropout.*augmentation"):
        made(**{"drop-out": 0.1})


def test_a_layout_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(InputError, match="study mine, arm 'arm': layout is 'vgg'; it can be document, torchvision"):
        made(layout="vgg")


def test_a_small_data_set_is_taken_whole():
    for profile in PROFILES.values():
        assert 0 < profile.share(DATA) <= 1
    assert PROFILES["quick"].share(DIGITS) == 1


def test_profiles_spend_more_and_more():
    spent = [
        (profile.width("document"), profile.share(DATA) * profile.epochs("document", DATA) * profile.seeds)
        for profile in PROFILES.values()
        if not profile.photographs
    ]
    assert all(a <= b for a, b in itertools.pairwise(spent))


def test_studies_are_found_by_name_once_each_and_all_where_none_is_named():
    assert [study.name for study in discovery.find_studies(["relu", "lrn", "relu"])] == ["relu", "lrn"]
    assert [study.name for study in STUDIES] == discovery.study_names()
    assert {"architecture", "augmentation", "dropout", "kernels", "lrn", "relu"} <= set(discovery.study_names())


@pytest.mark.parametrize("name", ["nope", "study", "profiles", "catalogue", "", "../relu"])
def test_a_name_that_is_no_study_is_answered_with_those_that_are(name):
    with pytest.raises(InputError, match=r"study .* not found: expected .*relu"):
        discovery.find_studies([name])


@pytest.mark.parametrize(
    "text, said",
    [
        (None, "study file .*mine.py not found"),
        ("", r"holds no study: it must set STUDY = Study\(\.\.\.\)"),
        ("STUDY = 3", "holds no study"),
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("def", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError"),
    ],
    ids=["missing", "empty", "number", "import", "syntax", "division"],
)
def test_a_file_that_is_no_study_is_bad_input_with_the_reason(tmp_path, text, said):
    file = tmp_path / "mine.py"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError, match=said) as caught:
        discovery.find_studies([str(file)])
    assert "\n" not in str(caught.value)


def test_a_file_is_a_study_by_its_own_name(tmp_path):
    (tmp_path / "my_study.py").write_text("from ablations import Study\nSTUDY = Study('Why?', ())\n")
    (found,) = discovery.find_studies([str(tmp_path / "my_study.py")])
    assert (found.name, found.question) == ("my_study", "Why?")


def test_a_file_may_define_a_dataclass_under_postponed_annotations(tmp_path):
    """A dataclass looks its annotations up in its module, by the module's name."""
    (tmp_path / "mine.py").write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom ablations import Study\n"
        "@dataclass\nclass Pair:\n    first: str\nSTUDY = Study(Pair('Why?').first, ())\n"
    )
    (study,) = discovery.find_studies([str(tmp_path / "mine.py")])
    assert study.question == "Why?"


def test_a_file_never_replaces_the_module_whose_name_it_shares(tmp_path):
    (tmp_path / "json.py").write_text("from ablations import Study\nSTUDY = Study('Why?', ())\n")
    discovery.find_studies([str(tmp_path / "json.py")])
    assert sys.modules["json"] is json


def test_a_file_that_imports_from_the_former_home_of_the_names_still_works(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from ablations.study import Claim, Contrast, Study\n"
        "part = Contrast('test/accuracy', 'a', 'b', margin=1)\n"
        "STUDY = Study('Why?', (Claim('c', 'C', (part,)),), arms={'a': {}, 'b': {'dropout': 0.0}})\n"
    )
    (study,) = discovery.find_studies([str(tmp_path / "mine.py")])
    assert study.claims[0].parts[0].arm == "a"


def test_a_metric_that_nothing_records_is_refused_before_anything_trains():
    typo = Claim("mine", "A claim", (Contrast("test/acuracy", "a", "b", margin=1),))
    study = Study(name="mine", question="?", claims=(typo,), arms={"a": {}, "b": {"dropout": 0.0}})
    with pytest.raises(InputError, match="study mine, claim mine: metric 'test/acuracy' is unknown"):
        expand_study(study, Setting(PROFILES["smoke"], DATA))


def test_every_metric_of_a_real_trial_can_be_named_by_a_claim(smoke):
    record = json.loads(next((smoke.out / "trials").glob("*.json")).read_text())
    metrics = {name for point in record["points"] for name in point["metrics"]}
    assert [name for name in metrics if find_metric(name) is None] == []


def test_a_level_that_cannot_be_used_names_the_study_and_the_arm():
    study = Study(name="mine", question="?", claims=(), arms={"a": {"dropout": "lots"}})
    with pytest.raises(InputError, match="study mine, arm 'a': dropout is 'lots'"):
        expand_study(study, Setting(PROFILES["smoke"], DATA))


def test_two_studies_of_one_name_are_refused(tmp_path):
    file = tmp_path / "relu.py"
    file.write_text("from ablations.relu import STUDY")
    with pytest.raises(InputError, match="two studies are called relu"):
        discovery.find_studies(["relu", str(file)])


def test_two_claims_of_one_id_are_refused(tmp_path):
    """Verdicts are compared, and found, by it."""
    file = tmp_path / "mine.py"
    file.write_text("from ablations.lrn import STUDY")
    with pytest.raises(InputError, match=r"several claims have the id '[a-z-]+' \(lrn and mine\): rename them"):
        discovery.find_studies(["lrn", str(file)])
    part = "Contrast('test/accuracy', 'relu', 'tanh', margin=1)"
    claim = f"Claim('c', 'C', ({part},))"
    file.write_text(f"from ablations import Claim, Contrast, Study\nSTUDY = Study('?', ({claim}, {claim}))\n")
    with pytest.raises(InputError, match=r"several claims have the id 'c' \(mine and mine\)"):
        discovery.find_studies([str(file)])
