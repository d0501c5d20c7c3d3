"""/opt/ml of a job: the folder of its inputs and outputs."""

import json
import shutil
from pathlib import Path
from typing import Any

INSIDE = "/opt/ml"
"""The path of the folder in a SageMaker container."""


class JobFolder:
    """The folder of one job, created empty."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.rmtree(root, ignore_errors=True)
        for part in ("config", "input/config", "input/data", "model", "output/data", "code", "checkpoints"):
            (root / part).mkdir(parents=True)

    def outside(self, text: str) -> str:
        """Replace /opt/ml in a text by the path of the folder on this machine."""
        return text.replace(INSIDE, str(self.root))

    def path(self, inside: str) -> Path:
        """The path on this machine for a path in a container."""
        return Path(self.outside(inside)) if inside.startswith(INSIDE) else self.root / inside.lstrip("/")

    def write_config(self, name: str, content: Any, folder: str = "input/config") -> None:
        """Write the JSON file `name` into a folder of the job."""
        (self.root / folder / f"{name}.json").write_text(json.dumps(content, indent=2))

    def output(self, name: str) -> str:
        """The text of a file under output, such as `failure`; empty if there is none."""
        file = self.root / "output" / name
        return file.read_text(errors="replace").strip() if file.is_file() else ""

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.root, ignore_errors=True)
