"""Is ReLU cheaper and sparser than sigmoid and tanh? (Krizhevsky et al. 2012, section 3.1; Glorot et al. 2011).

Margins of times are factors, those of shares percentage points; Hoyer's sparsity lies between 0 and 1. A constant that
a share is compared with is a fraction. A unit is active on an image if its output is not zero, and alive if it is so on
any test image; shares are means over the layers. Initial weights are scaled to each activation. The claim about
cost holds if both stated comparisons do.
"""

from ablations import (
    Ask,
    Claim,
    Contrast,
    ModelConfig,
    Published,
    Setting,
    Study,
    Timing,
)

ACTIVATIONS = ("relu", "tanh", "sigmoid")
IN_CACHE, FROM_MEMORY = 2**14, 2**24  # elements; of the larger tensor a GPU's kernel takes longer than its launch


def timings(setting: Setting) -> tuple[Timing, ...]:
    """Time the activations alone, the stated size first, and a training step with each."""
    profile = setting.profile
    width = profile.width("alexnet-32", setting.data)
    arms = tuple((name, ModelConfig(activation=name, width=width)) for name in ACTIVATIONS)
    sizes = tuple(2**n for n in range(10, 30, 2) if 2**n <= profile.elements)
    stated_size = IN_CACHE if setting.device == "cpu" else FROM_MEMORY
    return (
        Timing("activations", arms, (stated_size, *sizes), profile.rounds, setting.device, setting.precision),
        Timing("steps", arms, (128,), profile.rounds, setting.device, setting.precision),
    )


def compare_times(metric: str, other: str) -> Contrast:
    """Return the contrast: another activation takes at least 1.25 times as long as ReLU."""
    return Contrast(metric, other, "relu", margin=1.25, ratio=True)


STUDY = Study(
    question="Is ReLU cheaper to compute, and sparser, than sigmoid and tanh?",
    topic="ReLU",
    arms={name: {"activation": name} for name in ACTIVATIONS},
    timings=timings,
    probes=tuple(Ask("activity", (activation,)) for activation in ACTIVATIONS),
    claims=(
        Claim(
            "relu-cost",
            "max(0, x) costs much less to compute than sigmoid or tanh",
            setting="the kernel, forward and backward: in the cache of a CPU, or 2^24 elements on a GPU",
            stated=(compare_times("time/kernel_ms", "sigmoid"), compare_times("time/kernel_ms", "tanh")),
            beyond={
                "from memory, sigmoid": compare_times(f"time/kernel_ms/{FROM_MEMORY}", "sigmoid"),
                "from memory, tanh": compare_times(f"time/kernel_ms/{FROM_MEMORY}", "tanh"),
                "a whole training step, sigmoid": compare_times("time/step_ms", "sigmoid"),
                "a whole training step, tanh": compare_times("time/step_ms", "tanh"),
            },
        ),
        Claim(
            "relu-sparsity",
            "ReLU activates fewer units than the 50 % of sigmoid",
            setting="AlexNet scaled to the data after training, units that are alive, over the test images",
            stated=(Contrast("sparsity/active/mean", "relu", 0.5, margin=5, direction="lower"),),
            beyond={
                "dead units counted too": Contrast("sparsity/zeros/mean", "relu", 0.5, margin=5),
                "activations above 0.5, against sigmoid": Contrast(
                    "activity/above/0.5", "relu", "sigmoid", margin=5, direction="lower"
                ),
                "Hoyer's sparsity, against sigmoid": Contrast("sparsity/hoyer/mean", "relu", "sigmoid", margin=0.05),
                "Hoyer's sparsity, against tanh": Contrast("sparsity/hoyer/mean", "relu", "tanh", margin=0.05),
            },
            published=(Published("about 50 % exact zeros before training, 83 % after", "Glorot et al. 2011"),),
            caveat="Sigmoid's '50 % active' is a mean level, not a count: none of its outputs is exactly zero.",
        ),
    ),
)
