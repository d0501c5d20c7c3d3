"""The estimate of a month's costs: its arithmetic, its command, and the tables in the documentation.

tests/functional/test_usage.py compares the calls of an image with those that a real image makes.
"""

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.tasks import TrainingSpec, load_tasks
from deploy import cost, cost_reference, costs, usage
from deploy.costs import KINDS, SAMPLES, PriceList, Workload, table
from tests.alarms import alarms
from tests.cloud import foundation

PRICES = PriceList()
SMALL, LARGE = Workload(1_000, 10_000), Workload(100_000, 1_000_000)


@pytest.fixture
def flat(tmp_path: Path) -> PriceList:
    """The prices, with one dollar for everything."""
    text = re.sub(r"usd = [0-9.e-]+", "usd = 1", costs.PRICES.read_text())
    path = tmp_path / "prices.toml"
    path.write_text(text)
    return PriceList(path)


def test_counts_are_those_of_the_templates() -> None:
    assert usage.count_alarms() == len(alarms())
    assert (usage.count_dashboards(), usage.count_keys()) == (1, 1)
    indexes = foundation()["ResultsTable"]["Properties"]["GlobalSecondaryIndexes"]
    assert usage.full_indexes() == len(indexes) - 1, "all but `unfinished` copy the item"


def test_write_units_cover_table_and_indexes() -> None:
    # Received (1 KB) and finished (2 KB) in table and three indexes; in and out of the sparse one.
    assert usage.write_units() == (1 + 2) * (1 + 3) + 2


def test_idle_stage_pays_for_key_alarms_dashboard_and_sweep_only(flat: PriceList) -> None:
    idle = table(flat, Workload(0, 0))
    assert {name for name, row in idle.items() if row["embedded"]} == {
        "encryption key", "alarms", "dashboard", "custom metrics", "sweep and drift watch", "sum",
    }  # fmt: skip
    assert idle["alarms"]["embedded"] == len(alarms())


@pytest.mark.parametrize("kind", KINDS)
def test_sum_adds_all_components(kind: str) -> None:
    rows = table(PRICES, LARGE)
    total = rows.pop("sum")[kind]
    assert total == pytest.approx(sum(row[kind] or 0 for row in rows.values()))


def test_kinds_of_serving_differ_in_their_endpoints_only() -> None:
    rows = table(PRICES, LARGE)
    assert [name for name, row in rows.items() if row["embedded"] != row["provisioned"]] == [
        "endpoints",
        "sum",
    ]
    assert all(row[SAMPLES] is None for name, row in rows.items() if name not in ("endpoints", "sum"))


def test_endpoints_cost_by_use_or_by_time() -> None:
    def cost_of(kind: str, work: Workload) -> float:
        return costs.endpoints(PRICES, work, kind)

    assert cost_of("embedded", LARGE) == 0
    assert cost_of("serverless", LARGE) == pytest.approx(100 * cost_of("serverless", SMALL))
    assert cost_of("provisioned", LARGE) == cost_of("provisioned", SMALL)
    assert cost_of(SAMPLES, SMALL) == pytest.approx(730 * 0.24)
    three = Workload(1, 1, tasks=3)
    assert cost_of("provisioned", three) == pytest.approx(3 * cost_of("provisioned", SMALL))


