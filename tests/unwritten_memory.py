"""Uninitialised memory must not appear in an image. MALLOC_PERTURB_ makes glibc fill it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.stage import ROOT

_PREPARE = """
import hashlib, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from chalicelib import errors, imaging
from chalicelib.tasks import InputSpec
spec = InputSpec(32, 32, int(sys.argv[2]), "stretch")
for path in sys.argv[3:]:
    try:
        print(hashlib.sha256(imaging.prepare(Path(path).read_bytes(), spec).pixels.tobytes()).hexdigest())
    except errors.ImageError as error:
        print(error.message)
"""


def check(folder: Path, files: Mapping[str, bytes], channels: int) -> None:
    """Prepare `files`, written into `folder` by their names, in two processes whose new memory differs."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    first, second = (
        subprocess.run(
            [
                sys.executable,
                "-W",
                "error",
                "-c",
                _PREPARE,
                ROOT,
                str(channels),
                *(folder / name for name in files),
            ],
            env={**os.environ, "MALLOC_PERTURB_": fill},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        for fill in ("1", "170")
    )
    assert len(first) == len(files)
    assert first == second
