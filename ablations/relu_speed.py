"""Does ReLU learn faster than tanh? A replication of Krizhevsky et al. 2012, figure 1.

Margins are factors. Epochs and learning rates are absolute, since the recipe is a printed one: no regularisation, one
rate throughout. An arm whose rate is tuned has the one that reaches 25 % training error first.
"""

from ablations import Claim, Contrast, Levels, Published, Study, TrainConfig, Tuning, designs

STEPS = "speed/steps_to_train_error_25"
# In a pilot ReLU took 13 epochs of 10,000 images (docs/log.md): the budget is 8 x 13 epochs, sigmoid's 2 x 13
FIGURE_1 = TrainConfig(schedule="constant", epochs=104, until_error=0.25)
ADAM: Levels = {"optimiser": "adam", "schedule": "one-cycle", "learning_rate": 0.0005, "epochs": 13}

STUDY = Study(
    question="Does a network with ReLU reach 25 % training error in fewer steps, each activation at its fastest rate?",
    topic="ReLU",
    # The four-layer network with the paper's inputs and weights; 2.5 times the profile's images, since a small number
    # of them favours tanh
    base={**designs.KRIZHEVSKY_CIFAR, "share": 2.5},
    recipe=FIGURE_1,
    seeds={"quick": 3},  # of robustness checks; three suffice, because steps differ by factors
    arms={
        "relu": {},
        "tanh": {"activation": "tanh"},
        "sigmoid": {"activation": "sigmoid", "epochs": 26},
        # Pixels in -1 to 1, and initial weights scaled to the activation
        "relu, inputs and weights scaled": designs.SCALED,
        "tanh, inputs and weights scaled": {**designs.SCALED, "activation": "tanh"},
        "relu, Adam with one cycle": ADAM,
        "tanh, Adam with one cycle": {**ADAM, "activation": "tanh"},
    },
    tuning=Tuning(
        "learning_rate",
        grid=(0.0005, 0.001, 0.002, 0.004, 0.008, 0.016),
        arms=("relu", "tanh", "sigmoid", "relu, inputs and weights scaled", "tanh, inputs and weights scaled"),
        metric=STEPS,
    ),
    claims=(
        Claim(
            "relu-speed",
            "ReLU learns faster than tanh: fewer steps to 25 % training error",
            setting="the four-layer network of Krizhevsky's figure 1, SGD at each activation's fastest constant rate",
            stated=(Contrast(STEPS, "tanh", "relu", margin=1.5, ratio=True),),
            beyond={
                "sigmoid": Contrast(STEPS, "sigmoid", "relu", margin=1.5, ratio=True),
                "inputs in -1 to 1, weights scaled to the activation": Contrast(
                    STEPS,
                    "tanh, inputs and weights scaled",
                    "relu, inputs and weights scaled",
                    margin=1.5,
                    ratio=True,
                ),
                "Adam with one cycle": Contrast(
                    STEPS, "tanh, Adam with one cycle", "relu, Adam with one cycle", margin=1.5, ratio=True
                ),
            },
            published=(Published("6 times faster than tanh", "Krizhevsky et al. 2012, section 3.1, figure 1"),),
            caveat="Arms that do not reach 25 % training error are censored at the budget. Rates are chosen under one "
            "seed. More images than the profile's would favour ReLU, fewer tanh.",
        ),
    ),
)
