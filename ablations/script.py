"""What does the article's training script reach, and what do its choices bring? No claim is made."""

from ablations import DOCUMENT_RECIPE, Study

STUDY = Study(
    question="How accurate is the article's script as printed, and with each of its choices switched?",
    base={"layout": "document", "dropout": 0.5},
    recipe=DOCUMENT_RECIPE,
    arms={
        "as printed": {},
        "without dropout": {"dropout": 0.0},
        "without crops and mirroring": {"augmentation": "none"},
        "pooling after the second convolution too": {"layout": "document-pooled"},
    },
    seeds={"quick": 2},
    claims=(),
    caveats=("On CIFAR-10 the network has its full width; the profile limits the number of images, not the epochs.",),
)
