"""Where retrainings keep what they need, and what they make, in the data bucket."""

DATASETS = "datasets/"
"""Labelled images, below the name of their task."""
LABELLED = "labelled/"
"""Labelled images that were uploaded on the page: TASK/CLASS/DIGEST.SUFFIX below it. Those in `DATASETS` may
have any layout, to which one folder for each class cannot be added."""
RETRAININGS = "retrainings/"
SPLIT = "split.csv"
"""Below retrainings/TASK/: the manifest of the last preparation. Later ones keep every image in its part."""
EVALUATION = "evaluation/"
"""In the folder of a retraining: decision.json, report.md, plots/, and whatever else its evaluation wrote."""
CHECKPOINTS = "checkpoints/"
"""In the same folder: what the training leaves after every epoch, below the name of its job. Among it is
epochs-SEED.json for each network."""
EVALUATION_BEFORE = "judgement/"
"""The same folder in retrainings by release 0.1."""


def retraining_folder(task: str, run: str) -> str:
    """The key of a retraining's folder, ending in a slash."""
    return f"{RETRAININGS}{task}/{run}/"


def plan_key(task: str, run: str) -> str:
    """The key of a retraining's plan."""
    return f"{retraining_folder(task, run)}plan.json"
