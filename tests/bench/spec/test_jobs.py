import dataclasses
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.spec.config import DOCUMENT_RECIPE, DataConfig, ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Count, Probe, Timing, Trial, describe, identity, job_kind

DATA = DataConfig("0123456789abcdef", 10)
TRIAL = Trial(ModelConfig(), TrainConfig(), DATA, 0)


# A change here means that every finished record is measured again: raise bench.REVISION and say so in the changelog.
@pytest.mark.parametrize(
    "job, pinned",
    [
        (Count(ModelConfig()), "776d9d4f062a0b21"),
        (TRIAL, "b97f5cf5cec688ed"),
        (
            Trial(
                ModelConfig(layout="zhang", width=0.5, without=("fc4",), normalisation="lrn", dropout=0.0),
                DOCUMENT_RECIPE,
                DATA,
                3,
                "cuda",
                "bfloat16",
            ),
            "aa8c0e14f04cf7fc",
        ),
        (
            Timing("steps", (("relu", ModelConfig()), ("tanh", ModelConfig(activation="tanh"))), (128,), 10),
            "215172d5ed179a98",
        ),
        (Probe("dropout", (TRIAL,)), "31c56fd88495f7cf"),
    ],
    ids=["count", "trial", "another trial", "timing", "probe"],
)
def test_identities_stay_what_they_were(job, pinned):
    assert identity(job) == pinned


def test_whole_numbers_and_their_float_spelling_are_the_same_job():
    ints = Trial(ModelConfig(width=1, dropout=0, middle=1), TrainConfig(weight_decay=0, share=1), DATA, 0)
    floats = Trial(ModelConfig(width=1.0, dropout=0.0, middle=1.0), TrainConfig(weight_decay=0.0, share=1.0), DATA, 0)
    assert identity(ints) == identity(floats)


def test_tags_are_no_part_of_what_a_job_is():
    named = dataclasses.replace(
        TRIAL, data=DataConfig(DATA.digest, DATA.classes, train=45_000, chance=0.1, name="CIFAR-10")
    )
    assert named != TRIAL
    assert identity(named) == identity(TRIAL)


@dataclass(frozen=True)
class LaterModel(ModelConfig):
    polish: float = field(default=0.5, metadata={"birth": 0.0})


def test_a_later_field_at_its_birth_value_leaves_the_identity_alone():
    born = dataclasses.replace(TRIAL, model=LaterModel(polish=0.0))
    assert describe(born.model) == describe(ModelConfig())
    assert identity(born) == identity(TRIAL)
    assert identity(dataclasses.replace(TRIAL, model=LaterModel(polish=0))) == identity(TRIAL)


def test_a_later_field_counts_by_its_birth_value_and_not_by_its_default():
    by_default = dataclasses.replace(TRIAL, model=LaterModel())
    assert describe(by_default.model) == {**describe(ModelConfig()), "polish": 0.5}
    assert identity(by_default) != identity(TRIAL)


@pytest.mark.parametrize(
    "path, level",
    [
        ("seed", 1),
        ("device", "cuda"),
        ("precision", "bfloat16"),
        ("data", DataConfig("fedcba9876543210", 10)),
        ("data", DataConfig("0123456789abcdef", 11)),
        *(
            ("model", ModelConfig(**{name: level}))
            for name, level in {
                "layout": "zhang",
                "classes": 11,
                "width": 0.5,
                "activation": "tanh",
                "dropout": 0.4,
                "dropout_place": "conv",
                "normalisation": "lrn",
                "kernel": "pair",
                "middle": 0.5,
                "without": ("conv3",),
                "extra": 1,
            }.items()
        ),
        *(
            ("recipe", TrainConfig(**{name: level}))
            for name, level in {
                "learning_rate": 1e-4,
                "schedule": "constant",
                "weight_decay": 1e-4,
                "batch": 64,
                "epochs": 21,
                "share": 0.5,
                "augmentation": "both",
                "labels": "shuffled",
                "activation_penalty": 0.1,
            }.items()
        ),
    ],
)
def test_every_field_that_is_no_tag_makes_another_job(path, level):
    assert identity(dataclasses.replace(TRIAL, **{path: level})) != identity(TRIAL)


@pytest.mark.parametrize(
    "path, level",
    [
        ("model", ModelConfig(initial="paper")),
        ("model", ModelConfig(inputs="pixels")),
        ("recipe", TrainConfig(until_error=0.25)),
        ("recipe", TrainConfig(optimiser="sgd")),
        ("recipe", TrainConfig(schedule="plateau")),
        ("recipe", TrainConfig(augmentation="paper")),
    ],
)
def test_the_papers_recipe_makes_another_job(path, level):
    assert identity(dataclasses.replace(TRIAL, **{path: level})) != identity(TRIAL)


