"""Does local response normalisation improve generalisation? (Krizhevsky et al. 2012, section 3.3).

Margins are percentage points of test accuracy; 'equal' means that the 90 % interval lies within the margin. LRN, or
what replaces it, stands behind the first two convolutions.
"""

from ablations import CAFFENET, Claim, Contrast, Published, PublishedAccuracies, Requires, Study, designs

STUDY = Study(
    question="Does local response normalisation improve generalisation, and does it do more than a constant factor?",
    base=designs.KRIZHEVSKY_CIFAR,
    arms={
        "none": {},
        "LRN": {"normalisation": "lrn"},
        "constant 0.595": {"normalisation": "constant"},
        "batch normalisation": {"normalisation": "batch"},
        "none, inputs and weights scaled": designs.SCALED,
        "LRN, inputs and weights scaled": {"normalisation": "lrn", **designs.SCALED},
    },
    published_accuracies=PublishedAccuracies(CAFFENET, {"none": 0.471, "LRN": 0.470}),
    claims=(
        Claim(
            "lrn-generalisation",
            "Local response normalisation improves generalisation",
            setting="the paper's four-layer network: pixels less their mean, Gaussian weights, LRN behind two layers",
            stated=(Contrast("test/accuracy", "LRN", "none", margin=0.5),),
            requires=(Requires("train/accuracy", "none", at_least=95, advice="more epochs or a wider network"),),
            beyond={
                "inputs in -1 to 1, scaled weights": Contrast(
                    "test/accuracy", "LRN, inputs and weights scaled", "none, inputs and weights scaled", margin=0.5
                ),
                "batch normalisation in its place": Contrast(
                    "test/accuracy", "batch normalisation", "none", margin=0.5
                ),
            },
            published=(
                Published("13 to 11 % test error on CIFAR-10", "Krizhevsky et al. 2012, section 3.3"),
                Published("no gain on ImageNet", "Simonyan & Zisserman 2015, section 2.1"),
            ),
        ),
        Claim(
            "lrn-constant",
            "LRN does no more than the constant factor that it is for small responses, 2^-0.75 = 0.595",
            kind="literature",
            setting="the same network, LRN against the constant",
            stated=(Contrast("test/accuracy", "LRN", "constant 0.595", margin=0.5, direction="equal"),),
        ),
    ),
)
