"""Compares our training with a plain loop: seconds for an epoch, and to an accuracy."""

import json
import os
import statistics
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.contestants import TRAINING
from benchmarks.peers.negatoscope import TASK
from benchmarks.plan import Plan
from benchmarks.program import PROJECT, ProgramFailed
from benchmarks.section import Section

COLUMNS = ("", "ours / s", "plain loop / s", "plain: ×", "rounds")
TARGET = 0.95
"""Balanced accuracy."""
IMAGES = 640
"""Real ones; with all of them a comparison would take too long."""
TEXT = """\
EfficientNet-Lite0 for `mammography-views` from the same ImageNet weights with the same batches, on all
cores: our loop with its recipe (first blocks frozen, their maps computed once, filters of depthwise
convolutions kept, augmentation, averaged weights) beside a loop that trains all layers with AdamW,
without augmentation. They do an epoch in turn. What precedes our first epoch is shared out among the
epochs of the recipe. Times to an accuracy are those of training, without the validation after each epoch."""
PATIENCE = 900.0
"""Seconds."""


def measure(plan: Plan) -> Section:
    """Epochs of drawn images, and, in a full run, real images up to an accuracy."""
    section = Section("Training", TEXT, COLUMNS)
    plan.say("Epochs")
    images, epochs = plan.choose((192, 3), (32, 1))
    add_epochs(section, run(f"--epochs={epochs}", f"--images={images}"))
    if plan.quick:
        section.remarks.append("A quick run does not train to an accuracy.")
    elif (folder := data_folder() / TASK).is_dir():
        plan.say(f"Training to a balanced accuracy of {TARGET}")
        arguments = ("--epochs=10", f"--images={IMAGES}", f"--data={folder}", f"--target={TARGET}")
        try:
            add_accuracy(section, run(*arguments))
        except ProgramFailed as error:
            section.missing(accuracy_row(IMAGES), str(error))
    else:
        section.missing(
            accuracy_row(IMAGES), "there are no real images; set NEGATOSCOPE_DATA to their folder"
        )
    return section


def run(*arguments: str) -> dict[str, Any]:
    """Run `benchmarks.training.epochs`.

    Raises:
        ProgramFailed: if it fails.
    """
    command = [str(TRAINING), "-m", "benchmarks.training.epochs", *arguments]
    try:
        done = subprocess.run(
            command, cwd=PROJECT, capture_output=True, text=True, check=True, timeout=PATIENCE
        )
    except OSError as error:
        raise ProgramFailed(f"{TRAINING.parent.parent.name} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise ProgramFailed(f"the training took more than {PATIENCE:.0f} s") from error
    except subprocess.CalledProcessError as error:
        lines = str(error.stderr).strip().splitlines() or ["it failed"]
        raise ProgramFailed(lines[-1][:200]) from error
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def data_folder() -> Path:
    """Where the real images are, as for the tests."""
    return Path(os.environ.get("NEGATOSCOPE_DATA") or PROJECT.parent / "shared" / "data").resolve()


def add_epochs(section: Section, found: dict[str, Any]) -> None:
    """Add the time of an epoch."""
    shared = found["ours"]["begin"] / found["recipe_epochs"]
    ours, plain = [shared + one for one in found["ours"]["epochs"]], found["plain"]["epochs"]
    factor = statistics.median(other / own for own, other in zip(ours, plain, strict=True))
    name = f"an epoch of {found['images']} images"
    section.add(name, statistics.median(ours), statistics.median(plain), factor, str(len(ours)))


def add_accuracy(section: Section, found: dict[str, Any]) -> None:
    """Add the time until the accuracy was reached; nothing for a loop that did not reach it."""
    seconds: dict[str, float | None] = {}
    for name in ("ours", "plain"):
        times = found[name]
        best = max(times["accuracy"])
        seconds[name] = times["begin"] + sum(times["epochs"]) if best >= TARGET else None
        loop, epochs = {"ours": "Our loop", "plain": "The plain loop"}[name], len(times["epochs"])
        count = f"{epochs} epochs" if epochs > 1 else "one epoch"
        section.remarks.append(f"{loop} reached a balanced accuracy of {best:.3f} in {count}.")
    ours, plain = seconds["ours"], seconds["plain"]
    factor = plain / ours if ours and plain else None
    section.add(accuracy_row(found["images"]), ours, plain, factor, "1")


def accuracy_row(images: int) -> str:
    """The name of the row."""
    return f"to a balanced accuracy of {TARGET}, with {images} images"