@pytest.mark.parametrize(
    "path, level",
    [
        ("model", ModelConfig(network="resnet@0123456789abcdef")),
        ("model", ModelConfig(factors=(("skip", True),))),
        ("recipe", TrainConfig(loss="focal@0123456789abcdef")),
        ("metrics", ("brier@0123456789abcdef",)),
    ],
)
def test_what_a_study_file_declares_makes_another_job(path, level):
    assert identity(dataclasses.replace(TRIAL, **{path: level})) != identity(TRIAL)


def test_the_share_of_winners_makes_another_job():
    half, fifth = (ModelConfig(activation="k-winners", active=share) for share in (0.5, 0.2))
    assert identity(dataclasses.replace(TRIAL, model=half)) != identity(dataclasses.replace(TRIAL, model=fifth))


def test_the_cases_above_name_every_field_there_is():
    assert len(dataclasses.fields(ModelConfig)) == 11 + 3 + 2  # active, initial and inputs; network and factors
    assert len(dataclasses.fields(TrainConfig)) == 9 + 2 + 1  # optimiser and until_error; loss
    assert len(dataclasses.fields(DataConfig)) == 5
    assert len(dataclasses.fields(Trial)) == 6 + 1  # metrics


def test_kinds_of_job_never_share_an_identity():
    jobs = [Count(ModelConfig()), TRIAL, Timing("steps", (), (1,), 1), Probe("dropout", (TRIAL,))]
    assert [job_kind(job) for job in jobs] == ["count", "trial", "timing", "probe"]
    assert len({identity(job) for job in jobs}) == 4


def test_an_identity_is_sixteen_hexadecimal_digits():
    assert len(identity(TRIAL)) == 16
    int(identity(TRIAL), 16)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["relu", "tanh"])), min_size=2, max_size=6))
def test_jobs_share_an_identity_exactly_when_they_are_equal(levels):
    jobs = [Trial(ModelConfig(activation=activation), TrainConfig(), DATA, seed) for seed, activation in levels]
    assert len({identity(job) for job in jobs}) == len(set(jobs))


@pytest.mark.parametrize(
    "make",
    [
        lambda: ModelConfig(activation=None),
        lambda: ModelConfig(layout="two\nlines"),
        lambda: TrainConfig(optimiser=1),
        lambda: ModelConfig(dropout=-0.1),
        lambda: ModelConfig(dropout=1.0),
        lambda: ModelConfig(dropout=float("nan")),
        lambda: ModelConfig(width=0),
        lambda: ModelConfig(width=9),
        lambda: ModelConfig(middle=0),
        lambda: ModelConfig(classes=0),
        lambda: ModelConfig(extra=-1),
        lambda: ModelConfig(activation="k-winners", active=0.0),
        lambda: TrainConfig(labels="false"),
        lambda: TrainConfig(learning_rate=0),
        lambda: TrainConfig(learning_rate=float("inf")),
        lambda: TrainConfig(share=0),
        lambda: TrainConfig(share=1.1),
        lambda: TrainConfig(epochs=0),
        lambda: TrainConfig(batch=0),
        lambda: TrainConfig(weight_decay=-1e-4),
        lambda: TrainConfig(activation_penalty=-1e10),
        lambda: TrainConfig(until_error=-0.1),
        lambda: TrainConfig(until_error=1.1),
        lambda: TrainConfig(until_error=0.25, epochs=901),
    ],
)
def test_a_level_that_does_not_exist_is_refused_in_one_line(make):
    with pytest.raises(InputError) as refusal:
        make()
    assert "\n" not in str(refusal.value)
    assert " is " in str(refusal.value)


def test_a_refusal_names_the_levels_that_there_are():
    with pytest.raises(InputError, match="labels is 'false'; it can be true, shuffled"):
        TrainConfig(labels="false")
    with pytest.raises(InputError, match=r"dropout is 2; it must be a number between 0 and 0\.95"):
        ModelConfig(dropout=2)


def test_the_documents_recipe_is_the_documents():
    assert DOCUMENT_RECIPE == TrainConfig(
        learning_rate=1e-4, schedule="constant", weight_decay=1e-8, batch=128, epochs=10, augmentation="document"
    )


def test_a_level_of_the_wrong_type_is_refused_in_one_line():
    with pytest.raises(InputError, match="dropout is 'lots'; it must be a number"):
        ModelConfig(dropout="lots")
    with pytest.raises(InputError, match=r"write the layers as a tuple, \('fc7',\)"):
        ModelConfig(without="fc7")


@pytest.mark.parametrize("factors", [[None], [["skip"]], [[1, 2]], (("skip", None),), "skip", {"skip": True}])
def test_factors_that_are_no_pairs_are_refused(factors):
    with pytest.raises(InputError, match="write pairs of a factor and its level"):
        ModelConfig(factors=factors)
