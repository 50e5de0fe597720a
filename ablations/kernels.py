"""Are two 3x3 convolutions better than one 5x5? (Simonyan & Zisserman 2015, section 2.3).

Margins are percentage points of test accuracy; counts of parameters are compared as a ratio. An arm 'own rate' repeats
an arm at the learning rate that gives it the best validation accuracy. `middle` is the number of channels between a
pair's two convolutions, as a multiple of those that the pair puts out: 1 unless it is given or matched.
"""

from ablations import Claim, Contrast, Exact, Levels, ModelConfig, Published, Setting, Study, Timing, designs

KERNELS: dict[str, Levels] = {"5x5": {}, "3x3 pair": {"kernel": "pair"}}
EQUAL_CHANNELS: Levels = {"layout": "zhang"}  # its conv2 has as many channels in as out
MIDDLES = {"half the channels between": 0.5, "equal channels between": 1.0, "twice the channels between": 2.0}


def timings(setting: Setting) -> tuple[Timing, ...]:
    """Time a training step with the 5x5 and with the pair, for information."""
    width = setting.profile.width("alexnet-32", setting.data)
    arms = tuple((arm, ModelConfig(**levels, width=width)) for arm, levels in KERNELS.items())
    return (Timing("steps", arms, (128,), setting.profile.rounds, setting.device, setting.precision),)


STUDY = Study(
    question="Do two stacked 3x3 convolutions have fewer parameters than one 5x5, and learn more?",
    topic="Kernels",
    arms={
        **KERNELS,
        "pair, equal parameters": {"kernel": "pair-matched"},  # as many parameters as the 5x5, by the channels between
        "pair, linear between": {"kernel": "pair-linear"},
        **designs.own_rate_arms(KERNELS),
    },
    tuning=designs.rate_tuning(KERNELS),
    counts={
        "one 5x5": ModelConfig(**EQUAL_CHANNELS),
        "pair": ModelConfig(**EQUAL_CHANNELS, kernel="pair"),
        "conv2 of AlexNet scaled to the data, one 5x5": ModelConfig(),
        **{
            f"conv2 of AlexNet scaled to the data, {name}": ModelConfig(kernel="pair", middle=middle)
            for name, middle in MIDDLES.items()
        },
    },
    timings=timings,
    claims=(
        Claim(
            "kernel-params",
            "Two 3x3 convolutions have fewer parameters than one 5x5",
            setting="equal channels in, between and out (conv2 of Zhang's network), biases included",
            stated=(Exact("parameters/conv2", "pair", reference="one 5x5", low=0, high=1),),
            beyond={
                f"conv2 of AlexNet scaled to the data, {name}": Exact(
                    "parameters/conv2",
                    f"conv2 of AlexNet scaled to the data, {name}",
                    reference="conv2 of AlexNet scaled to the data, one 5x5",
                    low=0,
                    high=1,
                )
                for name in MIDDLES
            },
            published=(
                Published("18 C^2 against 25 C^2: 0.72", "Simonyan & Zisserman 2015, section 2.3, by its formula"),
            ),
            caveat="With m channels between the two there are fewer only if m < 25 Cin Cout / (9 (Cin + Cout)).",
        ),
        Claim(
            "kernel-depth",
            "Several small layers learn more complex features than one large one, and are more accurate",
            setting="AlexNet scaled to the data, conv2 as a pair of 3x3 against one 5x5",
            stated=(Contrast("test/accuracy", "3x3 pair", "5x5", margin=0.5),),
            beyond={
                "equal parameters and work": Contrast("test/accuracy", "pair, equal parameters", "5x5", margin=0.5),
                "each at its own rate": Contrast(
                    "test/accuracy", designs.own_rate_arm("3x3 pair"), designs.own_rate_arm("5x5"), margin=0.5
                ),
            },
            published=(
                Published("7 points of top-1 error in favour of the pair", "Simonyan & Zisserman 2015, section 4.1"),
            ),
            caveat="A pair with equal channels between changes depth and number of parameters at once. Own rates are "
            "chosen under two seeds, where the lower of two rates that are near each other wins.",
        ),
        Claim(
            "kernel-activation",
            "Stacked kernels learn more because of the activation between them",
            kind="literature",  # what papers suggest about the subject and the article does not claim
            setting="AlexNet scaled to the data, the pair against a pair without an activation between",
            stated=(Contrast("test/accuracy", "3x3 pair", "pair, linear between", margin=0.5),),
        ),
    ),
)
