"""Reports of scenarios, and the table of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Report:
    """One scenario."""

    name: str
    images: int
    seconds: float = 0.0
    redriven: int = 0
    """Events that Lambda gave up."""
    swept: int = 0
    """Runs of the sweeper until everything was finished."""
    remarks: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """The problems at the end. Every scenario should have none."""


def table(reports: Sequence[Report]) -> str:
    """The reports, one per line, followed by all problems."""
    lines = [f"{'scenario':<22}{'images':>8}{'seconds':>9}{'redriven':>10}{'sweeps':>8}  result"]
    for report in reports:
        result = "whole" if not report.problems else "NOT WHOLE"
        remarks = "; ".join([result, *report.remarks])
        lines.append(
            f"{report.name:<22}{report.images:>8}{report.seconds:>9.0f}{report.redriven:>10}"
            f"{report.swept:>8}  {remarks}"
        )
    lines += [f"{report.name}: {problem}" for report in reports for problem in report.problems]
    return "\n".join(lines)
