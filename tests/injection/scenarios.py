"""A run of every handler and of every writing route, with its initial state."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any

from chalicelib import dependencies
from chalicelib.pipeline.sweeper import MAX_TRIES
from chalicelib.results import result_document
from chalicelib.storage import inbox
from chalicelib.tasks import load_task
from tests import images
from tests.injection.world import World
from tests.models import TASK
from tests.stage import BUCKET

CLASSES = load_task(TASK).class_names
RESULT = "/results/{id}"
CLASSIFY = "/tasks/{task}/classify"


@dataclass(frozen=True)
class Scenario:
    """A run of one handler or route."""

    name: str
    prepare: Callable[[World], Any]
    """Brings the stage into its initial state, and returns the argument of the run."""
    results: int = 1
    """The number of results at the end."""
    counted: int = 1
    """The number of images that are classified or quarantined."""


@dataclass(frozen=True)
class Handler(Scenario):
    """A Lambda that processes events; `prepare` returns the event."""

    function: str = "prepare"
    found_by_sweep: bool = True
    """Whether the sweeper finds the image even if no run reached the table; otherwise a redrive is needed."""


@dataclass(frozen=True)
class Sweeping(Scenario):
    """A run of the sweeper; `prepare` returns the minutes from now."""

    hours: float = 26
    """Hours from now by which later sweeps have finished it."""


@dataclass(frozen=True)
class Route(Scenario):
    """A request; `prepare` returns the arguments of `World.ask`."""

    route: str = ""
    """Method and path."""
    without_repetition: int | None = None
    """The number of results if the request never takes effect and is not repeated."""


def _event(world: World) -> Any:
    """Remove the latest event from the queue."""
    ((_, event),) = world.pending
    world.pending.clear()
    return event


def _dropped(key: str, body: bytes) -> Callable[[World], Any]:
    def prepare(world: World) -> Any:
        world.drop(key, body)
        return _event(world)

    return prepare


def _replaced(world: World) -> Any:
    """Another file of the same name is stored before the first one's event is delivered."""
    with world.process():
        dependencies.bucket()._client.put_bucket_versioning(
            Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"}
        )
    event = _dropped(f"inbox/{TASK}/a.png", _image(0))(world)
    world.drop(f"inbox/{TASK}/a.png", _image(1))
    return event


def _uploaded(world: World) -> Any:
    with world.process():
        image_id = inbox.upload_id(TASK, "ab" * 16)
        dependencies.table().announce(result_document.received(image_id, TASK, "upload"))
    return _dropped(inbox.upload_key(TASK, "ab" * 16), images.grey_file())(world)


def _batch(world: World) -> Any:
    records = []
    for number in range(2):
        world.invoke("prepare", _dropped(f"inbox/{TASK}/{number}.png", _image(number))(world))
        records += _event(world)["Records"]
    return {"Records": records}


def _requested(world: World) -> Any:
    """A request has stored array and result; the Lambda is to write the document."""
    assert world.ask(**_classify(world))[0] == 200
    return _event(world)


def _image(number: int) -> bytes:
    return images.grey_file(height=100 + number)


def _stuck(world: World) -> int:
    """The image was received, but its array is missing."""
    event = _dropped(f"inbox/{TASK}/stuck.png", images.grey_file())(world)
    with world.process():
        (original,) = inbox.event_objects(event)
        dependencies.pipeline().receive(original)
    return 11


def _given_up(world: World) -> int:
    minutes = _stuck(world)
    ((image_id, _),) = chain.from_iterable(dependencies.table().unfinished())
    for _ in range(MAX_TRIES):
        dependencies.table().count_try(image_id)
    return minutes


def _never_announced(world: World) -> int:
    """S3 never sent an event."""
    world.drop(f"inbox/{TASK}/silent.png", images.grey_file())
    world.pending.clear()
    return 11


def _left(world: World) -> int:
    """A request ended before it stored its result, and nothing finished it."""
    _classified(world)
    with world.process():
        (result,) = dependencies.table().page()[0]
        dependencies.table()._table.delete_item(Key={"id": result["id"]})
        dependencies.bucket()._client.delete_object(
            Bucket=BUCKET, Key=result_document.key_of(TASK, result["id"])
        )
    return 16 * 24 * 60


def _classify(_: World) -> Any:
    return {"method": "POST", "path": CLASSIFY, "body": images.grey_file(), "task": TASK}


def _classified(world: World) -> str:
    _, result = world.ask(**_classify(world))
    world.settle()
    return str(result["id"])


def _reclassify(world: World) -> Any:
    """The image was classified before, by a model that has been replaced."""
    with world.older_model():
        _classified(world)
    return _classify(world)


def _review(world: World) -> Any:
    image_id = _classified(world)
    return {"method": "PUT", "path": f"{RESULT}/review", "body": {"label": CLASSES[1]}, "id": image_id}


def _withdraw(world: World) -> Any:
    review = _review(world)
    assert world.ask(**review)[0] == 200
    return {"method": "DELETE", "path": f"{RESULT}/review", "id": review["id"]}


def _hide(world: World) -> Any:
    return {"method": "PUT", "path": f"{RESULT}/hidden", "id": _classified(world)}


def _show(world: World) -> Any:
    hide = _hide(world)
    assert world.ask(**hide)[0] == 200
    return hide | {"method": "DELETE"}


HANDLERS = (
    Handler("prepare: a good image", _dropped(f"inbox/{TASK}/a b é.png", images.grey_file())),
    Handler("prepare: an upload", _uploaded),
    Handler("prepare: a file of several frames", _dropped(f"inbox/{TASK}/film.dcm", images.film(2))),
    Handler("prepare: not an image", _dropped(f"inbox/{TASK}/ward 7/letter.txt", b"Dear colleague,")),
    Handler("prepare: a replaced file", _replaced, results=2, counted=2, found_by_sweep=False),
    Handler("classify: two images", _batch, results=2, counted=2, function="classify"),
    Handler("classify: the image of a request", _requested, function="classify"),
)
SWEEPS = (
    Sweeping("sweep: a stuck image", _stuck),
    Sweeping("sweep: giving up", _given_up),
    Sweeping("sweep: an image without an event", _never_announced),
    Sweeping("sweep: pictures without a result", _left, results=0, hours=47 * 24),
)
ROUTES = (
    Route("POST classify", _classify, route=f"POST {CLASSIFY}", without_repetition=0),
    Route("POST classify, newer model", _reclassify, route=f"POST {CLASSIFY}", counted=2),
    Route("PUT review", _review, route=f"PUT {RESULT}/review"),
    Route("DELETE review", _withdraw, route=f"DELETE {RESULT}/review"),
    Route("PUT hidden", _hide, route=f"PUT {RESULT}/hidden"),
    Route("DELETE hidden", _show, route=f"DELETE {RESULT}/hidden"),
)
