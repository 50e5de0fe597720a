"""How large is AlexNet, and where do its parameters and its work lie? (Krizhevsky et al. 2012, section 3.5)."""

from ablations import Claim, Exact, ModelConfig, Published, Setting, Study, Timing

LAYOUTS = {
    "ungrouped": ModelConfig(layout="ungrouped", classes=1000),
    "two-group": ModelConfig(layout="two-group", classes=1000),
    "torchvision": ModelConfig(layout="torchvision", classes=1000),
    "the article's script": ModelConfig(layout="document"),
    "AlexNet scaled to 32 pixels": ModelConfig(),
}
AS_DRAWN = "AlexNet as the article draws it: no groups, 227 pixels, 1,000 classes"


def timings(setting: Setting) -> tuple[Timing, ...]:
    """Time the layers of the ungrouped network for one image, and for a batch of 128 where the profile allows it."""
    sizes = (1, 128) if setting.profile.large else (1,)
    arms = (("ungrouped", LAYOUTS["ungrouped"]),)
    return (Timing("layers", arms, sizes, min(5, setting.profile.rounds), setting.device, setting.precision),)


STUDY = Study(
    question="How many parameters has AlexNet, and which part of them and of its work lies in the convolutions?",
    topic="Size",
    counts=LAYOUTS,
    timings=timings,
    claims=(
        Claim(
            "size",
            "AlexNet has about 62.3 million parameters",
            setting=AS_DRAWN,
            stated=(Exact("parameters/total", "ungrouped", low=62.25e6, high=62.5e6),),
            published=(Published("60 million", "Krizhevsky et al. 2012, abstract: the two-group network"),),
        ),
        Claim(
            "share",
            "Convolutions hold about 6 % of the parameters and do about 95 % of the work",
            setting=AS_DRAWN,
            stated=(
                Exact("parameters/conv_share", "ungrouped", low=0.055, high=0.065),
                Exact("macs/conv_share", "ungrouped", low=0.945, high=0.955),
            ),
            published=(Published("5 % of the parameters, 95 % of the computation", "Krizhevsky 2014, section 2"),),
            caveat="Work is counted in multiply-accumulates. The share of time differs from it, most at batch 1, where "
            "reading the fully connected weights from memory takes longer than multiplying by them.",
        ),
    ),
    caveats=("The tolerances are 62.25 to 62.5 million, 5.5 to 6.5 % and 94.5 to 95.5 %.",),
)
