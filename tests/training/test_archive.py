"""model.tar.gz: its content, serving without the project, and rejection of invalid archives."""

import io
import json
import re
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless

from chalicelib.imaging import prepare
from chalicelib.models.embedded import EmbeddedBackend
from chalicelib.models.package import BUNDLED_MODELS, ModelPackage
from chalicelib.tasks import Task, load_task
from tests import images
from tests.models import write_package
from training.archive import main, read_archive, serving_code, write_archive
from training.errors import TrainingError

# Serves one file in a process that sees the unpacked archive and the installed packages, but not the project.
SERVE = """
import sys
from importlib.metadata import version
from pathlib import Path
folder, image = sys.argv[1:]
sys.path.insert(0, f"{folder}/code")
import inference, chalicelib
assert Path(chalicelib.__file__).is_relative_to(folder), chalicelib.__file__
model = inference.model_fn(folder)
request = inference.input_fn(Path(image).read_bytes(), "application/x-image")
print(inference.output_fn(inference.predict_fn(request, model), "application/json", None)[0])
"""


@pytest.fixture
def archive(tmp_path: Path, task: Task) -> Path:
    path = tmp_path / "model.tar.gz"
    write_archive(write_package(tmp_path / "package", task), task, path)
    return path


def compressed_dicom() -> bytes:
    """A JPEG 2000 DICOM file, which a decoder in a separate process reads."""
    grey = images.gradient().astype(np.uint8)
    dataset = images.dicom_dataset(grey, bits=8)
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    stream = images.encode(Image.fromarray(grey), "JPEG2000", no_jp2=True, irreversible=False)
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return images.dicom_file(dataset)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "DICOM", "compressed DICOM"])
def test_unpacked_archive_runs_alone_and_answers_like_the_embedded_model(tmp_path: Path, kind: str) -> None:
    bundled = BUNDLED_MODELS / "mammography-views"
    task = load_task(bundled.name)
    write_archive(bundled, task, tmp_path / "model.tar.gz")
    read_archive(tmp_path / "model.tar.gz", tmp_path / "served")
    grey = images.gradient(high=4095).astype(np.uint16)
    if kind == "compressed DICOM":
        data = compressed_dicom()
    else:
        data = images.dicom(grey) if kind == "DICOM" else images.grey_file(kind)
    (tmp_path / "image").write_bytes(data)

    # -I ignores the current folder and PYTHONPATH.
    command = [
        sys.executable,
        "-I",
        "-W",
        "error",
        "-c",
        SERVE,
        str(tmp_path / "served"),
        str(tmp_path / "image"),
    ]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert process.returncode == 0, process.stderr
    answer = json.loads(process.stdout)
    embedded = EmbeddedBackend(ModelPackage.load(bundled), threads=1)
    expected = embedded.run(prepare(data, task.input).pixels[np.newaxis])
    for name in ("probabilities", "activation", "distance"):
        np.testing.assert_array_equal(np.asarray(answer[name], np.float32), getattr(expected, name))


def test_archive_is_reproducible_byte_for_byte(archive: Path, tmp_path: Path, task: Task) -> None:
    again = tmp_path / "again.tar.gz"
    write_archive(tmp_path / "package", task, again)
    assert again.read_bytes() == archive.read_bytes()


def test_archive_contains_only_the_package_and_serving_code(archive: Path, task: Task) -> None:
    with tarfile.open(archive) as opened:
        names = set(opened.getnames())
    assert {"model.onnx", "model.json", "code/inference.py", "code/requirements.txt"} <= names
    assert {
        f"code/chalicelib/{name}.py"
        for name in (
            "imaging/preparation",
            "imaging/raster",
            "imaging/dicom/decoder_process",
            "models/embedded",
        )
    } <= names
    assert [name for name in names if name.endswith(".toml")] == [f"code/chalicelib/tasks/{task.name}.toml"]
    # Modules that call AWS or serve HTTP are not needed in the container.
    without = ("dependencies", "models/endpoint", "api/http", "results/table")
    assert not {f"code/chalicelib/{name}.py" for name in without} & names
    assert not [name for name in names if name.endswith(".onnx") and "/" in name]
    assert not [name for name in names if name.startswith("code/training")]


