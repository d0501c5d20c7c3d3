"""The results of a test as Markdown, for the people who decide about the model."""

from collections.abc import Iterator, Sequence

from training.core.facts import Facts
from training.core.markdown import fraction, percent, share, table
from training.evaluation.metrics import HIGH_RECALL, MIN_SUBGROUP

INTERVALS = (
    "In brackets: 95 % intervals from a bootstrap over groups (patients). Where the test shows no error, the "
    "lower limit is the exact binomial one for the number of groups. Areas under curves have no such limit: "
    "1.000 (1.000 to 1.000) only says that these images were too few, or too easy, to show a mistake. "
    "Intervals of classes with fewer than ten patients are too narrow to rely on."
)


def render_results(metrics: Facts, classes: Sequence[str], plots: str) -> str:
    """Markdown for the metrics that `assessment.assess` makes; `plots` is the folder of the plots."""
    return "\n\n".join(
        (
            *_overall(metrics),
            *_finding(metrics),
            *_per_class(metrics),
            *_confusion(metrics, classes, plots),
            *_curves(plots),
            *_calibration(metrics, plots),
            *_selective(metrics, plots),
            *_stress(metrics),
            *_pointing(metrics),
            *_subgroups(metrics),
        )
    )


def _overall(metrics: Facts) -> Iterator[str]:
    review = metrics["review"]
    yield INTERVALS
    yield table(
        ("Metric", "Value", "Meaning"),
        (
            ("Accuracy", percent(metrics["accuracy"]), "share of the images with the right answer"),
            (
                "Balanced accuracy",
                percent(metrics["balanced_accuracy"]),
                "mean sensitivity: the accuracy if all classes were equally frequent",
            ),
            ("Macro F1", percent(metrics["macro_f1"]), "mean F1 over the classes, see below"),
            ("AUC", fraction(metrics["auc"]), "mean area under the ROC curve over the classes"),
            (
                "Marked for review",
                share(review["share"]),
                "share of the images that the review rule of the task marks",
            ),
            (
                "Accuracy of the rest",
                percent(review["accuracy_of_rest"]),
                "accuracy of the images that are not marked for review",
            ),
            (
                "Out-of-distribution",
                share(metrics["unfamiliar"]),
                "share of the images above the distance threshold",
            ),
        ),
    )


def _finding(metrics: Facts) -> Iterator[str]:
    if "finding" not in metrics:
        return
    finding = metrics["finding"]
    yield "### Any finding"
    yield (
        f"Every class but `{finding['negative']}` counts as a finding ({finding['images']} of the images). "
        "An image counts as found if the answer is any of these classes; AUC and average precision rank the "
        f"images by one minus the probability of `{finding['negative']}`. The last line is the highest "
        f"precision of a threshold that misses at most {100 * (1 - HIGH_RECALL):.0f} % of the findings among "
        "these images. The model does not use that threshold."
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
        "Sensitivity (recall) is the share of the images of a class that are predicted as this class, "
        "specificity the share of the other images that are not, and precision the share of the images "
        "predicted as this class that belong to it."
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
        "F1 is the harmonic mean of sensitivity and precision. AUC is the probability that an image of the "
        "class gets a higher probability for it than an image of another class. Average precision is the "
        "mean precision over all recalls; for random answers it is the share of the class in the images."
    )
    yield table(
        ("Class", "F1", "AUC", "Average precision"),
        [
            (name, percent(rate["f1"]), fraction(rate["auc"]), fraction(rate["average_precision"]))
            for name, rate in rates.items()
        ],
    )


def _confusion(metrics: Facts, classes: Sequence[str], plots: str) -> Iterator[str]:
    yield "### Confusion matrix"
    yield "Rows are true classes, columns predicted ones; cells are numbers of images."
    counts = zip(classes, metrics["confusion_matrix"], strict=True)
    yield table(("", *classes), ((name, *row) for name, row in counts))
    yield f"![Confusion matrix]({plots}/confusion.svg)"


def _curves(plots: str) -> Iterator[str]:
    yield "### Other thresholds"
    yield (
        "The probability of each class as a score, at all thresholds. (The answer is always the most "
        "probable class.)"
    )
    yield f"![ROC curves]({plots}/roc.svg)"
    yield f"![Precision over recall]({plots}/precision-recall.svg)"


def _calibration(metrics: Facts, plots: str) -> Iterator[str]:
    before, after = metrics["ece_before"], metrics["ece_after"]
    known = "" if before is None else f"; before temperature scaling it was {before:.3f}"
    yield "### Calibration"
    yield (
        "Nine in ten answers with a probability of 90 % should be right. The expected calibration error "
        f"(ECE, the mean gap between the probability and the share of right answers) is {after:.3f}{known}."
    )
    if chance := metrics.get("ece_by_chance"):
        excess = " The error of this model is larger: do not take its probabilities literally."
        yield (
            "For as many independent images, even perfectly calibrated probabilities would have an error of "
            f"{chance['mean']:.3f} on average, and of at most {chance['limit']:.3f} in 95 of 100 tests."
            f"{excess if after > chance['limit'] else ''}"
        )
    yield f"![Reliability diagram]({plots}/reliability.svg)"


def _selective(metrics: Facts, plots: str) -> Iterator[str]:
    if "accuracy_at_coverage" not in metrics:
        return
    yield "### Selective prediction"
    yield (
        "How often the most certain answers are right, if the others are left to a person. The point in the "
        "plot is the review rule of this model."
    )
    yield table(
        ("Most certain share of the images", "Accuracy"),
        [(share(covered), share(value)) for covered, value in metrics["accuracy_at_coverage"]],
    )
    yield f"![Accuracy over the share of the most certain images]({plots}/selective.svg)"


def _stress(metrics: Facts) -> Iterator[str]:
    if "stress" not in metrics:
        return
    yield "### Stress test"
    yield (
        "The same images again, each changed as images of other hospitals and devices differ. What is not "
        "marked for review should stay right."
    )
    rest = metrics["review"]["accuracy_of_rest"]["value"]
    yield table(
        ("Change", "Accuracy", "Marked for review", "Accuracy of the rest"),
        [
            ("none", share(metrics["accuracy"]["value"]), share(metrics["review"]["share"]), share(rest)),
            *(
                (name, *(share(measured[key]) for key in ("accuracy", "review", "accuracy_of_rest")))
                for name, measured in metrics["stress"].items()
            ),
        ],
    )


def _pointing(metrics: Facts) -> Iterator[str]:
    if "pointing" not in metrics:
        return
    pointing = metrics["pointing"]
    yield "### Heat maps"
    yield (
        f"People outlined the finding in {pointing['images']} of these images. The table compares the heat "
        "map of the true class with the outlines, and with an uninformed baseline."
    )
    centre, uniform = share(pointing["centre_hit"]), share(pointing["area"])
    yield table(
        ("", "Heat map", "Baseline"),
        (
            ("Maximum inside an outline", share(pointing["hit"]), f"{centre} (centre)"),
            ("Share of the map inside", share(pointing["mass"]), f"{uniform} (uniform)"),
        ),
    )


def _subgroups(metrics: Facts) -> Iterator[str]:
    for attribute, values in metrics.get("subgroups", {}).items():
        yield f"### By {attribute}"
        yield f"Values with fewer than {MIN_SUBGROUP} images are left out."
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
