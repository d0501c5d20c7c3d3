"""Files that are generated and committed: a command writes each one, or checks that it is current."""

import argparse
import sys
from pathlib import Path

PROJECT = Path(__file__).parent.parent


def write_or_check(path: Path, content: str, module: str) -> None:
    """Write a generated file, or with `--check` on the command line compare it.

    Args:
        path: of the file.
        content: what it should hold.
        module: that generates it, for the message.

    Raises:
        SystemExit: if the file is checked and differs.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    parser.add_argument("--check", action="store_true", help="fail if the file is not current; write nothing")
    if not parser.parse_args().check:
        path.write_text(content, encoding="utf-8")
    elif not path.exists() or path.read_text(encoding="utf-8") != content:
        name = path.relative_to(PROJECT)
        sys.exit(f"{name} is not current. Write it with `.venv/bin/python -m {module}` and commit it.")
