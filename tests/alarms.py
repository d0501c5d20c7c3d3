"""The alarms of deploy/alarms.yaml, evaluated like CloudWatch does, on data points of a test."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from math import ceil
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from tests.stage import ROOT

TEMPLATE = ROOT / "deploy" / "alarms.yaml"
STAGE = "local"
"""The stage of metrics in tests within one process; see tests/conftest.py."""
ACCOUNT = {"AWS::AccountId": "123456789012", "AWS::Partition": "aws", "AWS::Region": "us-east-1"}
TOPIC = "arn:aws:sns:us-east-1:123456789012:negatoscope-local-alarms"

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"

Resource = dict[str, Any]


@dataclass(frozen=True)
class Point:
    """A data point of a metric."""

    namespace: str
    metric: str
    dimensions: frozenset[tuple[str, str]]
    value: float
    at: float
    """Seconds."""


@dataclass(frozen=True)
class Alarm:
    """An alarm, with every reference in its properties resolved."""

    properties: Resource = field(hash=False)

    @property
    def name(self) -> str:
        """The name without the stage: `lost-events` for negatoscope-STAGE-lost-events."""
        return str(self.properties["AlarmName"]).removeprefix(f"negatoscope-{STAGE}-")

    @property
    def dimensions(self) -> frozenset[tuple[str, str]]:
        """Names and values. For CloudWatch, another set of dimensions is another metric."""
        return frozenset((one["Name"], one["Value"]) for one in self.properties.get("Dimensions", ()))

    def watches(self, point: Point) -> bool:
        """Whether a data point belongs to the metric of this alarm."""
        own = (self.properties["Namespace"], self.properties["MetricName"], self.dimensions)
        return own == (point.namespace, point.metric, point.dimensions)

    def state(self, points: Iterable[Point], now: float, before: str = INSUFFICIENT_DATA) -> str:
        """The state at `now` (seconds) after `before`; see "Alarm evaluation" in CloudWatch's User Guide."""
        period, periods = self.properties["Period"], self.properties["EvaluationPeriods"]
        windows: list[list[float]] = [[] for _ in range(periods)]
        for point in points:
            window = int((now - point.at) // period)
            if self.watches(point) and 0 <= window < periods:
                windows[window].append(point.value)
        missing = self.properties["TreatMissingData"]
        if missing in ("ignore", "missing") and not any(windows):
            return before if missing == "ignore" else INSUFFICIENT_DATA
        breaching = sum(
            self._breaches(values) if values else missing == "breaching"
            for values in windows
            if values or missing in ("breaching", "notBreaching")
        )
        return ALARM if breaching >= self.properties.get("DatapointsToAlarm", periods) else OK

    def _breaches(self, values: list[float]) -> bool:
        statistics = {
            "Sum": sum(values),
            "Maximum": max(values),
            "SampleCount": len(values),
            "p95": sorted(values)[ceil(0.95 * len(values)) - 1],
        }
        statistic = self.properties.get("Statistic") or self.properties["ExtendedStatistic"]
        value, threshold = statistics[statistic], float(self.properties["Threshold"])
        comparisons = {"GreaterThanThreshold": value > threshold, "LessThanThreshold": value < threshold}
        return comparisons[self.properties["ComparisonOperator"]]


def ringing(alarms: Iterable[Alarm], points: list[Point], now: float) -> set[str]:
    """The names of the alarms in state ALARM."""
    return {alarm.name for alarm in alarms if alarm.state(points, now) == ALARM}


# -------------------------------------------------------------------------------------- reading metrics


def emitted(output: str, at: float) -> list[Point]:
    """The data points in printed lines of CloudWatch's embedded metric format."""
    lines = [json.loads(line) for line in output.splitlines() if '"_aws"' in line]
    return [point for line in lines for point in _points(line, at)]


def _points(line: Mapping[str, Any], at: float) -> Iterator[Point]:
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for dimensions in directive["Dimensions"]:
            named = frozenset((name, str(line[name])) for name in dimensions)
            for metric in directive["Metrics"]:
                values = line[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    yield Point(directive["Namespace"], metric["Name"], named, value, at)


# ------------------------------------------------------------------------------------ reading templates


def alarms() -> list[Alarm]:
    """Every alarm of the stage."""
    return [Alarm(one) for one in properties("AWS::CloudWatch::Alarm")]


def properties(kind: str) -> list[Resource]:
    """The properties of all resources of a type, with every reference resolved."""
    parameters = {"Stage": STAGE, "TopicArn": TOPIC, "BusyConcurrency": "800"} | ACCOUNT
    found = (one for one in resources().values() if one["Type"] == kind)
    return [_resolve(one["Properties"], parameters) for one in found]


def resources() -> dict[str, Resource]:
    """The resources of the template by logical id, with expanded loops."""
    return dict(_expand(_read()["Resources"], {}))


@cache
def _read() -> Resource:
    found: Resource = yaml_parse(TEMPLATE.read_text())
    return found


def _expand(fragment: Resource, items: Mapping[str, str]) -> Iterator[tuple[str, Resource]]:
    """Expand Fn::ForEach. Items replace placeholders where AWS replaces them: in keys, Fn::Sub and Ref."""
    for key, value in fragment.items():
        if key.startswith("Fn::ForEach::"):
            identifier, collection, body = value
            for item in collection:
                yield from _expand(body, {**items, identifier: item})
        else:
            yield _fill_key(key, items), _resolve(value, items, strict=False)


def _fill_key(key: str, items: Mapping[str, str]) -> str:
    for name, item in items.items():
        key = key.replace(f"${{{name}}}", item).replace(f"&{{{name}}}", re.sub("[^a-zA-Z0-9]", "", item))
    assert key.isalnum(), f"{key} is no logical id"
    return key


def _resolve(value: Any, known: Mapping[str, str], *, strict: bool = True) -> Any:
    """Replace the references in `known`; other references raise KeyError if `strict`."""
    if isinstance(value, list):
        return [_resolve(one, known, strict=strict) for one in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"Ref"} and (strict or value["Ref"] in known):
        return known[value["Ref"]]
    if strict and value.keys() == {"Fn::FindInMap"}:
        name, first, second = _resolve(value["Fn::FindInMap"], known)
        return _read()["Mappings"][name][first][second]
    if value.keys() == {"Fn::Sub"}:
        text = re.sub(
            r"\$\{([^}]+)\}",
            lambda found: known[found[1]] if strict else known.get(found[1], found[0]),
            value["Fn::Sub"],
        )
        return text if strict else {"Fn::Sub": text}
    return {key: _resolve(one, known, strict=strict) for key, one in value.items()}
