"""The rule by which answers of a task's model need a review, and changes of it."""

from collections.abc import Mapping
from typing import Any, Literal

from chalicelib.api.schemas import ModelReviewRule, ReviewRuleChange
from chalicelib.errors import InvalidRequest, ModelChanged, ReviewRuleFixed
from chalicelib.fields import optional_str, refuse_unknown, required_str
from chalicelib.limits import MAX_SEEN, PATH_PARAMETERS
from chalicelib.models.classifier import Classifier
from chalicelib.models.review_rule import required_probability
from chalicelib.models.review_rules import ChosenRule, ReviewRules
from chalicelib.models.thresholds import Thresholds
from chalicelib.storage.audit import Audit
from chalicelib.tasks import Task

OWN = "own"
"""In the audit record: the model's own rule."""

_WHY_FIXED = {
    "below-gate": "This model did not reach the required performance in its test, so all of its answers need "
    "a review, whatever their probability.",
    "no-threshold": "This model's probabilities do not tell which answers are right, so all of its answers "
    "need a review.",
    "unknown-model": "Nothing is known of the model on this task's endpoint, so its review rule can only be "
    "changed in the task's file.",
}


def show(task: Task, classifier: Classifier, rules: ReviewRules) -> ModelReviewRule:
    """The rule of the model in use.

    Raises:
        TaskHasNoModel: if there is none.
        UnknownModel: if it was deleted.
    """
    classifier.require_model(task)
    facts = classifier.facts(task)
    if facts is None:
        least = task.review.min_probability
        return _rule(None, least, least, "unknown-model", None)
    threshold = Thresholds.of(facts["thresholds"]).probability
    fixed: Literal["below-gate", "no-threshold"] | None = (
        "below-gate" if classifier.shortfall(task) else "no-threshold" if threshold is None else None
    )
    chosen = rules.latest(task.name, facts["version"])
    own = required_probability(task, threshold)
    current = required_probability(task, threshold, chosen["min_probability"] if chosen else None)
    return _rule(facts["version"], current, own, fixed, chosen)


def change(
    task: Task, body: Mapping[str, Any], classifier: Classifier, rules: ReviewRules, audit: Audit, user: str
) -> ModelReviewRule:
    """Change the rule as the JSON body of a request asks, and return the new one.

    Raises:
        InvalidRequest: naming what is wrong with the body.
        ModelChanged: if it is for another version than the one in use.
        ReviewRuleFixed: if the rule of this model cannot be changed.
        ReviewRuleChanged: if the user has not seen the latest change.
        TaskHasNoModel, UnknownModel: see `show`.
    """
    refuse_unknown(body, *ReviewRuleChange.__annotations__)
    version = required_str(body, "version", PATH_PARAMETERS["version"])
    min_probability, seen = _min_probability(body), optional_str(body, "seen", MAX_SEEN)
    rule = show(task, classifier, rules)
    if rule["fixed"]:
        raise ReviewRuleFixed(_WHY_FIXED[rule["fixed"]])
    if version != rule["version"]:
        raise ModelChanged(f"{version} is not the current model of {task.name}; {rule['version']} is.")

    def record(before: ChosenRule | None) -> None:
        former = before["min_probability"] if before else None
        audit.record(
            user,
            "change-review-rule",
            task.name,
            version=version,
            min_probability=_in_words(min_probability),
            former=_in_words(former),
        )

    rules.change(task.name, version, min_probability, user, seen=seen, begin=record)
    return show(task, classifier, rules)


def _rule(
    version: str | None,
    min_probability: float,
    own: float,
    fixed: Literal["below-gate", "no-threshold", "unknown-model"] | None,
    chosen: ChosenRule | None,
) -> ModelReviewRule:
    return {
        "version": version,
        "min_probability": min_probability,
        "own": own,
        "fixed": fixed,
        "changed_by": chosen["changed_by"] if chosen else None,
        "changed_at": chosen["changed_at"] if chosen else None,
    }


def _min_probability(body: Mapping[str, Any]) -> float | None:
    """Its value; null is the model's own.

    Raises:
        InvalidRequest: if it is missing, or no probability.
    """
    value = body.get("min_probability", "missing")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidRequest(
            "'min_probability' must be a number from 0 to 1, such as 0.85 for 85 %; or null for the model's "
            "own."
        )
    return float(value)


def _in_words(min_probability: float | None) -> str:
    return OWN if min_probability is None else str(min_probability)
