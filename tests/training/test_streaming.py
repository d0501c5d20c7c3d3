"""Images that are streamed: a data set that is larger than the disk trains."""

import json
import pickle
import resource
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pytest

from chalicelib.tasks import Task
from tests.training.samples import NO_RECIPE
from training.data import preparation, streaming
from training.data.decoding import unpack
from training.data.files import write_files
from training.data.preparation import PreparedData, prepare_data
from training.data.storage import Storage
from training.errors import TrainingError
from training.prepare import main as prepare
from training.train import main

MEGABYTE = 1_000_000


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file can grow beyond this size in bytes, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def prepared(data_folder: Path, task: Task, tmp_path: Path) -> PreparedData:
    """A data set with the manifest of its preparation, whose arrays have 5 MB."""
    (tmp_path / "place").mkdir()
    data = prepare_data(data_folder, "undescribed", task, 0, tmp_path / "place")
    write_files(data, tmp_path / "report")
    (tmp_path / "report" / "manifest.csv").rename(data_folder / "manifest.csv")
    return data


def stream(folder: Path, task: Task, place: Path) -> PreparedData:
    return prepare_data(folder, "undescribed", task, 0, place, test_split="fixed", stream=True)


def test_arrays_are_loaded_by_one_thread_at_a_time(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    """Now and then, numpy took an array for damaged while another thread read one."""
    file = BytesIO()
    np.save(file, np.zeros(task.input.shape, np.uint8))
    load, loading = np.load, Lock()

    def alone(*arguments: Any, **options: Any) -> Any:
        assert loading.acquire(blocking=False), "two threads at a time"
        try:
            time.sleep(0.01)
            return load(*arguments, **options)
        finally:
            loading.release()

    monkeypatch.setattr(np, "load", alone)
    with ThreadPoolExecutor(4) as pool:
        arrays = list(pool.map(lambda _: unpack(file.getvalue(), task.input), range(8)))

    assert len(arrays) == 8


def test_streamed_data_are_those_of_the_preparation(
    prepared: PreparedData, data_folder: Path, task: Task, tmp_path: Path
) -> None:
    data = stream(data_folder, task, tmp_path / "nowhere")

    assert (data.fingerprint, data.parts) == (prepared.fingerprint, prepared.parts)
    assert data.contents == prepared.contents
    for part in prepared.parts:
        streamed, stored = data.labelled(part), prepared.labelled(part)
        assert np.array_equal(streamed.labels, stored.labels)
        rows = np.array([3, 0, 3])
        assert np.array_equal(streamed.pixels[rows], stored.pixels[rows])
        assert np.array_equal(streamed.pixels[2:9], stored.pixels[2:9])


def test_other_processes_read_with_clients_of_their_own(
    prepared: PreparedData, data_folder: Path, task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage()
    vars(storage)["_client"] = Lock()  # which, like a real client, cannot be pickled
    monkeypatch.setattr(preparation, "Storage", lambda _client: storage)

    given = pickle.loads(pickle.dumps(stream(data_folder, task, tmp_path)))

    assert np.array_equal(given.pixels[:3], prepared.pixels[:3])


@pytest.mark.usefixtures("prepared")
def test_memory_is_bounded(
    data_folder: Path,
    task: Task,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    addresses_read: list[str],
) -> None:
    pixels = stream(data_folder, task, tmp_path).pixels
    one = pixels[:1].nbytes
    monkeypatch.setattr(streaming, "MAX_MEMORY", 10 * one)
    addresses_read.clear()

    assert np.array_equal(pixels[:30], pixels[:30])

    # One was kept before; nine of the others are kept, and only they are not read again.
    assert len(addresses_read) == 29 + 20


def test_deleted_file_is_refused(
    prepared: PreparedData, data_folder: Path, task: Task, tmp_path: Path
) -> None:
    data = stream(data_folder, task, tmp_path)
    (data_folder / data.records[0].path).unlink()

    with pytest.raises(TrainingError, match="was deleted after the data were prepared"):
        data.pixels[:]


def test_changed_file_is_refused(
    prepared: PreparedData, data_folder: Path, task: Task, tmp_path: Path
) -> None:
    data = stream(data_folder, task, tmp_path)
    file = data_folder / data.records[0].path
    file.write_bytes((data_folder / data.records[1].path).read_bytes())

    with pytest.raises(TrainingError, match="has changed since the data were prepared"):
        data.pixels[:1]


def test_set_that_is_larger_than_the_disk_is_prepared(
    data_folder: Path, task: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--task", task.name, "--data", str(data_folder), "--dataset", "undescribed", "--arrays"]
    options += ["--near-duplicates", "0.999", "--output"]
    assert prepare([*options, str(tmp_path / "stored")]) == 0

    with largest_file(3 * MEGABYTE):
        with pytest.raises(OSError, match="File too large"):
            prepare([*options, str(tmp_path / "refused")])
        assert prepare([*options, str(tmp_path / "streamed"), "--stream"]) == 0, capsys.readouterr().err

    stored, streamed = (
        {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        for folder in (tmp_path / "stored", tmp_path / "streamed")
    )
    assert len(stored) > 10
    assert streamed == stored


def test_set_that_is_larger_than_the_disk_trains(
    prepared: PreparedData, data_folder: Path, task: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [
        *("--task", task.name, "--data", str(data_folder), "--dataset", "undescribed"),
        *("--test-split", "fixed", "--smoke", "--epochs", "1", "--width", "4", *NO_RECIPE),
        *("--model-dir", str(tmp_path / "model"), "--output-dir", str(tmp_path / "output")),
        *("--checkpoint-dir", str(tmp_path / "checkpoints")),
    ]
    assert prepared.pixels[:].nbytes > 3 * MEGABYTE

    with largest_file(3 * MEGABYTE):
        with pytest.raises(OSError, match="File too large"):
            main(options)
        assert main([*options, "--stream"]) == 0, capsys.readouterr().err

    model = json.loads((tmp_path / "model" / "model.json").read_text(encoding="utf-8"))
    assert model["data"]["fingerprint"] == prepared.fingerprint


def test_what_needs_disk_is_switched_off_or_refused(task: Task, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--task", task.name, "--stream", "--feature-views", "3"]) == 1
    assert "keeps nothing of them on the disk: leave out feature_views" in capsys.readouterr().err
