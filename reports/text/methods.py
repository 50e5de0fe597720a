"""Verdicts, methods and limits explained: the same in every report."""

VERDICTS = (
    ("supported", "The mean difference goes the claimed way, is at least as large as the margin, and a difference of "
     "zero is ruled out. The true difference may be smaller than the margin; the interval shows by how much. For a "
     "claim that two arms are alike: the 90 % interval lies within the margin. For a count: it is as stated."),
    ("refuted", "The mean difference goes against the claim, is at least as large as the margin, and a difference of "
     "zero is ruled out. For a claim that two arms are alike: the whole 95 % interval lies beyond the margin. For a "
     "count: it is not as stated."),
    ("no effect", "A difference as large as the margin is ruled out to either side: the 90 % interval lies within it. "
     "A smaller difference is possible. A single verdict of this kind is wrong at most once in 20 times; it is not "
     "corrected for the number of claims."),
    ("underpowered", "Too few pairs: the 95 % interval reaches further to either side than the margin, or the pairs "
     "leave no spread to judge by."),
    ("inconclusive", "None of these, for the reason given: the difference lies near the margin, may be chance among "
     "the number of claims, rests on values that were not reached, or the machine was busy."),
    ("conditional", "The claim was judged under several conditions, and the verdicts differ as the reason says."),
    ("not run", "No measurement exists to judge the claim by."),
)  # fmt: skip

METHODS = (
    ("The document", "The short article whose claims are tested here, and the 32x32 AlexNet of its training script: "
     "layout 'document', and the arms that are named after it."),
    ("Pairs", "Seed by seed, every arm sees the same images in the same order with the same augmentation, and starts "
     "from the same random draws wherever its layers have the same shape. The difference within a pair is judged: "
     "effects that both arms share cancel out. The correlation r shows how large they are, which is often little."),
    ("Intervals", "Each 95 % interval is Student's t interval of a mean: over many repetitions of the study, 19 of 20 "
     "such intervals would hold the true mean. Equal differences, zeros among them, leave no spread: then there is no "
     "interval and no p, and the claim is underpowered."),
    ("Repetitions", "All seeds share one subset of the training images and one test set: intervals describe other "
     "seeds, not other images. The pairs of a timing are rounds of one process, and its intervals describe that one."),
    ("Chance", "The paired t test gives the probability p of a mean difference at least this large if there were none. "
     "At 0.05 or below, after correction, a difference of zero is ruled out. The sign-flip p tests the same without "
     "assuming a normal distribution; with few pairs it cannot be small, so it is shown and never decides."),
    ("Many claims", "Of twenty tests without any effect, one is expected to find a difference by chance. Holm's "
     "correction raises each p so that the probability of even one such finding stays below 0.05. It covers every "
     "tested part of every primary claim of this report: a report on fewer studies corrects for fewer."),
    ("Equivalence", "To show that two arms are alike, two one-sided tests at 5 % must each rule out a difference as "
     "large as the margin: the 90 % interval lies within the margin on both sides."),
    ("Margins", "The smallest difference that would matter was written down for each claim before its first trial."),
    ("More pairs", "The number of pairs that would show an effect as large as the margin holds for one t test without "
     "correction and the spread measured here: four times in five it would distinguish such an effect from zero. A "
     "report judges the seeds that exist when it is made. Adding seeds after reading it is a second look, and the "
     "probabilities above hold for one."),
    ("Noise floor", "The baseline is also run against itself under other seeds. The band in the figures holds 19 of 20 "
     "mean differences due to seeds alone, as far as these few seeds can show."),
    ("Not reached", "A trial that never reaches a target counts as reaching it after its last step, and is called "
     "censored."),
    ("Speed", "Speed is judged by timings made for it alone, in which the arms take turns. A trial's own images a "
     "second are shown, not judged."),
)  # fmt: skip


LIMITS = (
    "Images of 32x32 pixels in ten classes are not photographs in a thousand, for which AlexNet was made: findings "
    "here need not hold there. Its own network takes 227x227 pixels; the document's has one pooling, and most of its "
    "convolutions have maps of 3x3.",
    "Networks are narrow and budgets short, chosen so that the plain network just fits its training images. "
    "Regularisers slow fitting, and may need a longer budget than this to pay off.",
    "One optimiser, Adam with one cycle, and one batch size. Another recipe may favour another arm.",
    "Seeds vary; the training subset and the test images do not. Intervals do not describe other images.",
    "A claim is judged by one metric and one margin, written down before. With another margin in mind, judge by the "
    "intervals.",
)
