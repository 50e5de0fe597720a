"""Which ingredients made AlexNet work? (Krizhevsky et al. 2012, sections 3 and 4; Mishkin et al. 2017).

Margins are percentage points of test accuracy.
"""

from ablations import Claim, Contrast, Published, Study, Switch, designs

SWITCHES = {
    "depth": Switch(on={}, off={"without": ("conv3", "conv4")}),
    "augmentation": Switch(on={"augmentation": "both"}, off={"augmentation": "none"}),
    "ReLU": Switch(on={"activation": "relu"}, off={"activation": "tanh"}),
    "dropout": Switch(on={"dropout": 0.5}, off={"dropout": 0.0}),
    "LRN": Switch(on={"normalisation": "lrn"}, off={}),
}
CREDITED = ("depth", "augmentation", "ReLU", "dropout", "LRN")


def claim_effect(name: str) -> Claim:
    """Return the claim that an ingredient raises test accuracy, on average over all combinations of the others."""
    return Claim(
        f"ingredients-{name.lower()}",
        f"{name[0].upper()}{name[1:]} is one of the ingredients that made AlexNet work",
        setting="AlexNet scaled to the data, main effect over all combinations of the five ingredients",
        stated=(Contrast("test/accuracy", designs.main_effect(name), 0.0, margin=0.5),),
        beyond={
            "left out of all": Contrast("test/accuracy", designs.left_out(name), 0.0, margin=0.5),
            "added to none": Contrast("test/accuracy", designs.added_in(name), 0.0, margin=0.5),
        },
        published=(Published("single gains add up to 8.5 points, together 6", "Mishkin et al. 2017"),),
        caveat="A main effect is the mean with the ingredient less the mean without it. All arms share the learning "
        "rate and the budget. Where augmentation keeps an arm from fitting its images, the budget is judged, too: the "
        "two-way interactions show how far an effect depends on it.",
    )


STUDY = Study(
    question="What does each ingredient add by itself, beside the others, and on average over all combinations?",
    topic="Ingredients",
    arms=designs.full_factorial(SWITCHES),
    seeds={"quick": 2, "standard": 3, "full": 3},
    switches=SWITCHES,
    combinations=designs.effect_weights(SWITCHES),
    claims=tuple(map(claim_effect, CREDITED)),
)
