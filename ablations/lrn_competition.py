"""Does local response normalisation make strong responses stronger? (Krizhevsky et al. 2012, section 3.3).

The contrast lies between -1 and 1: the strongest response less the mean of its four neighbouring channels, over their
sum, on average over positions and images. Margins are differences of it.
"""

from ablations import Ask, Claim, Contrast, Study, designs

BEFORE, BEHIND, PERMUTED = "before LRN", "behind LRN", "behind LRN of permuted channels"

STUDY = Study(
    question="Does LRN raise the contrast between the strongest response and its neighbours, and do they matter?",
    topic="LRN",
    base=designs.KRIZHEVSKY_CIFAR,
    arms={"none": {}, "LRN": {"normalisation": "lrn"}},
    probes=(Ask("competition", ("LRN",), (BEFORE, BEHIND, PERMUTED)),),
    claims=(
        Claim(
            "lrn-competition",
            "LRN makes large responses relatively larger and suppresses their neighbours",
            setting="the paper's four-layer network as in lrn, behind each LRN layer against before it",
            stated=(Contrast("competition/contrast", BEHIND, BEFORE, margin=0.01),),
            beyond={"against permuted channels": Contrast("competition/contrast", BEHIND, PERMUTED, margin=0.01)},
            caveat="The check takes the neighbours from randomly permuted channels: where it does the same, the "
            "neighbourhood does not matter.",
        ),
    ),
)
