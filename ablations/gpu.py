"""Does a GPU make training faster, and as accurate? (Krizhevsky et al. 2012, section 3.2).

Margins are a factor for times, percentage points for accuracies; 'equal' means that the 90 % interval of the difference
lies within the margin.
"""

from ablations import Claim, Contrast, ModelConfig, Setting, Study, Timing


def timings(setting: Setting) -> tuple[Timing, ...]:
    """Time a training step on all cores of the CPU and on the GPU; return no timings without a GPU."""
    if setting.device != "cuda":
        return ()
    model = ModelConfig(width=setting.profile.width("alexnet-32", setting.data))
    return tuple(
        Timing("steps", ((device, model),), (128,), setting.profile.rounds, device, precision, threads)
        for device, precision, threads in (("cpu", "float32", 0), ("cuda", setting.precision, 1))
    )


STUDY = Study(
    question="Does a GPU bring speed, accuracy, or both?",
    topic="GPU",
    arms={"cuda": {"device": "cuda"}, "cpu": {"device": "cpu"}},
    seeds={"standard": 5, "full": 5},
    timings=timings,
    claims=(
        Claim(
            "gpu",
            "AlexNet's success came from GPUs: the same training is at least twice as fast, and as accurate",
            setting="AlexNet scaled to the data, all cores of the CPU against one GPU",
            stated=(
                Contrast("time/step_ms", "cpu", "cuda", margin=2, ratio=True),
                Contrast("test/accuracy", "cuda", "cpu", margin=0.5, direction="equal"),
            ),
        ),
    ),
)
