"""Does local response normalisation improve generalisation? (Krizhevsky et al. 2012, section 3.3).

Margins are percentage points of test accuracy; 'equal' means that the 90 % interval of the difference lies within the
margin. LRN (the paper's constants: k = 2, n = 5, alpha = 1e-4, beta = 0.75), or what replaces it, stands behind the
first two convolutions.
"""

from ablations import Claim, Contrast, Published, Requires, Study, designs

STUDY = Study(
    question="Does local response normalisation improve generalisation, and does it do more than a constant factor?",
    topic="LRN",
    base=designs.KRIZHEVSKY_CIFAR,  # three convolutions and one connected layer, with the paper's inputs and weights
    arms={
        "none": {},
        "LRN": {"normalisation": "lrn"},
        "constant 0.595": {"normalisation": "constant"},
        "batch normalisation": {"normalisation": "batch"},
        # As in the other studies: pixels in -1 to 1, and initial weights scaled to the activation
        "none, inputs and weights scaled": designs.SCALED,
        "LRN, inputs and weights scaled": {"normalisation": "lrn", **designs.SCALED},
    },
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
                Published("47.1 % accuracy without, 47.0 % with LRN, on ImageNet", "Mishkin et al. 2017"),
                Published("no gain on ImageNet", "Simonyan & Zisserman 2015, section 2.1"),
            ),
            caveat="All arms train at the paper's learning rate, which is low for inputs in -1 to 1: in that check "
            "neither arm needs to fit its images.",
        ),
        Claim(
            "lrn-constant",
            "LRN does no more than the constant factor that it is for small responses, 2^-0.75 = 0.595",
            kind="literature",  # what papers suggest about the subject and the article does not claim
            setting="the same network, LRN against the constant",
            stated=(Contrast("test/accuracy", "LRN", "constant 0.595", margin=0.5, direction="equal"),),
        ),
    ),
)
