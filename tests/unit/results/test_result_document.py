"""Result documents."""

from chalicelib.models.backend import ModelIdentity
from chalicelib.models.classification import Classification
from chalicelib.models.review_rule import Reason
from chalicelib.results import result_document


def test_quarantined_result_needs_review() -> None:
    result = result_document.quarantined(
        result_document.received("0" * 32, "mammography-views", "api"), Reason("NotAnImage", "text")
    )
    assert result["needs_review"]
    assert result["reasons"] == [{"code": "NotAnImage", "message": "text"}]
