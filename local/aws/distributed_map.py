"""Maps of the emulator in distributed mode: inventories, batches, written results, aborted Map Runs.

ministack runs each item as a child execution. It knows neither `ItemBatcher`, `ResultWriter`,
`MaxConcurrencyPath` nor inventories of S3, and counts what is left of a stopped Map Run as failures. Each
patch can go when ministack passes tests/unit/local/aws/test_distributed_map.py without it.
"""

import contextlib
import csv
import functools
import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ministack.core import iam_actions
from ministack.services import s3, stepfunctions

from local.aws import patching
from local.aws.step_functions import Aborted, is_running

ENDED = {"SUCCEEDED": "succeeded", "FAILED": "failed", "ABORTED": "aborted", "RUNNING": "running"}
"""The name of the count of child executions with a status."""
_KEPT = ("Type", "Label", "Next", "End", "ToleratedFailurePercentage", "ToleratedFailureCount")
_OWN = ("ItemBatcher", "ResultWriter", "MaxConcurrencyPath")

_totals: dict[str, list[int]] = {}
"""The numbers of items of the Map Runs of an execution, in their order, by its ARN."""


def install() -> None:
    """Apply the patches."""
    for name in ("_apply_result_path", "_apply_result_selector", "_map_runs", "_resolve_params_obj"):
        patching.existing(stepfunctions, name)
    patching.existing(s3, "_put_object")
    patching.wrap(stepfunctions, "_read_map_items", _reading_inventories)
    patching.wrap(stepfunctions, "_run_distributed_map", _with_batches)
    patching.wrap(stepfunctions, "_map_run_view", _counting_items)
    # It does not tell IAM which Map Run a request is about (test_requests_name_their_map_run).
    patching.wrap(iam_actions, "extract_resource_arn", _with_map_run)


def _with_map_run(extract: Callable[..., str]) -> Callable[..., str]:
    """Authorize requests about a Map Run against its ARN."""

    @functools.wraps(extract)
    def extract_resource_arn(
        service: str, method: str, path: str, headers: Mapping[str, str], body: bytes, *rest: Any
    ) -> str:
        found = extract(service, method, path, headers, body, *rest)
        if service == "states" and found == "*":
            with contextlib.suppress(ValueError, LookupError, TypeError):
                return str(json.loads(body)["mapRunArn"])
        return found

    return extract_resource_arn


