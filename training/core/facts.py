"""Facts about data and models, as JSON files that people can read, too."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Facts = Mapping[str, Any]

# No text can match: a line break within one is written as \n.
_NUMBERS = re.compile(r"\[\n\s*([-+\d.eE,\s]+?)\s*\]")


def write_json(path: Path, facts: Facts | Sequence[Facts]) -> None:
    """Write `facts`, lists of numbers on one line each.

    Raises:
        ValueError: if one of the numbers is NaN or infinite, which JSON does not support.
    """
    text = json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False)
    compact = _NUMBERS.sub(lambda match: f"[{' '.join(match[1].split())}]", text)
    path.write_text(compact + "\n", encoding="utf-8")
