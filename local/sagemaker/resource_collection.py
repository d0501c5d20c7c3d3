"""All resources of one kind, with SageMaker's errors for missing and duplicate names."""

import time
from typing import Any

from local.sagemaker.errors import SageMakerError, in_use, invalid, not_found
from local.sagemaker.resources import JOBS, TRAINING_JOB, TUNING_JOB, Kind, Record
from local.sagemaker.state_store import TAGS, StateStore


class ResourceCollection:
    """The records of one kind of resource. Thread-safe."""

    def __init__(self, store: StateStore, kind: Kind) -> None:
        self._store = store
        self.kind = kind

    def add(self, name: str, record: Record) -> str:
        """Add a record and return its ARN; raise SageMakerError if the name is taken."""
        arn = self.kind.arn(name)
        now = time.time()
        named = {
            self.kind.name: name,
            self.kind.arn_member: arn,
            "CreationTime": now,
            "LastModifiedTime": now,
        }
        if not self._store.add(self.kind.noun, name, {**record, **named}):
            raise self._taken(arn)
        return arn

    def find(self, name: str) -> Record | None:
        """A copy of the record; None if there is none."""
        return self._store.get(self.kind.noun, name)

    def get(self, name: str) -> Record:
        """A copy of the record; raise SageMakerError if there is none."""
        record = self.find(name)
        if record is None:
            raise self._missing(name)
        return record

    def resolve_name(self, name_or_arn: str) -> str:
        """The name for a name or an ARN. ARNs are in lower case, so they have to be looked up."""
        if not name_or_arn.startswith("arn:"):
            return name_or_arn
        names = {record[self.kind.arn_member]: record[self.kind.name] for record in self.all()}
        return names.get(name_or_arn) or name_or_arn.partition("/")[2]

    def all(self) -> list[Record]:
        """Copies of all records, in order of creation."""
        return self._store.all(self.kind.noun)

    def change(self, name: str, **changes: Any) -> None:
        """Set members of the record. The value None removes a member."""
        self._store.update(self.kind.noun, name, **{"LastModifiedTime": time.time(), **changes})

    def delete(self, name: str) -> None:
        """Delete the record; raise SageMakerError if there is none."""
        if not self._store.delete(self.kind.noun, name):
            raise self._missing(name)
        self._store.delete(TAGS, self.kind.arn(name))

    def _taken(self, arn: str) -> SageMakerError:
        if self.kind in JOBS:
            return in_use(
                "Job name must be unique within an AWS account and region, and a job with this name already "
                f"exists ({arn})"
            )
        return invalid(f'Cannot create already existing {self.kind.title} "{arn}".')

    def _missing(self, name: str) -> SageMakerError:
        if self.kind is TRAINING_JOB:
            return invalid("Requested resource not found.")
        if self.kind is TUNING_JOB:
            return not_found(f"Amazon SageMaker can't find a tuning job with the name {name}.")
        if self.kind in JOBS:
            return invalid(f"Could not find requested job with name: {name}")
        return invalid(f'Could not find {self.kind.title} "{self.kind.arn(name)}".')
