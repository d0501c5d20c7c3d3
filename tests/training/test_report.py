"""The text and tables of a report."""

import re

import pytest

from chalicelib.tasks import load_task, load_tasks
from tests.training.assessments import make_assessment
from training.core.markdown import fraction, percent
from training.reports.report import render_results


def render_report(task_name: str, only: int | None = None, temperature: float | None = 1.7) -> str:
    task = load_task(task_name)
    return render_results(
        make_assessment(task, only=only, temperature=temperature).metrics, task.class_names, "plots"
    )


@pytest.mark.parametrize("name", load_tasks())
def test_report_tables_contain_every_class(name: str) -> None:
    task = load_task(name)
    metrics, text = make_assessment(task).metrics, render_report(name)

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


def test_finding_section_needs_a_negative_class() -> None:
    task = load_task("chest-xray")
    finding, text = make_assessment(task).metrics["finding"], render_report("chest-xray")

    assert f"Every class but `{task.negative}` counts as a finding ({finding['images']} of" in text
    assert (
        f"| Precision at recall of at least 0.99 | {percent(finding['precision_at_high_recall'])} |" in text
    )
    assert "misses at most 1 % of the findings" in text
    assert load_task("mammography-views").negative is None
    assert "finding" not in render_report("mammography-views")


def test_report_shows_all_plots() -> None:
    pictures = re.findall(r"!\[[^]]+\]\((.*)\)", render_report("chest-xray"))

    assert pictures == [
        f"plots/{name}.svg" for name in ("confusion", "roc", "precision-recall", "reliability", "selective")
    ]


def test_subgroups_include_a_row_for_unknown_values() -> None:
    text = render_report("chest-xray")

    assert "### By sex" in text
    assert re.search(r"^\| F \| 50 \| 50 \| ", text, re.MULTILINE)
    assert re.search(r"^\| not stated \| 50 \| 50 \| ", text, re.MULTILINE)


def test_undefined_metrics_are_marked() -> None:
    text = render_report("chest-xray", only=0)

    assert "| not defined |" in text
    assert "None" not in text
    assert "nan" not in text


def test_calibration_before_scaling_is_reported_if_known() -> None:
    assert "; before temperature scaling it was 0." in render_report("chest-xray")
    assert "before temperature scaling" not in render_report("chest-xray", temperature=None)
