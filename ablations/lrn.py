"""Does local response normalisation improve generalisation? (Krizhevsky et al. 2012, section 3.3)."""

from ablations import CAFFENET, Claim, Contrast, Printed, Published, Study, designs

ARMS = {
    "none": {},
    "LRN": {"normalisation": "lrn"},
    "LRN, alpha rescaled": {"normalisation": "lrn-rescaled"},
    "constant 0.595": {"normalisation": "constant"},
    "batch normalisation": {"normalisation": "batch"},
}

STUDY = Study(
    question="Does local response normalisation improve generalisation, and if so, is it more than a scale?",
    arms=designs.add_own_rate_arms(ARMS),
    seeds={"standard": 20},
    tuning=designs.learning_rate_tuning(ARMS),
    printed=Printed(CAFFENET, {"none": 0.471, "LRN": 0.470}),
    claims=(
        Claim(
            "lrn-generalisation",
            "Local response normalisation raises test accuracy",
            tuple(
                Contrast("test/accuracy", name(arm), "none", margin=0.5, regime=f"{alpha}, {rate}")
                for arm, alpha in (("LRN", "the paper's alpha"), ("LRN, alpha rescaled", "alpha rescaled"))
                for rate, name in ((designs.SHARED_RATE, str), (designs.OWN_RATE, designs.own_rate_arm))
            ),
            published=(
                Published("13 to 11 % test error on CIFAR-10", "Krizhevsky et al. 2012, section 3.3"),
                Published("no gain on ImageNet", "Simonyan & Zisserman 2015, section 2.1"),
            ),
            regimes="alpha and tuning",
            caveat="With the paper's alpha on inputs in -1..1 the layer is close to a constant factor 2^-0.75 = 0.595, "
            "hence the arm that is exactly that.",
        ),
    ),
)
