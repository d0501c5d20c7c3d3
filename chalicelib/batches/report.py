"""The report of a batch, made of what Step Functions has written about its parts."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib import timestamps
from chalicelib.batches.batch import Batch
from chalicelib.batches.locations import changes_folder, failures_key, report_key
from chalicelib.batches.outcome import COUNTS, NOT_PROCESSED, Failure, PartOutcome, nothing
from chalicelib.batches.report_document import BatchReport, Change
from chalicelib.storage.bucket import DataBucket


@dataclass(frozen=True)
class ReportWriter:
    """Writes the report of a batch, and the list of its failures."""

    bucket: DataBucket

    def write(self, batch: Batch, manifest: str) -> BatchReport:
        """Write the report of a batch.

        Args:
            batch: the batch.
            manifest: key of the manifest of its results, as a ResultWriter writes it. What has recorded the
                answers of a transform job has written another one, which the batch names.
        """
        counts: Counter[str] = Counter()
        failures: list[Failure] = []
        waiting: dict[str, Failure] = {}
        if "recorded" in batch:
            for outcome in self._outcomes(batch["recorded"]["manifest"]):
                counts.update({name: outcome[name] for name in COUNTS})  # type: ignore[literal-required]
                waiting |= {one["key"]: one for one in outcome["failures"]}
        for outcome in self._outcomes(manifest):
            counts.update({name: outcome[name] for name in COUNTS})  # type: ignore[literal-required]
            failures += outcome["failures"]
            for array, key in outcome.get("prepared", {}).items():
                if array in waiting:
                    failures.append({**waiting.pop(array), "key": key})
        failures += waiting.values()  # prepared by an earlier pass, and not listed any more
        lines = "".join(json.dumps(failure, ensure_ascii=False) + "\n" for failure in failures)
        self.bucket.write(failures_key(batch["name"]), lines.encode(), "application/jsonl")
        report: BatchReport = {
            "name": batch["name"],
            "task": batch["task"],
            "images": sum(counts[name] for name in COUNTS) + len(failures),
            "classified": counts["classified"],
            "current": counts["current"],
            "deleted": counts["deleted"],
            "skipped": counts["skipped"],
            "failed": len(failures),
            "failures": dict(Counter(failure["code"] for failure in failures).most_common()),
            "changes": self._changes(batch["name"]),
            "written_at": timestamps.now(),
        }
        self.bucket.write_json(report_key(batch["name"]), report)
        return report

    def _outcomes(self, manifest: str) -> Iterator[PartOutcome]:
        files = json.loads(self.bucket.read(manifest).body)["ResultFiles"]
        for status in ("SUCCEEDED", "FAILED"):
            for file in files.get(status, ()):
                for line in self.bucket.lines(file["Key"]):
                    execution = json.loads(line)
                    done = status == "SUCCEEDED"
                    yield json.loads(execution["Output"]) if done else _not_processed(execution)

    def _changes(self, name: str) -> list[Change]:
        folder = changes_folder(name)
        counted = Counter(tuple(key.removeprefix(folder).split("/")[:2]) for key in self.bucket.keys(folder))
        return [
            {"before": before, "after": after, "images": images}
            for (before, after), images in counted.most_common()
        ]


def _not_processed(execution: Mapping[str, Any]) -> PartOutcome:
    """The outcome of a part that failed: its images may have results, or not."""
    items = json.loads(execution["Input"])["Items"]
    message = f"Its part was not finished: {execution.get('Error', 'unknown')}."
    failures: list[Failure] = [
        {"key": str(item.get("Key", "")), "code": NOT_PROCESSED, "message": message} for item in items
    ]
    return {**nothing(), "failures": failures}
