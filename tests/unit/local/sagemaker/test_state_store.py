"""Records on disk."""

from pathlib import Path

from local.sagemaker.state_store import StateStore


def test_records_survive_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "records.sqlite"
    store = StateStore(file)
    assert store.add("Model", "a", {"x": 1, "y": 2})
    assert not store.add("Model", "a", {})
    store.update("Model", "a", x=3, y=None)
    store.update("Model", "gone", x=3)
    store.close()

    again = StateStore(file)

    assert again.get("Model", "a") == {"x": 3}
    assert again.all("Model") == [{"x": 3}]
    assert again.delete("Model", "a")
    assert not again.delete("Model", "a")
    assert again.get("Model", "a") is None
    again.close()
