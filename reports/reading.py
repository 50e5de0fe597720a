"""How to read the report: the sentences that are the same in every one."""

from __future__ import annotations

from reports.blocks import Block, Facts, Heading, Text

VERDICTS = (
    ("supported", "The difference has the claimed sign, is at least as large as the margin, and chance is ruled out."),
    ("refuted", "The difference is at least as large as the margin in the other direction, and chance is ruled out; "
     "for a count, it lies outside the stated tolerance."),
    ("no effect", "The difference was shown to be smaller than the margin: its 90 % interval lies within it. "
     "This is a finding, and more than the absence of one."),
    ("underpowered", "Too few pairs to tell: the interval is wider than the margin. The table says how many would do."),
    ("inconclusive", "None of these, though the interval is narrow enough: the difference lies near the margin."),
    ("conditional", "The parts of the claim that differ in their conditions disagree; the reason says on what."),
    ("not run", "Nothing was measured that the claim could be judged by."),
)  # fmt: skip

METHODS = (
    ("Pairs", "Seed by seed every arm sees the same images in the same order with the same augmentation, and starts "
     "from the same random draws wherever its layers have the same shape. What is judged is the difference within a "
     "pair; whatever both arms share cancels out."),
    ("Intervals", "Each 95 % interval is Student's t interval of a mean: over many repetitions of the study, 19 of 20 "
     "such intervals would hold the true mean."),
    ("Chance", "The paired t test gives the probability p of a mean difference at least this large if there were none. "
     "Below 0.05, after correction, chance is ruled out. The sign-flip p asks the same without assuming a bell curve; "
     "with few pairs it cannot be small, so it is shown and never decides."),
    ("Many claims", "Who tests twenty claims finds one by chance. Holm's correction raises each p so that the "
     "probability of even one false finding among all primary claims of the report stays below 0.05."),
    ("Equivalence", "To show that two arms are alike, two one-sided tests must each rule out a difference as large as "
     "the margin. That is so when the 90 % interval lies within the margin on both sides."),
    ("Margins", "The smallest difference that would matter was written down for each claim before its first trial."),
    ("Noise floor", "The baseline is also run against itself under other seeds. The band in the figures holds 19 of 20 "
     "mean differences that nothing but the seeds makes."),
    ("Not reached", "A trial that never arrives at a target counts as arriving after its last step: it is kept, "
     "counted and called censored."),
    ("Speed", "Speed is judged by timings made for it alone, with the arms taking turns. A trial's own images a second "
     "are shown and never judged."),
)  # fmt: skip


def blocks() -> list[Block]:
    return [
        Heading("How to read a verdict"),
        Text(
            "Each claim names a metric, two arms to compare, a direction and a margin. Accuracies are percentages of "
            "images; differences between them are in points, so that 71 % against 70 % is one point."
        ),
        Facts(VERDICTS, verdicts=True),
        Heading("Methods"),
        Facts(METHODS),
    ]
