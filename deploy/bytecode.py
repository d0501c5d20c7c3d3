"""Runs Chalice so that the Lambdas' layer has bytecode: `python -m deploy.bytecode deploy --stage prod`.

Lambda's file system is read-only, so without bytecode each cold start compiles all modules that it imports.
The layer has no room for the bytecode of all its modules: it gets that of the modules in use.
"""

import importlib
import pkgutil
import py_compile
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from unittest.mock import patch

import chalice.cli
from chalice.deploy.packager import DependencyBuilder

import chalicelib

LAYER = PurePosixPath("/opt/python/lib/python{}.{}/site-packages".format(*sys.version_info))
"""Where Lambdas find the layer; their stack traces name it."""
LAZY = (
    "onnxruntime",
    "PIL.GifImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin",
    "PIL.TiffImagePlugin",
)
"""What is imported only when it is needed."""


def main() -> int:
    """Run Chalice with the arguments of this process."""
    build = DependencyBuilder.build_site_packages

    def build_with_bytecode(self: DependencyBuilder, abi: str, requirements: str, folder: str) -> None:
        build(self, abi, requirements, folder)
        add_bytecode(Path(folder), imported_modules())

    with patch.object(DependencyBuilder, "build_site_packages", build_with_bytecode):
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
                py_compile.compile(
                    str(source),
                    dfile=str(LAYER / source.relative_to(packages).as_posix()),
                    doraise=True,
                    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                )


if __name__ == "__main__":
    sys.exit(main())
