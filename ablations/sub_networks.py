"""Does dropout average exponentially many sub-networks? (Srivastava et al. 2014, section 7.5)."""

from ablations import AGAIN, Ask, Claim, Contrast, Published, Study

ARM, SCALED, ALL_MASKS = "p = 0.5", "weight scaling", "arithmetic mean of 200 masks"
GAIN = "masks' gain less half the networks'"  # gains: 30 masks against one, 5 networks against one

STUDY = Study(
    question="Is a network with dropout an average of its sub-networks, and is averaging why dropout helps?",
    arms={ARM: {}},
    seeds={"standard": 20},
    probes=(
        Ask("sub-networks", (ARM,), (SCALED, "1 mask", ALL_MASKS)),
        Ask("averages", (ARM, AGAIN), (GAIN,)),
    ),
    claims=(
        Claim(
            "dropout-ensemble",
            "Weight scaling equals the average over sub-networks, and averaging is why dropout helps",
            (
                Contrast("masks/accuracy", SCALED, ALL_MASKS, margin=0.5, direction="equal"),
                Contrast("networks/accuracy", GAIN, 0.0, margin=0.1),
            ),
            published=(
                Published("about 50 masks match weight scaling, on MNIST", "Srivastava et al. 2014, section 7.5"),
            ),
            caveat="The second part holds where the mean over 30 masks gains half as much over one mask as the mean "
            "over 5 networks, trained from other seeds, gains over one, and a tenth of a point more.",
        ),
    ),
)
