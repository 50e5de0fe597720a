"""Does local response normalisation improve generalisation? (Krizhevsky et al. 2012, section 3.3)"""

from ablations.study import Claim, Contrast, Published, Study

STUDY = Study(
    question="Does local response normalisation improve generalisation, and if so, is it more than a scale?",
    arms={
        "none": {},
        "LRN": {"normalisation": "lrn"},
        "LRN, alpha rescaled": {"normalisation": "lrn-rescaled"},
        "constant 0.595": {"normalisation": "constant"},
        "batch normalisation": {"normalisation": "batch"},
    },
    claims=(
        Claim(
            "lrn-generalisation",
            "Local response normalisation raises test accuracy",
            (
                Contrast("test/accuracy", "LRN", "none", margin=0.5, regime="the paper's alpha"),
                Contrast(
                    "test/accuracy", "LRN, alpha rescaled", "none", margin=0.5, regime="alpha rescaled to our inputs"
                ),
            ),
            published=(
                Published("13 to 11 % test error on CIFAR-10", "Krizhevsky et al. 2012, section 3.3"),
                Published("no gain on ImageNet", "Simonyan & Zisserman 2015, section 2.1"),
            ),
            regimes="alpha",
            caveat="With the paper's alpha on inputs in -1..1 the layer is close to a constant factor 2^-0.75 = 0.595, "
            "hence the arm that is exactly that. All arms share the baseline's learning rate.",
        ),
    ),
)
