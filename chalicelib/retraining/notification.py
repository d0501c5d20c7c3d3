"""Messages about a retraining, for the subscribers of its topic."""

from chalicelib.retraining.payloads import Notification
from chalicelib.retraining.planning.plan import Plan

MAX_SUBJECT = 99
"""Characters that SNS takes for a subject, which must be ASCII."""


def notification(plan: Plan, subject: str, message: str) -> Notification:
    """A message about a retraining. The subject has the name of the task: its title may not be ASCII."""
    return {"subject": f"{plan['task']}: {subject}"[:MAX_SUBJECT], "message": message}