def _reading_inventories(read: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """Read the lists that the manifest of an S3 inventory names."""

    @functools.wraps(read)
    def read_map_items(reader: dict[str, Any], effective: Any, ctx: Any) -> list[Any]:
        if reader.get("ReaderConfig", {}).get("InputType") != "MANIFEST":
            return read(reader, effective, ctx)
        where = stepfunctions._resolve_params_obj(reader["Parameters"], effective, ctx)
        manifest = json.loads(stepfunctions._s3_object_text(where["Bucket"], where["Key"]))
        return list(_inventory(manifest))

    return read_map_items


def _inventory(manifest: dict[str, Any]) -> Iterator[dict[str, str]]:
    columns = [name.strip() for name in manifest["fileSchema"].split(",")]
    bucket = manifest["destinationBucket"].rpartition(":")[2]
    for file in manifest["files"]:
        content = s3._get_object_data(bucket, file["key"])
        if content is None:
            key = file["key"]
            raise stepfunctions._ExecutionError(
                "States.ItemReaderFailed", f"The specified key does not exist. (Key: {key})"
            )
        for row in csv.reader(io.StringIO(gzip.decompress(content).decode())):
            yield dict(zip(columns, row, strict=True))


def _with_batches(run: Callable[..., Any]) -> Callable[..., Any]:
    """Group the items into batches, and write what became of them."""

    @functools.wraps(run)
    def run_distributed_map(
        state: dict[str, Any], raw_input: Any, effective: Any, iterator: Any, execution: Any, ctx: Any
    ) -> Any:
        if not any(field in state for field in _OWN):
            return run(state, raw_input, effective, iterator, execution, ctx)
        items = _items(state, effective, ctx)
        _totals.setdefault(execution["executionArn"], []).append(len(items))
        batches = list(_batches(state.get("ItemBatcher"), items, effective, ctx))
        plain = {field: state[field] for field in _KEPT if field in state}
        plain |= {"ItemsPath": "$", "MaxConcurrency": _concurrency(state, effective, ctx)}
        try:
            results, following = run(plain, batches, batches, iterator, execution, ctx)
        finally:
            map_run = _latest(execution)
            if not is_running(execution):
                _abort(map_run)
            written = _write(state.get("ResultWriter"), map_run, effective, ctx)
        result = stepfunctions._apply_result_selector(state, written or results)
        output = stepfunctions._apply_result_path(state, raw_input, result)
        return stepfunctions._apply_output_path(state, output, ctx), following

    return run_distributed_map


def _items(state: dict[str, Any], effective: Any, ctx: dict[str, Any]) -> list[Any]:
    if "ItemReader" in state:
        items = stepfunctions._read_map_items(state["ItemReader"], effective, ctx)
    else:
        items = stepfunctions._resolve_path_or_ctx(state.get("ItemsPath", "$"), effective, ctx)
    if "ItemSelector" not in state:
        return list(items)
    chosen = state["ItemSelector"]
    return [
        stepfunctions._resolve_params_obj(
            chosen, effective, {**ctx, "Map": {"Item": {"Index": index, "Value": item}}}
        )
        for index, item in enumerate(items)
    ]


def _batches(batcher: dict[str, Any] | None, items: Sequence[Any], effective: Any, ctx: Any) -> Iterator[Any]:
    if batcher is None:
        yield from items
        return
    size = batcher["MaxItemsPerBatch"]
    shared = {}
    if "BatchInput" in batcher:
        shared["BatchInput"] = stepfunctions._resolve_params_obj(batcher["BatchInput"], effective, ctx)
    for start in range(0, len(items), size):
        yield {**shared, "Items": items[start : start + size]}


def _concurrency(state: dict[str, Any], effective: Any, ctx: Any) -> int:
    if "MaxConcurrencyPath" in state:
        return int(stepfunctions._resolve_path_or_ctx(state["MaxConcurrencyPath"], effective, ctx))
    return int(state.get("MaxConcurrency", 0))


def _latest(execution: dict[str, Any]) -> dict[str, Any]:
    own = execution["executionArn"]
    return _map_runs(own)[-1]


def _map_runs(execution: str) -> list[dict[str, Any]]:
    """The Map Runs of an execution, in their order."""
    return [one for one in list(stepfunctions._map_runs.values()) if one["executionArn"] == execution]


def _children(map_run: dict[str, Any]) -> list[dict[str, Any]]:
    arn = map_run["mapRunArn"]
    return [one for one in list(stepfunctions._executions.values()) if one.get("mapRunArn") == arn]


def _abort(map_run: dict[str, Any]) -> None:
    """Mark a Map Run, and those of its executions that were not started any more, as aborted."""
    map_run["status"] = "ABORTED"
    for child in _children(map_run):
        if child["status"] == "FAILED" and child.get("cause") == str(Aborted()):
            child["status"] = "ABORTED"
            del child["error"], child["cause"]


def _counting_items(view: Callable[..., Any]) -> Callable[..., Any]:
    """Count the items of batches, and aborted executions."""

    @functools.wraps(view)
    def map_run_view(map_run: dict[str, Any]) -> Any:
        found = view(map_run)
        execution = map_run["executionArn"]
        if execution not in _totals:
            return found
        number = [one["mapRunArn"] for one in _map_runs(execution)].index(map_run["mapRunArn"])
        total = _totals[execution][number]
        executions, items = (dict.fromkeys(found["itemCounts"], 0) for _ in range(2))
        for child in _children(map_run):
            name = ENDED[child["status"]]
            given = json.loads(child["input"])
            executions[name] += 1
            items[name] += len(given["Items"]) if isinstance(given, dict) and "Items" in given else 1
        for counts, whole in ((executions, found["executionCounts"]["total"]), (items, total)):
            counts["pending"] = whole - sum(counts[name] for name in ENDED.values())
            counts["total"] = whole
            counts["resultsWritten"] = map_run.get("_written", 0)
        return found | {"executionCounts": executions, "itemCounts": items}

    return map_run_view


def _write(
    writer: dict[str, Any] | None, map_run: dict[str, Any], effective: Any, ctx: Any
) -> dict[str, Any] | None:
    """Write the child executions to S3 by their status, and return the output of the state."""
    if writer is None:
        return None
    where = stepfunctions._resolve_params_obj(writer["Parameters"], effective, ctx)
    bucket, folder = where["Bucket"], f"{where['Prefix']}/{map_run['mapRunArn'].rpartition(':')[2]}"
    files: dict[str, list[dict[str, Any]]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    children = _children(map_run)
    for status, listed in files.items():
        ended = [_result(child) for child in children if (child["status"] == status)]
        if ended:
            body, key = _as_file(writer, ended), f"{folder}/{status}_0.json"
            s3._put_object(bucket, key, body, {})
            listed.append({"Key": key, "Size": len(body)})
    map_run["_written"] = sum(child["status"] in files for child in children)
    manifest = {"DestinationBucket": bucket, "MapRunArn": map_run["mapRunArn"], "ResultFiles": files}
    s3._put_object(bucket, f"{folder}/manifest.json", json.dumps(manifest).encode(), {})
    details = {"Bucket": bucket, "Key": f"{folder}/manifest.json"}
    return {"MapRunArn": map_run["mapRunArn"], "ResultWriterDetails": details}


def _as_file(writer: dict[str, Any], results: list[dict[str, Any]]) -> bytes:
    """A file of results, of the type that the writer's configuration names."""
    if writer.get("WriterConfig", {}).get("OutputType") == "JSONL":
        return "".join(json.dumps(result) + "\n" for result in results).encode()
    return json.dumps(results).encode()


def _result(child: dict[str, Any]) -> dict[str, Any]:
    found = {
        "ExecutionArn": child["executionArn"],
        "Input": child["input"],
        "Name": child["name"],
        "Output": child["output"],
        "StartDate": child["startDate"],
        "StateMachineArn": child["stateMachineArn"],
        "Status": child["status"],
        "StopDate": child["stopDate"],
    }
    errors = {name.title(): child[name] for name in ("error", "cause") if child.get(name)}
    return {name: value for name, value in (found | errors).items() if value is not None}
