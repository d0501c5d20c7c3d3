"""/opt/ml of a job: the folder that its program reads from and writes to."""

import json
import shutil
from pathlib import Path
from typing import Any

INSIDE = "/opt/ml"
"""Where the folder is in a real container."""


class JobFolder:
    """The folder of one job; new and empty."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.rmtree(root, ignore_errors=True)
        for part in ("input/config", "input/data", "model", "output/data", "code", "checkpoints"):
            (root / part).mkdir(parents=True)

    def outside(self, text: str) -> str:
        """A text as the program needs it here, where /opt/ml is another folder."""
        return text.replace(INSIDE, str(self.root))

    def path(self, inside: str) -> Path:
        """The folder on this machine for one of a container."""
        return Path(self.outside(inside)) if inside.startswith(INSIDE) else self.root / inside.lstrip("/")

    def write_config(self, name: str, content: Any) -> None:
        """Write one of the files under input/config."""
        (self.root / "input" / "config" / f"{name}.json").write_text(json.dumps(content, indent=2))

    def output(self, name: str) -> str:
        """What the program left in a file under output, such as `failure`; empty if it left none."""
        file = self.root / "output" / name
        return file.read_text(errors="replace").strip() if file.is_file() else ""

    def remove(self) -> None:
        """Forget it all, as the instance is given back."""
        shutil.rmtree(self.root, ignore_errors=True)
