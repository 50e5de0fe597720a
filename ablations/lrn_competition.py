"""Does local response normalisation make strong responses stronger? (Krizhevsky et al. 2012, section 3.3)."""

from ablations import Ask, Claim, Contrast, Study

BEFORE, BEHIND, PERMUTED = "before LRN", "behind LRN", "behind LRN of permuted channels"


STUDY = Study(
    question="Does LRN raise the contrast between the strongest response and its neighbours, and do they matter?",
    arms={"LRN, alpha rescaled": {"normalisation": "lrn-rescaled"}},
    probes=(Ask("competition", ("LRN, alpha rescaled",), (BEFORE, BEHIND, PERMUTED)),),
    claims=(
        Claim(
            "lrn-competition",
            "LRN raises the contrast between the strongest response and its neighbours, and by being next to them",
            (
                Contrast("competition/contrast", BEHIND, BEFORE, margin=0.01),
                Contrast("competition/contrast", BEHIND, PERMUTED, margin=0.01),
            ),
            caveat="The control takes the neighbours from randomly permuted channels: where it does the same, the "
            "neighbourhood does not matter. With the paper's alpha on our inputs the layer is nearly a constant.",
        ),
    ),
)
