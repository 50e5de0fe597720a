"""Is there a best share of active units? (Glorot et al. 2011, section 4.2)"""

from ablations.study import Claim, Contrast, Published, Study

DOSES = {  # the penalty's weight, by about the share of active units that it brings (docs/log.md)
    "48 % active": 0.0,
    "45 % active": 0.1,
    "38 % active": 0.3,
    "27 % active": 0.7,
    "19 % active": 1.0,
    "under 15 % active": 2.0,
}

STUDY = Study(
    question="Does accuracy peak where 15 to 30 % of the units are active?",
    base={"normalisation": "batch", "dropout": 0.0, "augmentation": "none"},
    arms={arm: {"activation_penalty": dose} for arm, dose in DOSES.items()},
    seeds={"standard": 8},
    claims=(
        Claim(
            "sparsity-optimum",
            "Test accuracy is higher where 15 to 30 % of the units are active than where 40 to 60 % are",
            (Contrast("test/accuracy", "19 % active", "48 % active", margin=0.3),),
            published=(Published("no harm up to about 85 % zeros", "Glorot et al. 2011, section 4.2"),),
            caveat="The dose is an L1 penalty on the activations. Batch normalisation keeps about half of the units "
            "active where nothing else is asked. What share is active is measured: see exact zeros.",
        ),
    ),
)
