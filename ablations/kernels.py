"""Are two 3x3 convolutions better than one 5x5? (Simonyan & Zisserman 2015, section 2.3)."""

from ablations import Claim, Contrast, Exact, Levels, ModelConfig, Published, Setting, Study, Timing, designs

KERNELS: dict[str, Levels] = {
    "5x5": {},
    "3x3 pair": {"kernel": "pair"},
    "pair, matched parameters": {"kernel": "pair-matched"},
    "pair, linear between": {"kernel": "pair-linear"},
}
NETWORK: Levels = {"layout": "zhang", "normalisation": "lrn", "dropout": 0.0}
MIDDLES = {"half as wide between": 0.5, "as wide between": 1.0, "twice as wide between": 2.0}


def timings(setting: Setting) -> tuple[Timing, ...]:
    """Time a training step of each arm."""
    width = setting.profile.width("zhang")
    arms = tuple((arm, ModelConfig(**{**NETWORK, **levels, "width": width})) for arm, levels in KERNELS.items())
    return (Timing("steps", arms, (128,), setting.profile.rounds, setting.device, setting.precision),)


STUDY = Study(
    question="Do two stacked 3x3 convolutions beat one 5x5: with fewer parameters, and by what they learn?",
    base=NETWORK,
    arms=designs.add_own_rate_arms(KERNELS),
    tuning=designs.learning_rate_tuning(KERNELS),
    counts={
        "one 5x5": ModelConfig(**NETWORK),
        **{f"pair, {name}": ModelConfig(**NETWORK, kernel="pair", middle=middle) for name, middle in MIDDLES.items()},
    },
    timings=timings,
    claims=(
        Claim(
            "kernel-params",
            "Two 3x3 convolutions have fewer parameters than one 5x5",
            tuple(
                Exact(f"parameters/{layer}", f"pair, {name}", 0, 1.0, "one 5x5", f"{layer}, {name}")
                for name in MIDDLES
                for layer in ("conv1", "conv2")
            ),
            published=(
                Published("18 C^2 against 25 C^2: 0.72", "Simonyan & Zisserman 2015, section 2.3, by its formula", 3),
            ),
            regimes="the layer and the width between the two",
            caveat="With m channels between the two there are fewer only if m < 25 Cin Cout / (9 (Cin + Cout)): the "
            "first layer, with 3 input channels, breaks even at 8.",
        ),
        Claim(
            "kernel-depth",
            "Stacked small kernels learn more: at equal parameters, and thanks to the activation between them",
            tuple(
                Contrast("test/accuracy", name(arm), reference, margin=0.5, regime=rate)
                for rate, name in ((designs.SHARED_RATE, str), (designs.OWN_RATE, designs.own_rate_arm))
                for arm, reference in (("pair, matched parameters", "5x5"), ("3x3 pair", name("pair, linear between")))
            ),
            regimes="tuning",
            published=(
                Published("7 points of top-1 error in favour of the pair", "Simonyan & Zisserman 2015, section 4.1"),
            ),
            caveat="A pair that is as wide between has another depth and other parameters at once; the matched pair "
            "has equal parameters.",
        ),
    ),
    caveats=(
        "Zhang's small AlexNet (arXiv 1611.03530) at the profile's width: in the document's own network the 5x5 kernel "
        "sees 3x3 maps, so most of it is padding.",
    ),
)
