"""What a test says about a model, in words and tables for the person who has to decide about it."""

from collections.abc import Iterator, Sequence

from training.core.facts import Facts
from training.core.markdown import fraction, percent, table
from training.evaluation.metrics import HIGH_RECALL, SMALLEST_SUBGROUP

INTERVALS = (
    "In brackets: 95 % intervals from a bootstrap over groups (patients). Where no error was seen, the open "
    "end is the exact binomial one for as many trials as there are groups. Areas under curves have no such "
    "bound: 1.000 (1.000 to 1.000) only says that these images were too few, or too easy, to see a mistake."
)


def render_results(metrics: Facts, classes: Sequence[str], plots: str) -> str:
    """Markdown for the metrics that `assessment.assess` makes; `plots` is the folder of pictures to show."""
    return "\n\n".join(
        (
            *_overall(metrics),
            *_finding(metrics),
            *_per_class(metrics),
            *_confusion(metrics, classes, plots),
            *_curves(plots),
            *_calibration(metrics, plots),
            *_subgroups(metrics),
        )
    )


def _overall(metrics: Facts) -> Iterator[str]:
    review = metrics["review"]
    yield INTERVALS
    yield table(
        ("Metric", "Value", "What it says"),
        (
            ("Accuracy", percent(metrics["accuracy"]), "images with the right answer"),
            (
                "Balanced accuracy",
                percent(metrics["balanced_accuracy"]),
                "the same if all classes were equally frequent (mean sensitivity)",
            ),
            ("Macro F1", percent(metrics["macro_f1"]), "mean over the classes of F1, see below"),
            ("AUC", fraction(metrics["auc"]), "mean over the classes of the area under the ROC curve"),
            (
                "Sent to a person",
                f"{100 * review['share']:.1f} %",
                "images that the task's rule for review asks a person to look at as well",
            ),
            (
                "Accuracy of the rest",
                percent(review["accuracy_of_rest"]),
                "right answers among the images that nobody is asked to look at",
            ),
            (
                "Called unfamiliar",
                f"{100 * metrics['unfamiliar']:.1f} %",
                "images further from all training images than the distance threshold",
            ),
        ),
    )


def _finding(metrics: Facts) -> Iterator[str]:
    if "finding" not in metrics:
        return
    finding = metrics["finding"]
    yield "### Is there anything to be found?"
    yield (
        f"Every class but `{finding['negative']}` counts as a finding ({finding['images']} of these images). "
        "An image counts as found if the answer is any of them; AUC and average precision rank the images by "
        f"one minus the probability of `{finding['negative']}`. The last line is read off the curve of these "
        f"very images: the best precision that a threshold could have had if it missed at most "
        f"{100 * (1 - HIGH_RECALL):.0f} % of the findings. The model does not use that threshold."
    )
    yield table(
        ("Metric", "Value"),
        (
            ("Accuracy", percent(finding["accuracy"])),
            ("Sensitivity (recall)", percent(finding["sensitivity"])),
            ("Specificity", percent(finding["specificity"])),
            ("Precision", percent(finding["precision"])),
            ("AUC", fraction(finding["auc"])),
            ("Average precision", fraction(finding["average_precision"])),
            (
                f"Precision at recall of at least {HIGH_RECALL}",
                percent(finding["precision_at_high_recall"]),
            ),
        ),
    )


def _per_class(metrics: Facts) -> Iterator[str]:
    rates = metrics["per_class"]
    yield "### Each class against the rest"
    yield (
        "Sensitivity (recall) is the share of a class's images that get its name, specificity the share of "
        "the other images that do not, precision the share of the images with that name that deserve it."
    )
    yield table(
        ("Class", "Images", "Sensitivity", "Specificity", "Precision"),
        [
            (
                name,
                rate["images"],
                *(percent(rate[key]) for key in ("sensitivity", "specificity", "precision")),
            )
            for name, rate in rates.items()
        ],
    )
    yield (
        "F1 is the harmonic mean of sensitivity and precision. AUC is the chance that an image of the class "
        "gets a higher probability for it than an image of another class; average precision is the mean "
        "precision over all recalls, for a model that guesses the class's share of the images."
    )
    yield table(
        ("Class", "F1", "AUC", "Average precision"),
        [
            (name, percent(rate["f1"]), fraction(rate["auc"]), fraction(rate["average_precision"]))
            for name, rate in rates.items()
        ],
    )


def _confusion(metrics: Facts, classes: Sequence[str], plots: str) -> Iterator[str]:
    yield "### What is taken for what"
    yield "Confusion matrix: rows are the true class, columns the answer, cells count images."
    counts = zip(classes, metrics["confusion_matrix"], strict=True)
    yield table(("", *classes), ((name, *row) for name, row in counts))
    yield f"![Confusion matrix]({plots}/confusion.svg)"


def _curves(plots: str) -> Iterator[str]:
    yield "### Other thresholds"
    yield (
        "What each class's probability could do as a score with a threshold of its own. (The answer is "
        "always the most probable class.)"
    )
    yield f"![ROC curves]({plots}/roc.svg)"
    yield f"![Precision over recall]({plots}/precision-recall.svg)"


def _calibration(metrics: Facts, plots: str) -> Iterator[str]:
    before, after = metrics["ece_before"], metrics["ece_after"]
    known = "" if before is None else f"; before temperature scaling it was {before:.3f}"
    yield "### Do the probabilities mean what they say?"
    yield (
        "Of the answers given with a probability of 90 %, nine in ten should be right. The expected "
        "calibration error (ECE, mean gap between probability and share of right answers) is "
        f"{after:.3f}{known}."
    )
    yield f"![Reliability diagram]({plots}/reliability.svg)"


def _subgroups(metrics: Facts) -> Iterator[str]:
    for attribute, values in metrics.get("subgroups", {}).items():
        yield f"### By {attribute}"
        yield f"Values with fewer than {SMALLEST_SUBGROUP} images are left out."
        yield table(
            (attribute, "Images", "Groups", "Accuracy", "Balanced accuracy"),
            [
                (
                    value or "not stated",
                    part["images"],
                    part["groups"],
                    percent(part["accuracy"]),
                    percent(part["balanced_accuracy"]),
                )
                for value, part in sorted(values.items(), key=lambda item: not item[0])
            ],
        )
