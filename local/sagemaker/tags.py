"""Tags of resources."""

from collections.abc import Iterable, Mapping
from typing import Any

from local.sagemaker.errors import invalid
from local.sagemaker.resources import KINDS, Record
from local.sagemaker.state_store import TAGS, StateStore


class Tags:
    """The tags of all resources, by ARN."""

    def __init__(self, store: StateStore) -> None:
        self._store = store

    def put(self, arn: str, tags: Iterable[Mapping[str, str]]) -> list[Record]:
        """Add tags to a resource or change their values. Return all of its tags."""
        merged = {tag["Key"]: tag["Value"] for tag in (*self._get(arn), *tags)}
        return self._set(arn, merged)

    def add(self, request: Mapping[str, Any]) -> Record:
        """AddTags; raise SageMakerError if there is no such resource."""
        self._check_exists(request["ResourceArn"])
        return {"Tags": self.put(request["ResourceArn"], request["Tags"])}

    def show(self, request: Mapping[str, Any]) -> Record:
        """ListTags; raise SageMakerError if there is no such resource."""
        self._check_exists(request["ResourceArn"])
        return {"Tags": self._get(request["ResourceArn"])}

    def delete(self, request: Mapping[str, Any]) -> Record:
        """DeleteTags; raise SageMakerError if there is no such resource."""
        self._check_exists(request["ResourceArn"])
        kept = {
            tag["Key"]: tag["Value"]
            for tag in self._get(request["ResourceArn"])
            if tag["Key"] not in request["TagKeys"]
        }
        self._set(request["ResourceArn"], kept)
        return {}

    def _get(self, arn: str) -> list[Record]:
        record = self._store.get(TAGS, arn)
        return record["Tags"] if record else []

    def _set(self, arn: str, tags: Mapping[str, str]) -> list[Record]:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        self._store.add(TAGS, arn, {})
        self._store.update(TAGS, arn, Tags=listed)
        return listed

    def _check_exists(self, arn: str) -> None:
        for kind in KINDS:
            if any(record[kind.arn_member] == arn for record in self._store.all(kind.noun)):
                return
        raise invalid(f"Could not find the resource {arn}.")
