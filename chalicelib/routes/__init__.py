"""The routes of the API. Importing this package adds all of them to `api`."""

# In the order of the API's description.
# isort: off
from chalicelib.api.http import api
from chalicelib.routes import owners  # noqa: F401
from chalicelib.routes import stage  # noqa: F401
from chalicelib.routes import tasks  # noqa: F401
from chalicelib.routes import uploads  # noqa: F401
from chalicelib.routes import results  # noqa: F401
from chalicelib.routes import exports  # noqa: F401
from chalicelib.routes import retrainings  # noqa: F401
from chalicelib.routes import batches  # noqa: F401

__all__ = ["api"]
