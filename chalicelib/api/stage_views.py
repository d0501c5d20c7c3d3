"""How the API describes the stage itself."""

from chalicelib import DISCLAIMER, VERSION
from chalicelib.api.schemas import Health, Stage
from chalicelib.limits import MAX_IMAGE_BODY
from chalicelib.settings import Settings


def health(settings: Settings) -> Health:
    """The answer to `GET /health`."""
    login = settings.login
    return {
        "status": "ok",
        "login": {"origin": login["origin"], "client_id": login["client_id"]} if login else None,
    }


def describe(settings: Settings) -> Stage:
    """The answer to `GET /stage`."""
    return {
        "stage": settings.stage,
        "version": VERSION,
        "data_bucket": settings.data_bucket,
        "max_image_bytes": MAX_IMAGE_BODY,
        "disclaimer": DISCLAIMER,
    }
