"""Searches for inputs that break a promise: `make fuzz MINUTES=10`.

`python -m tests.fuzz "CASE"` tries one again.
"""

import argparse
import hashlib
import itertools
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
from hypothesis import HealthCheck, Phase, settings

from tests.fuzz import seeds
from tests.fuzz.cases import Case, cases
from tests.fuzz.examination import Examiner, Finding
from tests.stage import ROOT

_FOLDER = ROOT / ".local" / "fuzz"
_BATCH = 500
_REPORT_SECONDS = 10


class Search:
    """A run, its counts and what it found."""

    def __init__(self, examiner: Examiner, names: tuple[str, ...], folder: Path, end: float, limit: int):
        self._examiner = examiner
        self._names = names
        self._folder = folder
        self._end = end
        self._limit = limit
        self._start = self._told = time.monotonic()
        self.inputs = 0
        self.counts = Counter[str]()
        self.findings = dict[str, Case]()
        """The first case of each kind of finding."""

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self._end or self.inputs >= self._limit

    def run(self, seed: int) -> None:
        """Batch after batch until time or number is reached; the same seed makes the same cases."""
        for batch in itertools.count(seed):
            if self.is_over:
                return
            hypothesis.seed(batch)(self._batch())()

    def _batch(self) -> Callable[[], None]:
        @settings(
            max_examples=_BATCH,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(cases(self._names))
        def check(case: Case) -> None:
            if not self.is_over:
                self._check(case)

        return check

    def _check(self, case: Case) -> None:
        self.inputs += 1
        try:
            answer = self._examiner.examine(case)
        except Finding as finding:
            self.counts[finding.kind.upper()] += 1
            self._note(case, finding)
        else:
            self.counts[answer.get("code", "accepted")] += 1
        if time.monotonic() - self._told > _REPORT_SECONDS:
            self.tell()

    def _note(self, case: Case, finding: Finding) -> None:
        """Keep the first input of each finding, with as few operations as still break the promise."""
        encoding = case.seed.rpartition("/")[2] if finding.kind in ("crash", "differs") else ""
        key = f"{finding.kind} {encoding}: {_place(finding.detail)}"
        if key in self.findings:
            return
        case = self._smaller(case, finding.kind)
        self.findings[key] = case
        data = case.data
        path = self._folder / f"{finding.kind}-{hashlib.sha256(data).hexdigest()[:12]}"
        self._folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.with_suffix(".txt").write_text(f"{case}\n{finding.detail}\n")
        print(f"FOUND {finding.kind} after {self.inputs} inputs: {_place(finding.detail)}")
        print(f'  {path} ({len(data)} bytes)\n  again: python -m tests.fuzz "{case}"', flush=True)

    def _smaller(self, case: Case, kind: str) -> Case:
        for shorter in _shorter(case):
            try:
                self._examiner.examine(shorter)
            except Finding as finding:
                if finding.kind == kind:
                    return self._smaller(shorter, kind)
        return case

    def tell(self) -> None:
        """One line of progress."""
        self._told = time.monotonic()
        counts = ", ".join(f"{name} {count}" for name, count in self.counts.most_common())
        seconds = self._told - self._start
        print(f"{seconds:5.0f} s, {self.inputs} inputs: {counts}; {len(self.findings)} findings", flush=True)


def _shorter(case: Case) -> Iterator[Case]:
    for place in range(len(case.steps)):
        yield Case(case.seed, case.channels, case.steps[:place] + case.steps[place + 1 :])


def _place(detail: str) -> str:
    """What tells one finding from another: the beginning of the last line of a message or stack trace."""
    line = detail.strip().splitlines()[-1]
    return re.sub(r"[0-9a-f]{64}", "...", line)[:72]


def _again(text: str, target: str) -> int:
    """Show the outcome of one case."""
    case = Case.parse(text)
    print(f"{len(case.data)} bytes, SHA-256 {hashlib.sha256(case.data).hexdigest()}")
    with Examiner(target, every=1) as examiner:
        try:
            print(examiner.examine(case))
        except Finding as finding:
            print(f"{finding.kind}: {finding.detail}")
            return 1
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("case", nargs="?", help="try this one case again instead")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--inputs", type=int, default=10**9, help="stop after this many inputs")
    parser.add_argument(
        "--seed", type=int, default=int(time.time()), help="of the first batch (default: the time)"
    )
    parser.add_argument("--only", default="", help="seeds whose name has this prefix, such as dicom/grey-8")
    parser.add_argument("--target", choices=["prepare", "api"], default="prepare")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where failing inputs are written")
    options = parser.parse_args()
    if options.case:
        return _again(options.case, options.target)
    names = tuple(name for name in seeds.names() if name.startswith(options.only))
    print(f"{len(names)} seeds; first batch {options.seed}", flush=True)
    with Examiner(options.target) as examiner:
        end = time.monotonic() + 60 * options.minutes
        search = Search(examiner, names, options.folder, end, options.inputs)
        search.run(options.seed)
    search.tell()
    return 1 if search.findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
