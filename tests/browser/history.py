"""Made-up model versions and retrainings, in the format of the API."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from playwright.sync_api import Route

from chalicelib.models.package import BUNDLED_MODELS
from tests.browser.app_page import AppPage

TASK = "retinal-oct"
EMPTY = "retinal-oct-2017"
"""A task without labelled images in the bucket."""
NAME = f"{TASK}-20261120-091500-ab12"
CANDIDATE = "2026.11.20-0f1e2d3c"
CURRENT = "2026.11.21-00000000"

_STARTED = "2026-11-20T09:15:00.000Z"
_WAY = ("Plan", "Planned?", "Prepare data", "Check data", "Data changed?", "Train")
_REPORT = """# Retinal OCT: candidate 2026.11.20-0f1e2d3c is accepted

**Not for clinical use. Negatoscope assists; it never diagnoses.**

- It is better than the current one with a probability of 97 %.

## Results of the candidate

| Metric | Value |
| --- | --- |
| Accuracy | 89.1 % (84.0 to 93.3) |

![Confusion matrix](plots/confusion.svg)
"""
_PLOT = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="80" viewBox="0 0 120 80">'
    '<rect width="120" height="80" fill="#cfe3f2"/>'
    '<path d="M10 70L50 30L110 12" stroke="#0072B2" fill="none"/></svg>'
)


def member(app: AppPage, group: str) -> None:
    """Make the user a member of one group only."""
    me = {"login": False, "user": "local", "groups": [group], "role": group}
    app.intercept("**/api/me", lambda route: route.fulfill(json=me))


def with_history(route: Route) -> None:
    """Answer with the existing versions and some made-up earlier ones."""
    known = route.fetch().json()["models"]
    (current,) = (one for one in known if one["status"] == "current")
    versions = [current]
    for day, accuracy, status in ((19, 0.861, "previous"), (12, 0.79, "rejected"), (5, 0.842, "accepted")):
        at = f"2026-11-{day:02}T10:00:00+00:00"
        interval = {"value": accuracy, "low": accuracy - 0.05, "high": accuracy + 0.04}
        versions.append(
            current
            | {"version": f"2026.11.{day:02}-{day:08x}", "created_at": at, "status": status, "run": NAME}
            | {"metrics": dict.fromkeys(current["metrics"], interval)}
        )
    route.fulfill(json={"models": versions})


def states(*names: str, over: bool = False) -> list[dict[str, Any]]:
    """States entered one minute apart; the last one is still running unless `over` is set."""
    times = [f"2026-11-20T09:{15 + minute}:00.000Z" for minute in range(len(names) + 1)]
    passed: list[dict[str, Any]] = [
        {"name": name, "entered_at": entered, "exited_at": left}
        for name, entered, left in zip(names, times, times[1:], strict=False)
    ]
    if not over:
        passed[-1]["exited_at"] = None
    return passed


def retraining(**known: Any) -> dict[str, Any]:
    """A retraining during training."""
    return {
        "name": NAME,
        "execution": "arn",
        "task": TASK,
        "status": "running",
        "started_at": _STARTED,
        "ended_at": None,
        "reason": "Images of the new scanner",
        "requested_by": "local",
        "hyperparameters": {"epochs": 40},
        "trials": 0,
        "data": {
            "images": 2064,
            "corrections": 31,
            "split": {"train": {"images": 1450, "groups": 480}, "test": {"images": 312, "groups": 117}},
        },
        "job": "job",
        "current": CURRENT,
        "candidate": None,
        "accepted": None,
        "outcome": None,
        "states": states(*_WAY),
        "metrics": {},
        "files": [],
        **known,
    }


def asking() -> dict[str, Any]:
    """The same, waiting for approval."""
    evaluated = ("Register", "Batch inference", "Evaluate candidate", "Record decision", "Wait for approval")
    return retraining(
        states=states(*_WAY, *evaluated),
        metrics=measured(0.31),
        files=["confusion.svg", "report.md"],
        candidate=CANDIDATE,
        accepted=True,
        outcome="It is better than the current one with a probability of 97 %.",
        scores={"images": 130, "candidate": 0.86, "current": 0.83},
        waiting_for="approval",
    )


def deployed() -> dict[str, Any]:
    """The same, after deployment."""
    known = asking()
    passed = [state["name"] for state in known["states"]]
    end = {
        "status": "deployed",
        "ended_at": "2026-11-20T09:31:00.000Z",
        "waiting_for": None,
        "outcome": f"{known['outcome']} {CANDIDATE} classifies from now on.",
        "states": states(
            *passed, "Endpoint required?", "Promote", "Finalize deployed", "Deployed", over=True
        ),
    }
    return known | end


def counted(*, complete: bool = True, new_images: int = 0, new_reviews: int = 0) -> dict[str, Any]:
    """What there is to train on: plenty of images of one class."""
    total = {"images": 1500, "reviews": 30, "new_images": new_images, "new_reviews": new_reviews}
    return {
        "total": total,
        "complete": complete,
        "classes": {"normal": total},
        "unplaced": 0,
        "model": "2026.11.20-0f1e2d3c",
        "since": "2026-11-20T10:00:00.000000Z",
        "demand": {"each_class": 3, "largest_class": 10},
        "lacking": [],
        "enough": True,
    }


def measured(loss: float) -> dict[str, float]:
    """The latest metrics of a training."""
    return {"train:loss": loss, "validation:loss": loss + 0.1, "validation:balanced_accuracy": 1 - loss}


def epochs(number: int) -> list[dict[str, float]]:
    """The first epochs of one network."""
    return [
        {
            "number": epoch,
            "train_loss": 0.8 / epoch,
            "validation_loss": 0.2 + 0.8 / epoch,
            "validation_balanced_accuracy": 0.9 - 0.4 / epoch,
        }
        for epoch in range(1, number + 1)
    ]


def training(*numbers: int) -> dict[str, Any]:
    """A retraining in which each network has this number of epochs; `Told` answers with them."""
    files = [f"epochs-{seed}.json" for seed in range(len(numbers))]
    return retraining(metrics={"train:loss": 1 / (1 + sum(numbers))}, files=files)


class Told:
    """Answers requests for one retraining; `now` can be changed while the page polls."""

    def __init__(self, app: AppPage, now: dict[str, Any], *others: dict[str, Any]) -> None:
        self.now = now
        self.answers: list[dict[str, Any]] = []
        """The body of the approval request."""
        self.epochs: tuple[int, ...] = (0,)
        """The number of epochs of each network so far."""
        app.intercept(
            re.compile(r"/api/retrainings(\?|$)"), lambda route: route.fulfill(json=self._list(others))
        )
        app.intercept(f"**/api/retrainings/{NAME}", lambda route: route.fulfill(json=self.now))
        app.intercept(f"**/api/retrainings/{NAME}/approval", self._answered)
        app.intercept(f"**/api/retrainings/{NAME}/stop", self._answered)
        app.intercept(f"**/api/retrainings/{NAME}/files/report.md", _text(_REPORT, "text/markdown"))
        app.intercept(f"**/api/retrainings/{NAME}/files/confusion.svg", _text(_PLOT, "image/svg+xml"))
        app.intercept(f"**/api/retrainings/{NAME}/files/epochs-*.json", self._epochs)
        interval = {"value": 0.75, "low": 0.7, "high": 0.8}
        facts = {"metrics": {"test": {}, "validation": {"balanced_accuracy": interval}}}
        app.intercept(f"**/models/{CURRENT}/model.json", lambda route: route.fulfill(json=facts))

    def train(self, *numbers: int) -> None:
        """Let each network have this number of epochs."""
        self.epochs, self.now = numbers, training(*numbers)

    def _epochs(self, route: Route) -> None:
        seed = int(route.request.url.rpartition("-")[2].partition(".")[0])
        route.fulfill(json=epochs(self.epochs[seed]))

    def _list(self, others: Sequence[dict[str, Any]]) -> dict[str, Any]:
        extra = ("states", "metrics", "files")
        known = [{name: one[name] for name in one if name not in extra} for one in (self.now, *others)]
        return {"retrainings": known, "cursor": None}

    def _answered(self, route: Route) -> None:
        self.answers.append(json.loads(route.request.post_data or "null"))
        route.fulfill(json={"name": NAME})


def _text(body: str, content_type: str) -> Callable[[Route], None]:
    return lambda route: route.fulfill(body=body, content_type=content_type)


def forget_model(app: AppPage) -> None:
    """Let the task `EMPTY` have no model, as the page hears it."""

    def tasks(route: Route) -> None:
        catalogue = route.fetch().json()
        [task] = [task for task in catalogue["tasks"] if task["name"] == EMPTY]
        task["model"] = None
        route.fulfill(json=catalogue)

    app.intercept("**/api/tasks*", tasks)
    app.intercept(f"**/api/tasks/{EMPTY}/models", lambda route: route.fulfill(json={"models": []}))


def count_plots(task: str = TASK) -> int:
    """The number of plots in the bundled package of a task."""
    return len(list((BUNDLED_MODELS / task / "plots").glob("*.svg")))
