"""What make says on a machine that lacks something."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stage import ROOT

TOOLS = ("awk", "bash", "make", "test", "uname")


def make(*arguments: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run make with the programs in the folder `path` only."""
    return subprocess.run(
        [str(path / "make"), *arguments],
        cwd=ROOT,
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder with nothing but make and what every Unix has."""
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / tool).symlink_to(found)
    return tmp_path


def test_plain_make_lists_the_targets_and_says_what_is_missing(bare: Path) -> None:
    run = make(path=bare)
    assert run.returncode == 0
    assert "\nrun  " in run.stdout
    assert run.stdout.splitlines()[-1] == (
        "This machine lacks: Python 3.12 to 3.14 (set PYTHON to its path if it is not in PATH). Git."
    )


def test_plain_make_does_not_complain_if_nothing_is_missing(bare: Path) -> None:
    for tool in ("git", "python3.12"):
        (bare / tool).write_text("#!/bin/sh\nexit 0\n")
        (bare / tool).chmod(0o755)
    run = make(path=bare)
    assert (run.returncode, run.stderr) == (0, "")
    assert "lacks" not in run.stdout


@pytest.mark.parametrize(
    ("version", "works"),
    [((3, 9), False), ((3, 11), False), ((3, 12), True), ((3, 14), True), ((3, 15), False), ((4, 0), False)],
)
def test_python_of_another_version_counts_as_missing(
    bare: Path, version: tuple[int, int], works: bool
) -> None:
    python = bare / "python3"
    code = f"import sys; sys.version_info = (*{version}, 0, 'final', 0)"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}; $2"\n')
    python.chmod(0o755)
    assert ("Python 3.12 to 3.14" in make(path=bare).stdout) is not works


def test_environment_is_not_made_without_python(bare: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path / "Makefile")
    run = make("--directory", str(tmp_path), ".venv/bin/python", path=bare)
    assert run.returncode != 0
    assert "This machine lacks: Python 3.12 to 3.14" in run.stdout
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("platform", ["Darwin arm64", "Linux aarch64"])
def test_run_says_on_which_machines_it_works(bare: Path, platform: str) -> None:
    run = make("platform", f"PLATFORM={platform}", path=bare)
    assert run.returncode != 0
    assert (
        f"needs Linux on x86-64, because it runs the packages that Lambda gets; this is {platform}"
        in run.stdout
    )


def test_parallel_output_is_not_asked_of_an_old_make(bare: Path) -> None:
    """GNU make 3.81, which macOS has, does not know --output-sync, and says so in .FEATURES."""
    assert "--output-sync" in make("--dry-run", "test", path=bare).stdout
    assert "--output-sync" not in make("--dry-run", "test", ".FEATURES=", path=bare).stdout


def test_modules_that_make_starts_are_programs() -> None:
    """Otherwise Python imports the module and ends, and the command seems to have succeeded."""
    names = re.findall(r"python -m ((?:deploy|local)\.[a-z_.]+)", (ROOT / "Makefile").read_text())
    assert {"deploy.deploy", "deploy.users", "local.run"} <= set(names)
    for name in names:
        path = ROOT.joinpath(*name.split(".")).with_suffix(".py")
        assert '\nif __name__ == "__main__":\n' in path.read_text(), name


def test_commit_hook_runs_what_make_check_runs() -> None:
    assert "entry: make check\n" in (ROOT / ".pre-commit-config.yaml").read_text()
