"""Result documents."""

from dataclasses import replace

from chalicelib.models.backend import ModelIdentity
from chalicelib.models.classification import Classification
from chalicelib.models.review_rule import Reason
from chalicelib.results import result_document
from chalicelib.results.selection import LISTED


def test_quarantined_result_needs_review() -> None:
    result = result_document.quarantined(
        result_document.received("0" * 32, "mammography-views", "api"), Reason("NotAnImage", "text")
    )
    assert result["needs_review"]
    assert result["reasons"] == [{"code": "NotAnImage", "message": "text"}]


ANSWER = Classification(
    label="left-cc",
    probability=0.75,
    probabilities={"left-cc": 0.75, "right-cc": 0.25},
    reasons=(),
    heatmap=None,
    distance=1.5,
    model=ModelIdentity("1", "a" * 64, "embedded"),
    min_probability=0.6,
)


def test_received_image_has_no_answer() -> None:
    result = result_document.received("0" * 32, "mammography-views", "upload")
    assert result_document.key(result) == f"results/mammography-views/{'0' * 32}.json"
    assert result_document.graph_digest(result) is None
    assert not result["needs_review"]
    assert result.keys() == set(LISTED) | {"frames", "heatmap", "picture", "readings"}


def test_results_of_earlier_versions_are_completed() -> None:
    result = result_document.received("0" * 32, "mammography-views", "upload")
    review = {"label": "left-cc", "comment": None, "reviewed_at": "then", "reviewer": "local"}
    earlier = {name: result[name] for name in result if name not in ("distance", "readings")}  # type: ignore[literal-required]

    for name in ("readers", "disagreement"):
        del earlier[name]
    assert result_document.completed(earlier) == result
    assert result_document.completed(earlier | {"review": review})["readers"] == ["local"]
    assert result_document.completed(earlier | {"review": review})["readings"] == [review]
    assert result_document.completed(result) == result


def test_answer_keeps_the_arrival() -> None:
    base = result_document.received("0" * 32, "mammography-views", "upload")
    result = result_document.classified(base, {"format": "PNG", "rows": 8, "columns": 9}, ANSWER)
    assert (result["status"], result["label"], result["needs_review"]) == ("classified", "left-cc", False)
    assert (result["arrival"], result["created_at"]) == ("upload", base["created_at"])
    assert result_document.graph_digest(result) == "a" * 64
    assert result["model"] is not None
    assert result["model"].get("min_probability") == 0.6
    assert result["classified_at"]
    assert result["classified_at"] >= base["created_at"]


def test_answer_with_reasons_needs_review() -> None:
    base = result_document.received("0" * 32, "mammography-views", "api")
    answer = replace(ANSWER, reasons=(Reason("LowProbability", "Look."), Reason("Unfamiliar", "Look again.")))
    result = result_document.classified(base, {"format": "PNG", "rows": 8, "columns": 9}, answer)
    assert result["needs_review"]
    assert [reason["code"] for reason in result["reasons"]] == ["LowProbability", "Unfamiliar"]