def test_retrainings_cost_by_their_instances(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = costs.retraining_run(PRICES)
    together = {name: replace(task, training=TrainingSpec(3, 5)) for name, task in load_tasks().items()}
    monkeypatch.setattr(costs, "load_tasks", lambda: together)

    more = costs.retraining_run(PRICES) - alone

    training = 2 * PRICES.assumption("training_hours") * PRICES["ml.c7i.2xlarge"]
    preparation = 4 * PRICES.assumption("processing_hours") / 2 * PRICES["ml.m7i.large"]
    assert more == pytest.approx(training + preparation)


def test_large_inboxes_are_listed_once_a_day(flat: PriceList) -> None:
    def lists(stored: int) -> float:
        return costs.upkeep(flat, Workload(0, stored)) - costs.upkeep(flat, Workload(0, 0))

    assert lists(200_000) == pytest.approx(200 * 30 * 24)
    assert lists(400_000) == pytest.approx(400 * 30)


def test_serverless_is_cheaper_than_the_samples_up_to_millions_of_images() -> None:
    rows = table(PRICES, Workload(1_000_000, 1_000_000))
    assert (rows["endpoints"]["serverless"] or 0) < (rows["endpoints"][SAMPLES] or 0)


def test_prices_say_how_they_were_verified() -> None:
    text = costs.PRICES.read_text()
    assert set(re.findall(r'seen = "(.*?)"', text)) == {"aws", "others", ""}
    assert text.count("usd =") == text.count("seen =")
    assert PRICES.unseen() == ["ml.m4.xlarge", "ml.c7i.large", "ml.c7i.2xlarge", "ml.m7i.large"]


def test_amounts_that_rest_on_unverified_prices_are_marked() -> None:
    lines = [*cost.render(PRICES, LARGE)]
    marked = {line.split("|")[1].strip(): line.count("≈") for line in lines if "≈" in line}
    assert marked == {"retrainings": 3, "exports": 3, "endpoints": 2}
    assert lines[-2] == "| endpoints | $0.00 | $1.20 | ≈$78.21 | ≈$175.20 |"


def test_components_are_those_that_a_calculator_gives() -> None:
    """Of 100,000 new images and 1,000,000 stored ones, with the numbers of prices.toml."""
    rows = {name: round(row["embedded"] or 0, 2) for name, row in table(PRICES, LARGE).items()}
    gb_second, call = 16.6667e-6, 0.2e-6
    core = 1769 / 1024
    run = 3.5e-6 + 4 * call + gb_second * (0.1 * core + 1.2 * 0.5 + 1.0 * core + 0.3 * core)
    assert rows["Lambda for images"] == round(100_000 * run, 2)
    requests = 4 * 5e-6 + 2 * 0.4e-6 + 14 * 0.625e-6
    assert rows["S3 and DynamoDB requests"] == round(100_000 * requests, 2)
    assert rows["logs and traces"] == round(100_000 * (3e-6 * 0.5 + 3 * 5e-6), 2)
    assert rows["exports"] == round(1.3 * 0.1 + (0.13 + 0.037) * 0.121, 2)
    assert rows["retrainings"] == round(0.121 + 0.428 + 0.5 * 0.204 + 40 * 25e-6, 2)


# ------------------------------------------------------------------------------------------- the command


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["deploy.cost", *arguments])
    cost.main()


def test_command_prints_the_table_of_one_kind(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "--images", "100,000", "--serving", "serverless")
    head, rule, *rows = capsys.readouterr().out.splitlines()
    assert (head, rule) == (
        "| a month | serverless | always-on endpoint of AWS's samples |",
        "|---|---:|---:|",
    )
    assert any(
        re.fullmatch(r"\| \*\*sum\*\* \| \*\*\$\d+\.\d\d\*\* \| \*\*\$175\.20\*\* \|", row) for row in rows
    )
    assert PRICES.date in rows[-3]
    assert "ml.c7i.large" in rows[-2]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--tasks", "0"), "TASKS must be 1 to"),
        (("--tasks", "99"), "TASKS must be 1 to"),
        (("--images=-1",), "'-1' is not a whole number from 0 to"),
        (("--images", "1e6"), "'1e6' is not a whole number from 0 to"),
        (("--images", "9" * 400), "is not a whole number from 0 to"),
        (("--images", "10", "--stored", "5"), "STORED includes the new images"),
        (("--region", "mars"), "the prices are those of us-east-1"),
    ],
)
def test_command_refuses_nonsense(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    reason: str,
) -> None:
    with pytest.raises(SystemExit) as exit_:
        run(monkeypatch, *arguments)
    assert exit_.value.code == 2
    assert reason in capsys.readouterr().err


def test_command_names_a_missing_price(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(costs.PRICES.read_text().replace('"ml.m7i.large" =', '"ml.x" ='))
    monkeypatch.setattr(cost, "PriceList", lambda: PriceList(path))
    with pytest.raises(SystemExit, match=r"prices.toml has no price of ml.m7i.large. Add it"):
        run(monkeypatch, "--images", "1")


# ------------------------------------------------------------------------------------- the documentation


def test_pages_have_one_section_of_costs_each() -> None:
    for path in (cost_reference.README, cost_reference.PAGE):
        replaced = cost_reference.replace(path.read_text(), "x")
        assert "<!-- costs: `make generate` writes this -->x<!-- end of costs -->" in replaced
    with pytest.raises(ValueError, match="no section of costs"):
        cost_reference.replace("text", "x")


def test_summary_has_the_sums_of_the_examples() -> None:
    text = cost_reference.summary(PRICES)
    for work in cost_reference.EXAMPLES:
        assert cost.dollars(table(PRICES, work)["sum"]["embedded"]) in text
    assert "$175.20" in text
    assert "$876.00" in text
