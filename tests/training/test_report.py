"""The words and tables of a test."""

import re

import pytest

from chalicelib.tasks import load_task, load_tasks
from tests.training.assessments import made_up
from training.core.markdown import fraction, percent, table
from training.reports.report import render_results


def render(task_name: str, only: int | None = None, temperature: float | None = 1.7) -> str:
    task = load_task(task_name)
    return render_results(
        made_up(task, only=only, temperature=temperature).metrics, task.class_names, "plots"
    )


@pytest.mark.parametrize("name", load_tasks())
def test_every_class_stands_in_every_table_that_is_about_classes(name: str) -> None:
    task = load_task(name)
    metrics, text = made_up(task).metrics, render(name)

    for class_name in task.class_names:
        assert len(re.findall(rf"^\| {class_name} \|", text, re.MULTILINE)) == 3
        rates = metrics["per_class"][class_name]
        assert (
            f"| {class_name} | {rates['images']} | {percent(rates['sensitivity'])} | "
            f"{percent(rates['specificity'])} | {percent(rates['precision'])} |" in text
        )
        assert (
            f"| {class_name} | {percent(rates['f1'])} | {fraction(rates['auc'])} | "
            f"{fraction(rates['average_precision'])} |" in text
        )
    for row, class_name in zip(metrics["confusion_matrix"], task.class_names, strict=True):
        assert f"| {class_name} | {' | '.join(map(str, row))} |" in text
    for name in ("accuracy", "balanced_accuracy", "macro_f1"):
        assert f"| {percent(metrics[name])} |" in text


def test_the_question_of_a_finding_is_asked_where_there_is_a_negative_class() -> None:
    task = load_task("chest-xray")
    finding, text = made_up(task).metrics["finding"], render("chest-xray")

    assert f"Every class but `{task.negative}` counts as a finding ({finding['images']} of" in text
    assert (
        f"| Precision at recall of at least 0.99 | {percent(finding['precision_at_high_recall'])} |" in text
    )
    assert "misses at most 1 % of the findings" in text
    assert load_task("mammography-views").negative is None
    assert "finding" not in render("mammography-views")


def test_pictures_are_shown_where_they_are_talked_about() -> None:
    pictures = re.findall(r"!\[[^]]+\]\((.*)\)", render("chest-xray"))

    assert pictures == [
        f"plots/{name}.svg" for name in ("confusion", "roc", "precision-recall", "reliability")
    ]


def test_subgroups_are_listed_with_the_unknown_called_so() -> None:
    text = render("chest-xray")

    assert "### By sex" in text
    assert re.search(r"^\| F \| 50 \| 50 \| ", text, re.MULTILINE)
    assert re.search(r"^\| not stated \| 50 \| 50 \| ", text, re.MULTILINE)


def test_what_the_images_do_not_define_is_said() -> None:
    text = render("chest-xray", only=0)

    assert "| not defined |" in text
    assert "None" not in text
    assert "nan" not in text


def test_calibration_before_scaling_is_told_where_it_is_known() -> None:
    assert "; before temperature scaling it was 0." in render("chest-xray")
    assert "before temperature scaling" not in render("chest-xray", temperature=None)


def test_numbers_are_rounded_as_far_as_they_mean_something() -> None:
    interval = {"value": 0.99738, "low": 0.99182, "high": 1.0}

    assert percent(interval) == "99.7 % (99.2 to 100.0)"
    assert fraction(interval) == "0.997 (0.992 to 1.000)"


def test_a_bar_in_a_cell_does_not_break_the_table() -> None:
    assert table(("a", "b"), [("x|y", 1)]) == "| a | b |\n| --- | --- |\n| x\\|y | 1 |"
