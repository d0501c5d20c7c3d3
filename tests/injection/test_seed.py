"""Registration of bundled models, in which each call fails in turn."""

from contextlib import suppress
from pathlib import Path

import pytest

from chalicelib.models.package import ModelPackage
from chalicelib.models.registry import Registry
from chalicelib.models.seeding import seed
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import StorageFailed
from tests.injection.faults import Killed, faults
from tests.injection.retraining import Proxy, Wire
from tests.memory import MemoryS3
from tests.models import TASK, write_package
from tests.stage import BUCKET


def registry(s3: MemoryS3, wire: Wire) -> Registry:
    """The registry of a new process."""
    return Registry(DataBucket(Proxy(wire, "s3", s3), BUCKET))


@pytest.mark.parametrize("earlier", [False, True], ids=["first deployment", "next release"])
def test_interrupted_seeding_is_finished_by_deploying_again(tmp_path: Path, earlier: bool) -> None:
    first, second = (
        ModelPackage.load(
            write_package(tmp_path / version, version=version, created_at=f"{version}-01-01T00:00:00Z")
        )
        for version in ("2025", "2026")
    )

    def before() -> MemoryS3:
        s3 = MemoryS3()
        if earlier:
            seed(registry(s3, Wire()), TASK, first)
        return s3

    wire = Wire()
    seed(registry(before(), wire), TASK, second)
    assert len(wire.calls) > 5
    for fault in faults(len(wire.calls)):
        s3 = before()
        with suppress(StorageFailed, Killed):
            seed(registry(s3, Wire(fault)), TASK, second)
        seeded = seed(registry(s3, Wire()), TASK, second)
        whole = dict(s3.objects)
        found = registry(s3, Wire())
        told = f"{fault}, {wire.calls[fault.call]}"
        assert found.current(TASK) == seeded, told
        assert (seeded.version, seeded.previous) == ("2026", "2025" if earlier else None), told
        assert found.archive(TASK, "2026"), told
        assert next(found.versions(TASK))["status"] == "current", told
        assert found.record(TASK, "2026")["decision"]["accepted"], told
        seed(found, TASK, second)
        assert s3.objects == whole, told
