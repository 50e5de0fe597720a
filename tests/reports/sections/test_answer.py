import dataclasses

import fabricate
import handmade
import pandas as pd

from ablations import Study
from reports.evidence import Evidence
from reports.rendering.blocks import Answers, Figure
from reports.sections.answer import _make_row, build_answer


def evidence(*judgements, topics=()):
    names = dict.fromkeys(judgement.study for judgement in judgements)
    studies = [
        Study(f"{name}?", (), topic=topic, name=name)
        for name, topic in zip(names, [*topics, *[""] * len(names)], strict=False)
    ]
    empty = pd.DataFrame()
    return Evidence(studies, fabricate.setting(), [], {}, empty, empty, empty, judgements)


def test_the_claimed_direction_points_to_the_right_in_margins():
    """+3 points of accuracy at a margin of 1; a gap that is 40 points lower at a margin of 2, as claimed."""
    row = _make_row(handmade.judgement())
    assert (row.position, row.interval) == (3.0, (2.0, 4.0))
    gap = _make_row(handmade.judgement(deciding=1))
    assert (gap.position, gap.interval) == (20.0, (19.0, 21.0))


def test_a_claim_that_arms_are_equal_lies_on_the_side_of_the_difference():
    equal = dataclasses.replace(handmade.STATED, direction="equal")
    row = _make_row(handmade.judgement(outcomes=(handmade.outcome(equal, estimate=-0.2, interval=(-0.5, 0.1)),)))
    assert (row.position, row.interval) == (-0.2, (-0.5, 0.1))


def test_what_was_not_tested_has_no_estimate_in_the_figure():
    assert _make_row(handmade.judgement("not testable here", train_accuracy=64.0)).position is None


def test_studies_of_one_topic_have_one_answer_which_leads_to_the_first_chapter():
    first, second = handmade.judgement(), dataclasses.replace(handmade.judgement("refuted"), study="other")
    figure, answers = build_answer(evidence(first, second, topics=("Crops", "Crops")))
    assert isinstance(figure, Figure) and isinstance(answers, Answers)
    (answer,) = answers.answers
    assert (answer.topic, answer.verdict, answer.chapter) == ("Crops", "supported", "Study: augmentation")
    assert answer.others == (("augmentation", "refuted"),)
    measured, limit = (text for _, text in answers.conditions)
    assert measured.endswith("3 pairs of trials for a comparison.") and "need not hold" in limit


def test_a_study_without_a_topic_is_answered_under_its_name():
    _, answers = build_answer(evidence(handmade.judgement()))
    assert [answer.topic for answer in answers.answers] == ["augmentation"]


def test_without_claims_there_is_no_answer():
    assert build_answer(evidence(handmade.judgement(claim=handmade.claim(kind="literature")))) == []
