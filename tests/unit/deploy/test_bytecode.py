"""The bytecode in the Lambdas' layer, and in the package of the application."""

import importlib.util
import marshal
import subprocess
import sys
import zipfile
from pathlib import Path

import chalice.cli
import pytest
from chalice.utils import OSUtils

from deploy import bytecode
from deploy.bytecode import add_bytecode, add_bytecode_of_application, imported_modules


def test_application_modules_and_those_that_it_imports_later_are_known() -> None:
    modules = imported_modules()
    for name in ("numpy", "PIL.Image", "PIL.TiffImagePlugin", "pydicom", "onnxruntime"):
        assert name in modules
    assert "numpy.f2py" not in modules


def bytecode_of(source: Path) -> Path:
    return Path(importlib.util.cache_from_source(str(source)))


def test_bytecode_is_used_whatever_the_date_and_is_the_same_everywhere(tmp_path: Path) -> None:
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        (folder / "package").mkdir(parents=True)
        (folder / "package" / "__init__.py").write_text("VALUE = 'source'\n")
        (folder / "package" / "used.py").write_text("VALUE = __file__\n")
        (folder / "package" / "unused.py").write_text("")
        add_bytecode(folder, ["package", "package.used", "package.missing", "json"])
    first, second = (bytecode_of(folder / "package" / "__init__.py") for folder in folders)
    assert first.read_bytes() == second.read_bytes()
    assert not bytecode_of(folders[0] / "package" / "unused.py").exists()
    (folders[0] / "package" / "__init__.py").write_text("VALUE = 'changed'\n")
    program = "import package, package.used; print(package.VALUE)"
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=folders[0], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "source"


def test_stack_traces_name_the_layer(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("def fail(): raise ValueError\n")
    add_bytecode(tmp_path, ["module"])
    header = 16
    code = marshal.loads(bytecode_of(tmp_path / "module.py").read_bytes()[header:])
    assert code.co_filename == str(bytecode.LAYER / "module.py")


def test_package_of_the_application_has_the_bytecode_of_its_modules(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("def fail(): raise ValueError\n")
    files = [(str(tmp_path / "module.py"), "chalicelib/limits.py"), ("card.md", "chalicelib/models/card.md")]
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as package:
        add_bytecode_of_application(package, files)
    with zipfile.ZipFile(tmp_path / "app.zip") as package:
        (entry,) = package.infolist()
        compiled = package.read(entry)

    assert entry.filename == bytecode_of(Path("chalicelib/limits.py")).as_posix()
    assert entry.external_attr >> 16 & 0o004, "Lambda runs the code as another user"
    assert int.from_bytes(compiled[4:8], "little") == 0b01, "a hash of the source, which is not checked"
    assert marshal.loads(compiled[16:]).co_filename == "/var/task/chalicelib/limits.py"


def test_lambda_can_read_packages_whatever_the_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda runs the code as another user than the one that it unpacks it as."""
    modes = {"private.py": 0o600, "group.py": 0o640, "public.py": 0o644, "library.so": 0o700}
    for name, mode in modes.items():
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(mode)
    archive = tmp_path / "app.zip"

    def pack() -> int:
        with OSUtils().open_zip(str(archive), "w") as package:
            for name in modes:
                package.write(tmp_path / name, name)
        return 0

    monkeypatch.setattr(chalice.cli, "main", pack)
    bytecode.main()

    with zipfile.ZipFile(archive) as package:
        found = {entry.filename: entry.external_attr >> 16 for entry in package.infolist()}
    file = 0o100644
    assert found == {"private.py": file, "group.py": file, "public.py": file, "library.so": 0o100755}