def test_requirements_pin_the_tested_versions_with_hashes(task: Task) -> None:
    served = serving_code(task)["requirements.txt"].decode()
    pinned = dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", served, re.MULTILINE))
    assert pinned.keys() >= {"dicomsdl", "numpy", "onnxruntime", "pillow", "pydicom"}
    assert {name: version(name) for name in pinned} == pinned
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=[a-z])", served)[1:])


def test_archive_can_be_unpacked(archive: Path, tmp_path: Path, task: Task) -> None:
    package = read_archive(archive, tmp_path / "unpacked")
    assert package.classes == task.class_names
    assert package.graph_path.read_bytes() == (tmp_path / "package" / "model.onnx").read_bytes()


def test_archive_with_dot_slash_names_can_be_unpacked(archive: Path, tmp_path: Path) -> None:
    """SageMaker packs the output of a training job in this form."""
    repacked = tmp_path / "repacked.tar.gz"
    read_archive(archive, tmp_path / "unpacked")
    with tarfile.open(repacked, "w:gz") as opened:
        opened.add(tmp_path / "unpacked", ".")
    assert read_archive(repacked, tmp_path / "again").version == "2026.01.01-tiny"


def hostile_archive(path: Path, name: str, **attributes: object) -> Path:
    with tarfile.open(path, "w:gz") as opened:
        entry = tarfile.TarInfo(name)
        entry.size = 4
        for attribute, value in attributes.items():
            setattr(entry, attribute, value)
        opened.addfile(entry, io.BytesIO(b"evil"))
    return path


@pytest.mark.parametrize("name", ["../evil", "code/../../evil", "/tmp/evil"])
def test_archive_cannot_write_outside_the_folder(tmp_path: Path, name: str) -> None:
    name = name.replace("/tmp", str(tmp_path))
    with pytest.raises(TrainingError, match="evil"):
        read_archive(hostile_archive(tmp_path / "model.tar.gz", name), tmp_path / "unpacked")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_archive_with_links_or_devices_is_rejected(tmp_path: Path, kind: bytes) -> None:
    path = hostile_archive(tmp_path / "model.tar.gz", "model.onnx", type=kind, linkname="/etc/passwd")
    with pytest.raises(TrainingError, match="not a file of a model package"):
        read_archive(path, tmp_path / "unpacked")


@pytest.mark.parametrize("keep", [0, 20, 1000, -1000])
def test_truncated_archive_is_rejected(archive: Path, tmp_path: Path, keep: int) -> None:
    archive.write_bytes(archive.read_bytes()[:keep])
    with pytest.raises(TrainingError, match=r"model\.tar\.gz cannot be unpacked"):
        read_archive(archive, tmp_path / "unpacked")


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.999])
def test_altered_archive_is_rejected(archive: Path, tmp_path: Path, share: float) -> None:
    content = bytearray(archive.read_bytes())
    content[int(len(content) * share)] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(TrainingError):
        read_archive(archive, tmp_path / "unpacked")


def test_archive_without_a_package_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be read"):
        read_archive(hostile_archive(tmp_path / "model.tar.gz", "readme"), tmp_path / "unpacked")


def test_missing_archive_is_reported(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be unpacked"):
        read_archive(tmp_path / "model.tar.gz", tmp_path / "unpacked")


def test_package_of_another_task_is_not_packed(tmp_path: Path, task: Task) -> None:
    folder = write_package(tmp_path / "package", load_task("chest-xray"))
    with pytest.raises(TrainingError, match="other classes"):
        write_archive(folder, task, tmp_path / "model.tar.gz")
    assert not (tmp_path / "model.tar.gz").exists()


def test_command_line_writes_the_archive_or_reports_the_error(
    tmp_path: Path, task: Task, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, path = write_package(tmp_path / "package", task), tmp_path / "model.tar.gz"
    assert main(["--package", str(folder), "--output", str(path)]) == 0
    assert f"{path.stat().st_size:,} bytes" in capsys.readouterr().out
    assert main(["--package", str(folder), "--output", str(path / "inside")]) == 1
    assert "error: [Errno 20] Not a directory" in capsys.readouterr().err
    (folder / "model.onnx").write_bytes(b"other")
    assert main(["--package", str(folder), "--output", str(path)]) == 1
    assert "error: model.onnx of package is not the file" in capsys.readouterr().err
