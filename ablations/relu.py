"""Is ReLU cheaper, faster to learn and sparser than sigmoid and tanh? (Krizhevsky et al. 2012, section 3.1)."""

from ablations import CAFFENET, Ask, Claim, Contrast, ModelConfig, Printed, Published, Setting, Study, Timing, designs

ACTIVATIONS = ("relu", "tanh", "sigmoid")
ARMS = {name: {"activation": name} for name in ACTIVATIONS}
STEPS = "speed/steps_to_train_error_25"


def timings(setting: Setting) -> tuple[Timing, ...]:
    """Time the activations alone, on tensors of many sizes, and a training step with each."""
    profile = setting.profile
    arms = tuple((name, ModelConfig(activation=name, width=profile.width("document"))) for name in ACTIVATIONS)
    sizes = tuple(2**n for n in range(10, 30, 2) if 2**n <= profile.elements)
    return (
        Timing("activations", arms, sizes, profile.rounds, setting.device, setting.precision),
        Timing("steps", arms, (128,), profile.rounds, setting.device, setting.precision),
    )


def cost_contrasts(metric: str, regime: str) -> tuple[Contrast, ...]:
    """Return the contrasts of a time: sigmoid and tanh take at least 1.25 times as long as ReLU."""
    return tuple(
        Contrast(metric, other, "relu", 1.25, direction="higher", ratio=True, regime=regime)
        for other in ("sigmoid", "tanh")
    )


STUDY = Study(
    question="What does ReLU bring in cost, in learning speed and in sparsity, against sigmoid and tanh?",
    base={"dropout": 0.0, "augmentation": "none"},  # no regularisation of any kind, as in the paper's figure 1
    arms=designs.add_own_rate_arms(ARMS),
    tuning=designs.learning_rate_tuning(ARMS),
    timings=timings,
    probes=tuple(Ask("activity", (activation,)) for activation in ACTIVATIONS),
    printed=Printed(CAFFENET, {"relu": 0.471, "tanh": 0.401}),
    claims=(
        Claim(
            "relu-cost",
            "ReLU costs much less to compute than sigmoid or tanh",
            cost_contrasts("time/kernel_ms/16384", "the kernel, in the cache")
            + cost_contrasts("time/kernel_ms/4194304", "the kernel, from memory")
            + cost_contrasts("time/step_ms", "a whole training step"),
            regimes="what is timed",
        ),
        Claim(
            "relu-speed",
            "A network with ReLU reaches 25 % training error in fewer steps than with tanh or sigmoid",
            designs.contrasts_at_both_rates(STEPS, "tanh", "relu", 1.1, ratio=True)
            + designs.contrasts_at_both_rates(STEPS, "sigmoid", "relu", 1.1, ratio=True),
            published=(Published("6 times faster than tanh", "Krizhevsky et al. 2012, section 3.1, figure 1"),),
            regimes="tuning",
            caveat="A shared learning rate is the best one for ReLU. Arms that never arrive are censored.",
        ),
        Claim(
            "relu-sparsity",
            "ReLU leaves fewer than half of its units active, and its responses are sparser than sigmoid's",
            (
                Contrast("sparsity/zeros/mean", "relu", 0.5, margin=5),
                Contrast("sparsity/hoyer/mean", "relu", "sigmoid", margin=0.05),
            ),
            published=(Published("about 50 % exact zeros, before training", "Glorot et al. 2011, section 3.2"),),
            caveat="Sigmoid's '50 % active' is a mean level, not a count: none of its outputs is exactly zero.",
        ),
    ),
)
