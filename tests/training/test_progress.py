"""The progress output of a training."""

import re

import pytest

from training.model.progress import METRIC_PATTERNS, Epoch, Progress


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_epoch_line_matches_the_metric_patterns(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(images=1000, epochs=10, done=0, later_epochs=0, clock=clock)
    clock.now += 30
    progress.report_epoch(Epoch(3, 0.51234, 0.25, 0.9875), best=Epoch(1, 0.6, 0.2, 0.9))

    line = capsys.readouterr().out
    assert {name: re.findall(pattern, line) for name, pattern in METRIC_PATTERNS.items()} == {
        "train:loss": ["0.5123"],
        "validation:loss": ["0.2500"],
        "validation:balanced_accuracy": ["0.9875"],
        "objective": ["0.2000"],
    }
    assert "epoch=3/10; " in line
    assert "images_per_second=100; time_left=70s" in line


def test_time_left_includes_later_trainings_and_ignores_epochs_before_the_resume(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = Progress(images=100, epochs=10, done=4, later_epochs=20, clock=clock)
    clock.now += 20
    epoch = Epoch(6, 1, 1, 1)
    progress.report_epoch(epoch, epoch)

    # Two epochs took 20 seconds; 4 epochs of this training and 20 of later ones are left.
    assert "images_per_second=10; time_left=240s" in capsys.readouterr().out


def test_progress_is_printed_every_half_minute_of_a_long_epoch(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = Progress(images=1200, epochs=2, done=0, later_epochs=0, clock=clock)
    for batch in range(1, 121):
        clock.now += 1
        progress.report_batch(batch / 120)

    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "epoch=1/2; part=25%; images_per_second=10; time_left=210s",
        "epoch=1/2; part=50%; images_per_second=10; time_left=180s",
        "epoch=1/2; part=75%; images_per_second=10; time_left=150s",
        "epoch=1/2; part=100%; images_per_second=10; time_left=120s",
    ]
    assert not any(re.search(pattern, line) for pattern in METRIC_PATTERNS.values() for line in lines)


def test_progress_is_not_printed_within_short_epochs(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = Progress(images=100, epochs=9, done=0, later_epochs=0, clock=clock)
    for number in range(1, 4):
        clock.now += 20
        progress.report_batch(0.9)
        epoch = Epoch(number, 1, 1, 1)
        progress.report_epoch(epoch, epoch)

    assert "part=" not in capsys.readouterr().out
