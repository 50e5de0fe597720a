"""Which ingredients made AlexNet work? (Krizhevsky et al. 2012, sections 3 and 4; Mishkin et al. 2017).

Margins are percentage points of test accuracy.
"""

import dataclasses

from ablations import Claim, Published, Study, Switch, designs

SWITCHES = {
    "depth": Switch(on={}, off={"without": ("conv3", "conv4")}),
    "augmentation": Switch(on={"augmentation": "both"}, off={"augmentation": "none"}),
    "ReLU": Switch(on={"activation": "relu"}, off={"activation": "tanh"}),
    "dropout": Switch(on={"dropout": 0.5}, off={"dropout": 0.0}),
    "LRN": Switch(on={"normalisation": "lrn"}, off={}),
}
DESIGN = designs.full_factorial(SWITCHES, margin=0.5, prefix="ingredients-")


def credit(name: str, claim: Claim) -> Claim:
    """Return the claim in the article's words, with what is published."""
    return dataclasses.replace(
        claim,
        sentence=f"{name[0].upper()}{name[1:]} is one of the ingredients that made AlexNet work",
        setting="AlexNet scaled to the data, main effect over all combinations of the five ingredients",
        published=(Published("single gains add up to 8.5 points, together 6", "Mishkin et al. 2017"),),
        caveat="A main effect is the mean with the ingredient less the mean without it. All arms share the learning "
        "rate and the budget. Where augmentation keeps an arm from fitting its images, the budget is judged, too: the "
        "two-way interactions show how far an effect depends on it.",
    )


DESIGN["claims"] = tuple(map(credit, SWITCHES, DESIGN["claims"]))
STUDY = Study(
    question="What does each ingredient add by itself, beside the others, and on average over all combinations?",
    topic="Ingredients",
    seeds={"quick": 2, "standard": 3, "full": 3},
    **DESIGN,
)
