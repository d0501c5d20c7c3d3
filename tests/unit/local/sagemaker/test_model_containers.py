"""Containers that serve a model."""

import sys
import tarfile
from pathlib import Path

from local.sagemaker.model_containers import ModelContainer


class Here:
    """A host whose S3 is a folder."""

    def __init__(self, folder: Path) -> None:
        self.python = Path(sys.executable)
        self.scratch = folder / "work"
        self._archive = folder / "model.tar.gz"

    def storage(self, _role: str) -> "Here":
        return self

    def download_file(self, _uri: str, target: Path) -> None:
        target.write_bytes(self._archive.read_bytes())

    def environment(self, _role: str) -> dict[str, str]:
        return {}


def serve(folder: Path, inference: str) -> ModelContainer:
    code = folder / "inference.py"
    code.write_text(inference)
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        archive.add(code, "code/inference.py")
    definition = {"ModelDataUrl": "s3://any/model.tar.gz"}
    return ModelContainer(Here(folder), "role", definition, lambda _line: None, {})  # type: ignore[arg-type]


def test_slow_model_is_not_healthy_in_time(tmp_path: Path) -> None:
    slow = serve(tmp_path, "import time\ntime.sleep(60)")
    try:
        assert not slow.wait_until_healthy(1.0)
        assert slow.running
    finally:
        slow.kill()
    assert list((tmp_path / "work").iterdir()) == []


def test_model_server_decodes_text_and_passes_the_context_only_if_wanted(tmp_path: Path) -> None:
    model = serve(
        tmp_path,
        "def model_fn(folder): return 'm'\n"
        "def input_fn(body, content_type): return type(body).__name__\n"
        "def predict_fn(data, model): return data + model\n"
        "def output_fn(prediction, accept): return prediction + accept\n",
    )
    try:
        assert model.wait_until_healthy(20)
        for content_type, kind in (
            ("application/json; x=y", "str"),
            ("text/csv", "str"),
            ("image/png", "bytes"),
        ):
            answer = model.invoke(b"{}", {"Content-Type": content_type, "Accept": "*/*"}, 5)
            assert (answer.status, answer.body.decode()) == (200, f"{kind}mapplication/json")
        assert model.invoke(b"\xff", {"Content-Type": "text/csv"}, 5).status == 500
    finally:
        model.kill()
