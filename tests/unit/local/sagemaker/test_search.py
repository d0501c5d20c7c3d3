"""Random and Bayesian searches."""

from typing import Any

import pytest

from local.sagemaker.search import Search
from local.sagemaker.search_space import check_ranges


def search(strategy: str, ranges: dict[str, Any], direction: str = "Minimize") -> Search:
    """A search with a fixed seed."""
    return Search(
        {
            "Strategy": strategy,
            "RandomSeed": 1,
            "HyperParameterTuningJobObjective": {"Type": direction, "MetricName": "objective"},
            "ParameterRanges": ranges,
        }
    )


def test_random_search_draws_from_every_range_by_its_scale() -> None:
    ranges: dict[str, Any] = {
        "IntegerParameterRanges": [
            {"Name": "linear", "MinValue": "1", "MaxValue": "3"},
            {"Name": "log", "MinValue": "1", "MaxValue": "1000", "ScalingType": "Logarithmic"},
        ],
        "ContinuousParameterRanges": [
            {"Name": "rate", "MinValue": "0.0001", "MaxValue": "1", "ScalingType": "Logarithmic"},
            {"Name": "keep", "MinValue": "0", "MaxValue": "0.9999", "ScalingType": "ReverseLogarithmic"},
            {"Name": "even", "MinValue": "-1", "MaxValue": "1", "ScalingType": "Auto"},
        ],
        "CategoricalParameterRanges": [{"Name": "colour", "Values": ["red", "blue"]}],
    }
    check_ranges(ranges)
    random = search("Random", ranges)
    drawn = [random.propose(str(number)) for number in range(400)]

    def share(name: str, above: float) -> float:
        return sum(float(values[name]) > above for values in drawn) / len(drawn)

    assert {values["linear"] for values in drawn} == {"1", "2", "3"}
    assert {values["colour"] for values in drawn} == {"red", "blue"}
    assert all(1 <= int(values["log"]) <= 1000 for values in drawn)
    assert all(0 <= float(values["keep"]) <= 0.9999 for values in drawn)
    for name, middle in (("log", 31.6), ("rate", 0.01), ("keep", 0.99), ("even", 0.0)):
        assert share(name, middle) == pytest.approx(0.5, abs=0.1), name


@pytest.mark.parametrize(("direction", "sign"), [("Minimize", 1), ("Maximize", -1)])
def test_bayesian_search_learns_from_objectives(direction: str, sign: int) -> None:
    ranges = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "100"}]}
    bayesian = search("Bayesian", ranges, direction)
    proposed = []
    for number in range(40):
        x = float(bayesian.propose(str(number))["x"])
        proposed.append(x)
        bayesian.report(str(number), None if number % 8 == 7 else sign * abs(x - 30))

    late = proposed[20:]
    assert sum(abs(x - 30) < 20 for x in late) > 0.7 * len(late)


def test_bayesian_search_can_run_in_parallel() -> None:
    ranges = {"CategoricalParameterRanges": [{"Name": "colour", "Values": ["red", "blue"]}]}
    bayesian = search("Bayesian", ranges)

    proposed = [bayesian.propose(str(number)) for number in range(4)]
    for number in (2, 0, 3, 1):
        bayesian.report(str(number), float(number))

    assert {values["colour"] for values in proposed} <= {"red", "blue"}
