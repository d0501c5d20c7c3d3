"""Our `prepare`: every check, and the input of a model. The answer is the mean grey level."""

from benchmarks.peers.negatoscope import TASK
from benchmarks.peers.protocol import Answer, serve
from chalicelib.imaging import prepare
from chalicelib.tasks import load_task


def load() -> Answer:
    """Prepare for the model of a task."""
    spec = load_task(TASK).input
    return lambda data: f"{prepare(data, spec).pixels.mean():.0f}"


if __name__ == "__main__":
    serve(load)
