"""The model card: the content of model.json for the people who decide about the model.

`python -m training.reports.card FOLDER` renders the card and the plots of a package again.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from chalicelib.hyperparameters import WEIGHTS, current_names
from chalicelib.tasks import load_tasks
from training.core.facts import Facts
from training.core.markdown import bullets, share, table
from training.data.findings import describe_findings
from training.evaluation.gate import describe_shortfall
from training.reports.plots import save_plots
from training.reports.report import render_results
from training.reports.seed_results import is_cross_validated, seed_results

PLOTS = "plots"
"""Folder of the plots, beside the card."""


def write_card(folder: Path, model: Facts) -> None:
    """Write card.md and its plots into `folder`; `model` is the content of a model.json."""
    save_plots(
        folder / PLOTS,
        "svg",
        heading(model),
        model["classes"],
        model["metrics"]["test"],
        model["curves"],
    )
    (folder / "card.md").write_text(render_card(model), encoding="utf-8")


def heading(model: Facts) -> str:
    """The heading of the plots."""
    part = model["data"]["split"]["test"]
    return f"{model['title']}, test: {part['images']} images of {part['groups']} groups (patients)"


def render_card(model: Facts) -> str:
    """Markdown for the content of a model.json."""
    sections = (
        f"# {model['title']}: model {model['version']}",
        f"**{model['disclaimer']}**",
        "## Intended use",
        model["intended_use"],
        "## Limits",
        bullets(model["limits"]),
        "## Test",
        *_test(model),
        *_out_of_distribution(model),
        "## Data",
        *_data(model["data"], model["classes"]),
        "## Model and training",
        *_training(model),
    )
    return "\n\n".join(sections) + "\n"


def _test(model: Facts) -> Iterator[str]:
    part = model["data"]["split"]["test"]
    yield (
        f"{part['images']} images of {part['groups']} groups (patients), none of which was used to train the "
        "model or to choose its seed, epoch, temperature or threshold. The model in this package is the one "
        "that was tested. Known problems of these images are listed under Data."
    )
    yield from _shortfall(model)
    yield render_results(model["metrics"]["test"], model["classes"], PLOTS)
    yield from _seeds(model["training"])


def _shortfall(model: Facts) -> Iterator[str]:
    """The metrics below those that the task demands, if the task still exists."""
    task = load_tasks().get(model["task"])
    short = describe_shortfall(task, model["metrics"]["test"]) if task else ""
    if short:
        yield (
            f"**This model does not reach the metrics that its task demands: {short}.** It ships for want of "
            "a better one, and all its answers are marked for review. The shares below are what its review "
            "rule alone would mark."
        )


def _seeds(training: Facts) -> Iterator[str]:
    seeds = seed_results(training)
    if len(seeds) < 2:
        return
    values = [seed["test"]["accuracy"] for seed in seeds]
    yield "### Variation over seeds"
    yield (
        f"The training was run with {len(seeds)} seeds. {_choice(training, seeds)} "
        f"Mean test accuracy over the seeds: {100 * sum(values) / len(values):.1f} % "
        f"(from {100 * min(values):.1f} % to {100 * max(values):.1f} %). The balanced accuracy on validation "
        "is that of the training, before the weights are rounded and the answers calibrated."
    )
    yield table(
        (
            "Seed",
            "Training time",
            "Epoch",
            "Validation loss",
            "Validation bal. acc.",
            "Test accuracy",
            "Test bal. acc.",
        ),
        [
            (
                f"{seed['seed']}{' (kept)' if seed['kept'] else ''}",
                f"{seed['seconds'] / 60:.1f} min",
                seed["epoch"],
                f"{seed['validation']['loss']:.4f}",
                f"{100 * seed['validation']['balanced_accuracy']:.1f} %",
                f"{100 * seed['test']['accuracy']:.1f} %",
                f"{100 * seed['test']['balanced_accuracy']:.1f} %",
            )
            for seed in seeds
        ],
    )


def _choice(training: Facts, seeds: Sequence[Facts]) -> str:
    if is_cross_validated(training):
        return (
            f"They are {len(seeds)} networks of a cross-validation: each was validated on another fold of "
            "the images outside the test part, and trained on the rest. This model averages their answers. "
            "Temperature and thresholds were fitted to the answers of each network for its own fold."
        )
    kept = sum(seed["kept"] for seed in seeds)
    if kept == 1:
        return "This model is the one with the lowest validation loss."
    if training.get("ensemble_average") == WEIGHTS:
        return f"This model has the mean weights of {kept} of them."
    return f"This model averages the answers of the {kept} networks with the lowest validation loss."


def _out_of_distribution(model: Facts) -> Iterator[str]:
    measured = model["metrics"].get("unfamiliar")
    if not measured:
        return
    yield "## Out-of-distribution images"
    yield (
        "Images of other data sets were counterexamples in training; the table is for images of other "
        "patients of the same data sets. AUROC is the probability that the distance of one of them is "
        "larger than that of a test image of this task (0.5: no separation). Flagged is the share above the "
        f"distance threshold, compared with {100 * model['metrics']['test']['unfamiliar']:.1f} % of the test "
        "images of this task. The last column is the AUROC with that data set held out of the "
        "counterexamples: what to expect for other kinds of images."
    )
    yield table(
        ("Data set", "Images", "AUROC", "Flagged", "AUROC if held out"),
        [
            (
                name,
                kind["images"],
                f"{kind['auroc']:.3f}",
                share(kind["flagged"]),
                f"{kind['auroc_unseen']:.3f}" if "auroc_unseen" in kind else "not measured",
            )
            for name, kind in measured.items()
        ],
    )


def _data(data: Facts, classes: Sequence[str]) -> Iterator[str]:
    split = data["split"]
    sizes = [(name, *(part["classes"][name] for part in split.values())) for name in classes]
    sizes.append(("images", *(part["images"] for part in split.values())))
    sizes.append(("groups (patients)", *(part["groups"] for part in split.values())))
    yield bullets(
        (
            f"{data['name']}.",
            f"Citation: {data['citation']}",
            f"Licence: {data['licence']}",
            f"Taken from: {data['origin']}",
            f"Fingerprint (SHA-256 of contents, labels, groups and parts): `{data['fingerprint']}`",
            f"Found: {describe_findings(data['findings'])}",
        )
    )
    yield "All images of a group (a patient, if the data name patients) are in one part. Numbers of images:"
    yield table(("Class", *split), sizes)
    if data["given_split"]:
        yield data["given_split"]
    yield "Known problems:"
    yield bullets(data["notes"])


def _training(model: Facts) -> Iterator[str]:
    size, training = model["input"], model["training"]
    credit = training.get("starting_weights")
    colours = "grey" if size["channels"] == 1 else "RGB"
    yield bullets(
        (
            *([f"Architecture: {training['architecture']}"] if "architecture" in training else []),
            *([_starting_weights(training["start_from"], credit)] if credit else []),
            *_duration(training),
            f"Input: {size['width']} x {size['height']} pixels, {colours}, fit: {size['fit']}",
            f"Temperature, fitted on validation: {model['temperature']:.3f}",
            f"Distance threshold for out-of-distribution images: {model['thresholds']['distance']:.2f}, the "
            f"{100 * training['distance_quantile']:g} % quantile of the validation images",
            *_probability_threshold(model["thresholds"]),
            f"Graph: {model['size_bytes']:,} bytes, SHA-256 `{model['sha256']}`",
            "Largest difference between probabilities of torch and onnxruntime: "
            f"{model['parity']['max_abs_difference']:.0e}",
            f"Created {model['created_at']} from commit {model['git_commit'] or 'unknown'}",
        )
    )
    yield "Settings of the training:"
    # Packages of release 0.1 have former names.
    settings = [
        (name, value)
        for name, value in current_names(training).items()
        if name != "seconds" and not isinstance(value, dict | list)
    ]
    yield table(("Setting", "Value"), settings)
    yield "Random augmentation of the training images:"
    yield table(("Augmentation", "Value"), training["augmentation"].items())


def _duration(training: Facts) -> Iterator[str]:
    if "seconds" in training:  # unknown for some packages whose training was interrupted
        yield f"Training, calibration and tests took {training['seconds'] / 60:.0f} minutes"


def _probability_threshold(thresholds: Facts) -> Iterator[str]:
    if "probability" not in thresholds:  # a package of an earlier training
        return
    if thresholds["probability"] is None:
        yield "Every answer is marked for review: no threshold was good enough on validation"
    else:
        yield f"Answers with a probability below {thresholds['probability']:.3f} are marked for review"


def _starting_weights(name: str, credit: Facts) -> str:
    text = f"Starting weights: {name}"
    if "licence" in credit:
        text += f", licence {credit['licence']}. Citation: {credit['citation']}"
    if "trained_on" in credit:
        text += f". Pretrained on: {credit['trained_on']}"
    return text


def main(argv: Sequence[str] | None = None) -> int:
    """Render the card and plots of a package; the exit status says whether that worked."""
    parser = argparse.ArgumentParser(
        prog="training.reports.card", description="Write a model card from model.json."
    )
    parser.add_argument("folder", type=Path, help="the package: a folder that holds model.json")
    folder = parser.parse_args(argv).folder
    try:
        model = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        write_card(folder, model)
    except (OSError, ValueError) as error:
        print(f"error: {folder / 'model.json'} cannot be read: {error}", file=sys.stderr)
        return 1
    except KeyError as error:
        print(f"error: {folder / 'model.json'} lacks {error}; train the model again.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
