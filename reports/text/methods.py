"""Verdicts, methods and limits explained: the same in every report."""

from __future__ import annotations

VERDICTS = (
    ("supported", "The mean difference goes the claimed way, is at least as large as the margin, and a difference of "
     "zero is ruled out. The true difference may be smaller than the margin: the interval tells by how much. For a "
     "claim that two arms are alike: the 90 % interval lies within the margin. For a count: it is as stated."),
    ("refuted", "The mean difference goes against the claim, is at least as large as the margin, and a difference of "
     "zero is ruled out. For a claim that two arms are alike: the whole 95 % interval lies beyond the margin. For a "
     "count: it is not as stated."),
    ("no effect", "A difference as large as the margin is ruled out to either side: the 90 % interval lies within it. "
     "That is a finding, and more than the absence of one; a smaller difference there may be. By itself such a verdict "
     "is wrong at most once in 20 times; it is not corrected for the number of claims."),
    ("underpowered", "Too few pairs to tell: the 95 % interval reaches further to either side than the margin, or the "
     "pairs leave no spread to judge by."),
    ("inconclusive", "None of these, and the reason says why: the difference lies near the margin, or may be chance "
     "among so many claims, or rests on values that were not reached, or the machine was busy."),
    ("conditional", "The claim was judged under several conditions and the verdicts differ; the reason says how."),
    ("not run", "Nothing was measured that the claim could be judged by."),
)  # fmt: skip

METHODS = (
    ("The document", "The short article whose claims are tested here, and the 32x32 AlexNet of its training script: "
     "layout 'document', and the arms that are called after it."),
    ("Pairs", "Seed by seed every arm sees the same images in the same order with the same augmentation, and starts "
     "from the same random draws wherever its layers have the same shape. What is judged is the difference within a "
     "pair; whatever both arms share cancels out. How much that is, the correlation r tells: often little."),
    ("Intervals", "Each 95 % interval is Student's t interval of a mean: over many repetitions of the study, 19 of 20 "
     "such intervals would hold the true mean. Differences that are all equal, be they zero, leave no spread: there is "
     "no interval and no p then, and the claim is underpowered."),
    ("Repetitions", "All seeds share one subset of the training images and one test set: intervals speak of other "
     "seeds, not of other images. The pairs of a timing are rounds of one process: they speak of that process."),
    ("Chance", "The paired t test gives the probability p of a mean difference at least this large if there were none. "
     "At 0.05 or below, after correction, a difference of zero is ruled out. The sign-flip p asks the same without "
     "assuming a bell curve; with few pairs it cannot be small, so it is shown and never decides."),
    ("Many claims", "Who tests twenty claims finds one by chance. Holm's correction raises each p so that the "
     "probability of even one difference found where there is none stays below 0.05. It covers every tested part of "
     "every primary claim of this report: a report on fewer studies corrects for fewer."),
    ("Equivalence", "To show that two arms are alike, two one-sided tests at 5 % must each rule out a difference as "
     "large as the margin. That is so when the 90 % interval lies within the margin on both sides."),
    ("Margins", "The smallest difference that would matter was written down for each claim before its first trial."),
    ("More pairs", "How many pairs would show an effect as large as the margin is said for one t test without "
     "correction and the spread seen here: four times in five it would then tell such an effect from zero. A report "
     "judges the seeds that exist when it is made. Whoever adds seeds after a look takes a second look, and the "
     "probabilities above hold for one."),
    ("Noise floor", "The baseline is also run against itself under other seeds. The band in the figures holds 19 of 20 "
     "mean differences that nothing but the seeds makes, as far as these few seeds can tell."),
    ("Not reached", "A trial that never arrives at a target counts as arriving after its last step: it is kept, "
     "counted and called censored."),
    ("Speed", "Speed is judged by timings made for it alone, with the arms taking turns. A trial's own images a second "
     "are shown and never judged."),
)  # fmt: skip


LIMITS = (
    "Images of 32x32 pixels in ten classes are not photographs in a thousand, for which AlexNet was made: what holds "
    "here need not hold there. Its own network is 227 pixels wide; the document's has one pooling, and most of its "
    "convolutions see maps of 3x3.",
    "Networks are narrow and budgets short, chosen so that the plain network just fits its training images. What "
    "regularises slows fitting, and may need a longer budget than this to pay off.",
    "One optimiser, Adam with one cycle, and one batch size. Another recipe may favour another arm.",
    "Seeds vary; the training subset and the test images do not. An interval says nothing of other images.",
    "A claim is judged by one metric and one margin, written down before. Another reader may want another margin: the "
    "intervals are there to judge by.",
)
