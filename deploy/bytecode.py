"""Runs Chalice so that the Lambdas' code has bytecode: `python -m deploy.bytecode deploy --stage prod`.

Lambda's file system is read-only, so without bytecode each cold start compiles all modules that it imports.
The application gets that of all its modules. The layer has no room for so much: it gets that of the modules
in use.

It also sets the modes of all packed files: Chalice keeps those of this machine, and Lambda cannot read what a
strict umask hides from other users.
"""

import importlib
import importlib.util
import pkgutil
import py_compile
import stat
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch
from zipfile import ZipFile, ZipInfo

import chalice.cli
from chalice.deploy.packager import AppOnlyDeploymentPackager, DependencyBuilder
from chalice.utils import ChaliceZipFile

import chalicelib

LAYER = PurePosixPath("/opt/python/lib/python{}.{}/site-packages".format(*sys.version_info))
"""Where Lambdas find the layer; their stack traces name it."""
CODE = PurePosixPath("/var/task")
"""Where Lambdas find the application."""
LAZY = (
    "onnxruntime",
    "PIL.GifImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin",
    "PIL.TiffImagePlugin",
)
"""What is imported only when it is needed."""
FILE, EXECUTABLE = stat.S_IFREG | 0o644, stat.S_IFREG | 0o755
"""Modes that Lambda can read. (Lambda developer guide, "Working with .zip file archives for Python Lambda
functions".)"""


def main() -> int:
    """Run Chalice with the arguments of this process."""
    build, pack = DependencyBuilder.build_site_packages, AppOnlyDeploymentPackager._add_app_files
    describe = ChaliceZipFile._create_zipinfo

    def build_with_bytecode(self: DependencyBuilder, abi: str, requirements: str, folder: str) -> None:
        build(self, abi, requirements, folder)
        add_bytecode(Path(folder), imported_modules())

    def pack_with_bytecode(self: AppOnlyDeploymentPackager, package: ZipFile, project: str) -> None:
        pack(self, package, project)
        add_bytecode_of_application(package, self._iter_app_filenames(project))

    def describe_readable(self: ChaliceZipFile, *arguments: Any) -> ZipInfo:
        entry: ZipInfo = describe(self, *arguments)
        entry.external_attr = (EXECUTABLE if entry.external_attr >> 16 & stat.S_IXUSR else FILE) << 16
        return entry

    with (
        patch.object(DependencyBuilder, "build_site_packages", build_with_bytecode),
        patch.object(AppOnlyDeploymentPackager, "_add_app_files", pack_with_bytecode),
        patch.object(ChaliceZipFile, "_create_zipinfo", describe_readable),
    ):
        return int(chalice.cli.main())


def imported_modules() -> list[str]:
    """The names of all modules that the application imports, and of its own."""
    own = [module.name for module in pkgutil.walk_packages(chalicelib.__path__, "chalicelib.")]
    for name in (*own, *LAZY):
        importlib.import_module(name)
    return sorted(sys.modules)


def add_bytecode(packages: Path, modules: Iterable[str]) -> None:
    """Compile those of `modules` that are in the folder `packages`.

    The bytecode depends on nothing but the sources and the version of Python, and Python uses it whatever the
    dates of the sources are.
    """
    for name in modules:
        path = packages.joinpath(*name.split("."))
        for source in (path / "__init__.py", path.parent / f"{path.name}.py"):
            if source.is_file():
                _compile(source, LAYER / source.relative_to(packages).as_posix())


def add_bytecode_of_application(package: ZipFile, files: Iterable[tuple[str, str]]) -> None:
    """Add the bytecode of the modules among `files`: where each is, and its name in the package."""
    with TemporaryDirectory() as folder:
        for source, name in files:
            if name.endswith(".py"):
                compiled = _compile(Path(source), CODE / name, Path(folder) / "module.pyc")
                package.write(compiled, importlib.util.cache_from_source(name))


def _compile(source: Path, shown_as: PurePosixPath, target: Path | None = None) -> str:
    """Compile a module into `target`, or beside it if that is None; returns where the bytecode is."""
    return str(
        py_compile.compile(
            str(source),
            str(target) if target else None,
            dfile=str(shown_as),
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
