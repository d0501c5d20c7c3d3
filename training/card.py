"""The model card: what model.json says, for the person who has to decide about the model."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Facts = Mapping[str, Any]

FINDINGS = {
    "listed": "files listed",
    "copies": "byte-identical copies left out",
    "contradictions": "left out because identical files carry different labels",
    "unreadable": "left out because they cannot be read",
    "used": "images used",
    "ungrouped": "of the files listed have no group, so each stands for itself",
}
"""What is counted when a data set is prepared, in words."""


def render_card(model: Facts) -> str:
    """Markdown for the content of a `model.json`."""
    sections = (
        f"# {model['title']}: model {model['version']}",
        f"**{model['disclaimer']}**",
        "## Intended use",
        model["intended_use"],
        "## Limits",
        _bullets(model["limits"]),
        "## Test",
        _test(model),
        "## Data",
        _data(model["data"], model["classes"]),
        "## Model and training",
        _training(model),
    )
    return "\n\n".join(sections) + "\n"


def describe_findings(findings: Mapping[str, int]) -> str:
    """What was found in a data set, in one line."""
    return ", ".join(f"{findings[key]} {title}" for key, title in FINDINGS.items() if findings[key])


def _test(model: Facts) -> str:
    test, part = model["metrics"]["test"], model["data"]["split"]["test"]
    rows = (
        ("Accuracy", _percent(test["accuracy"])),
        ("Balanced accuracy (mean sensitivity)", _percent(test["balanced_accuracy"])),
        ("F1 (mean over classes)", _percent(test["macro_f1"])),
        ("Area under the ROC curve (mean over classes)", _fraction(test["auc"])),
        (
            "Calibration error (ECE)",
            f"{test['ece_before']:.3f} before scaling, {test['ece_after']:.3f} after",
        ),
        ("Called unfamiliar", f"{100 * test['unfamiliar']:.2f} %"),
    )
    rates = [
        (name, _percent(rate["sensitivity"]), _percent(rate["specificity"]))
        for name, rate in test["per_class"].items()
    ]
    confusion = zip(model["classes"], test["confusion_matrix"], strict=True)
    return "\n\n".join(
        (
            f"{part['images']} images of {part['groups']} groups (patients), none of which was used to train "
            "it or to choose its seed, epoch, temperature or threshold. The model in this package is the "
            "very one that was tested. In brackets: 95 % intervals from a bootstrap over groups; where no "
            "error was seen, the lower end is the exact binomial one for as many trials as there are groups. "
            "What else is known of these images stands under Data.",
            _table(("Metric", "Value"), rows),
            _table(("Class", "Sensitivity", "Specificity"), rates),
            "Confusion matrix (rows: true class, columns: answer):",
            _table(("", *model["classes"]), ((name, *counts) for name, counts in confusion)),
            *_repeats(model["training"].get("repeats", ())),
        )
    )


def _repeats(repeats: Sequence[Facts]) -> Iterable[str]:
    if len(repeats) < 2:
        return
    values = [repeat["test"]["accuracy"] for repeat in repeats]
    yield (
        f"The same training was done with {len(repeats)} seeds; this model is the one with the lowest "
        "validation loss. "
        f"Mean test accuracy over the seeds: {100 * sum(values) / len(values):.2f} % "
        f"(from {100 * min(values):.2f} % to {100 * max(values):.2f} %)."
    )
    rows = [
        (
            f"{repeat['seed']}{' (this model)' if repeat['kept'] else ''}",
            repeat["epoch"],
            f"{repeat['validation']['loss']:.4f}",
            f"{100 * repeat['validation']['balanced_accuracy']:.2f} %",
            f"{100 * repeat['test']['accuracy']:.2f} %",
            f"{100 * repeat['test']['balanced_accuracy']:.2f} %",
        )
        for repeat in repeats
    ]
    yield _table(
        ("Seed", "Epoch", "Validation loss", "Validation bal. acc.", "Test accuracy", "Test bal. acc."), rows
    )


def _data(data: Facts, classes: Sequence[str]) -> str:
    split = data["split"]
    sizes = [(name, *(part["classes"][name] for part in split.values())) for name in classes]
    sizes.append(("images", *(part["images"] for part in split.values())))
    sizes.append(("groups (patients)", *(part["groups"] for part in split.values())))
    facts = (
        f"{data['name']}.",
        f"Citation: {data['citation']}",
        f"Licence: {data['licence']}",
        f"Taken from: {data['origin']}",
        f"Fingerprint (SHA-256 of contents, labels, groups and parts): `{data['fingerprint']}`",
        f"Found: {describe_findings(data['findings'])}",
    )
    return "\n\n".join(
        (
            _bullets(facts),
            "Split by group: all images of a patient stand on one side.",
            _table(("Class", *split), sizes),
            "What is known to be wrong or peculiar:",
            _bullets(data["notes"]),
        )
    )


def _training(model: Facts) -> str:
    size, training = model["input"], model["training"]
    colours = "grey" if size["channels"] == 1 else "RGB"
    facts = (
        f"Input: {size['width']} x {size['height']} pixels, {colours}, fit: {size['fit']}",
        f"Temperature of the probabilities, fitted on validation: {model['temperature']:.3f}",
        f"An image is called unfamiliar beyond distance {model['thresholds']['distance']:.2f}, which "
        f"{100 * training['distance_quantile']:g} % of the validation images do not reach",
        f"Graph: {model['size_bytes']:,} bytes, SHA-256 `{model['sha256']}`",
        f"Largest difference to the network's probabilities: {model['parity']['max_abs_difference']:.0e}",
        f"Made {model['created_at']} from commit {model['git_commit'] or 'unknown'}",
    )
    settings = [(name, value) for name, value in training.items() if name not in ("augmentation", "repeats")]
    changes = training["augmentation"].items()
    tables = (_table(("Setting", "Value"), settings), _table(("Augmentation", "Value"), changes))
    return "\n\n".join((_bullets(facts), *tables))


def _percent(metric: Mapping[str, float]) -> str:
    return f"{100 * metric['value']:.2f} % ({100 * metric['low']:.2f} to {100 * metric['high']:.2f})"


def _fraction(metric: Mapping[str, float]) -> str:
    return f"{metric['value']:.4f} ({metric['low']:.4f} to {metric['high']:.4f})"


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
