"""Messages about retrainings."""

from chalicelib.retraining.notification import MAX_SUBJECT, notification
from tests.plans import PLAN


def test_subject_begins_with_the_name_of_the_task() -> None:
    assert notification(PLAN, "retraining failed", "Why.") == {
        "subject": "chest-xray: retraining failed",
        "message": "Why.",
    }


def test_subject_is_cut_but_not_the_message() -> None:
    cut = notification(PLAN, "x" * 200, "y" * 2000)

    assert len(cut["subject"]) == MAX_SUBJECT
    assert len(cut["message"]) == 2000
