"""Install the libraries of the page: from npm packages into frontend/vendor/.

`frontend/package-lock.json` pins them with their digests. npm and Node.js come as a Python package.
"""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

FRONTEND = Path(__file__).resolve().parent.parent / "frontend"
VENDOR = FRONTEND / "vendor"

# The one installed beside Python, if there is one.
NPM = shutil.which("npm", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))

FILES = {
    "jwt-decode": ("build/esm/index.js", "LICENSE"),
    "oidc-client-ts": ("dist/esm/oidc-client-ts.js", "LICENSE"),
    "onnxruntime-web": ("dist/ort.wasm.bundle.min.mjs", "dist/ort-wasm-simd-threaded.wasm"),
}
"""The files that the page needs of each package."""

_IMPORT = re.compile(r'(?<=\bfrom ")[^"./][^"]*(?=";)')
"""Package names in import statements; browsers resolve URLs only."""
_SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*\n?", re.MULTILINE)


def main() -> None:
    """Replace the contents of frontend/vendor/ by the libraries."""
    with TemporaryDirectory() as folder:
        install(Path(folder))
        shutil.rmtree(VENDOR, ignore_errors=True)
        for package, names in FILES.items():
            for name in names:
                take(Path(folder) / "node_modules" / package / name, VENDOR / package)
    shutil.copy(onnxruntime_licence(), VENDOR / "onnxruntime-web" / "LICENSE.txt")


def install(folder: Path) -> None:
    """Let npm install the locked packages in `folder`. The page needs few of their files."""
    if NPM is None:
        sys.exit("npm is missing. Install local/requirements.txt, which contains it.")
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(FRONTEND / name, folder)
    try:
        subprocess.run([NPM, "ci", "--loglevel=error"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"The libraries of the page could not be installed: {error}")


def take(file: Path, folder: Path) -> None:
    """Copy a file of a package, with imports of other packages replaced by their URLs."""
    folder.mkdir(parents=True, exist_ok=True)
    if file.suffix not in (".js", ".mjs"):
        shutil.copy(file, folder / (f"{file.name}.txt" if file.name == "LICENSE" else file.name))
        return
    module = _SOURCE_MAP.sub("", file.read_text(encoding="utf-8"))
    (folder / file.name).write_text(_IMPORT.sub(lambda found: address(found[0]), module), encoding="utf-8")


def address(package: str) -> str:
    """The URL of a package's module, relative to a module of another package in frontend/vendor/."""
    return f"../{package}/{Path(FILES[package][0]).name}"


def onnxruntime_licence() -> Path:
    """The licence of ONNX Runtime, which its npm package lacks and its Python package contains."""
    found = find_spec("onnxruntime")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "LICENSE"


if __name__ == "__main__":
    main()
