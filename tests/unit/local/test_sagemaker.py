"""The parts of the local SageMaker that work without an emulator."""

import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
from ministack.services import stepfunctions

from local.aws.patching import UnsupportedMinistack
from local.sagemaker import api_model, integration
from local.sagemaker.compute_host import ComputeHost
from local.sagemaker.containers import Container, inherited_environment
from local.sagemaker.errors import JobFailed, SageMakerError
from local.sagemaker.job_run import JobRun, StopReason
from local.sagemaker.metrics import Metrics
from local.sagemaker.model_containers import ModelContainer
from local.sagemaker.roles import trusts
from local.sagemaker.script_mode import arguments, decode, user_parameters
from local.sagemaker.search import Search
from local.sagemaker.search_space import check_ranges
from local.sagemaker.service import Service
from local.sagemaker.state_store import StateStore
from local.sagemaker.storage import S3Location, unpack

STUBBORN = """
import signal, subprocess, time
child = subprocess.Popen(["sleep", "60"])
signal.signal(signal.SIGTERM, lambda *_: print("no", flush=True))
print(child.pid, flush=True)
while True:
    time.sleep(1)
"""


def container(tmp_path: Path, program: str) -> tuple[Container, list[str]]:
    """A running program and its output lines."""
    lines: list[str] = []
    return Container([sys.executable, "-c", program], tmp_path, {}, lines.append), lines


def wait_for_line(lines: list[str]) -> str:
    deadline = time.monotonic() + 20
    while not lines and time.monotonic() < deadline:
        time.sleep(0.02)
    return lines[0]


# ----------------------------------------------------------------------------------------- containers


def test_container_is_killed_with_its_children_after_the_grace_period(tmp_path: Path) -> None:
    stubborn, lines = container(tmp_path, STUBBORN)
    child = int(wait_for_line(lines))

    stubborn.terminate(grace=0.5)
    status = stubborn.wait(20)

    assert status == -9
    assert "no" in lines
    assert not is_running(child)


def is_running(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("program", "status"),
    [
        ("pass", 0),
        ("raise SystemExit(7)", 7),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", 139),
    ],
)
def test_exit_status_is_that_of_the_program(tmp_path: Path, program: str, status: int) -> None:
    assert container(tmp_path, program)[0].wait(20) == status


def test_output_is_complete_when_wait_returns(tmp_path: Path) -> None:
    printing, lines = container(
        tmp_path, "print('x\\n' * 5000 + 'ende \\udce4'.encode('utf-8', 'replace').decode())"
    )

    assert printing.wait(20) == 0
    assert len(lines) == 5001


def test_containers_do_not_inherit_the_emulators_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the developer")
    printing, lines = container(tmp_path, "import os; print('AWS_SECRET_ACCESS_KEY' in os.environ)")

    assert printing.wait(20) == 0
    assert lines == ["False"]


def test_first_stop_reason_counts(tmp_path: Path) -> None:
    run = JobRun(grace=0.1)
    waiting, _ = container(tmp_path, "import time; time.sleep(60)")

    status = run.execute(waiting, {StopReason.MAX_RUNTIME: time.monotonic() + 0.3})

    assert status != 0
    assert run.stop_reason is StopReason.MAX_RUNTIME
    assert not run.end(StopReason.REQUESTED)
    assert run.finish() is StopReason.MAX_RUNTIME


def test_finished_job_cannot_be_stopped() -> None:
    run = JobRun(grace=0.1)
    assert run.finish() is None

    assert not run.end(StopReason.REQUESTED, lambda: pytest.fail("it was noted as stopping"))
    assert run.stop_reason is None


class Here:
    """A host whose S3 is a folder."""

    def __init__(self, folder: Path) -> None:
        self.python = Path(sys.executable)
        self.scratch = folder / "work"
        self._archive = folder / "model.tar.gz"

    def storage(self, _role: str) -> "Here":
        return self

    def download_file(self, _uri: str, target: Path) -> None:
        target.write_bytes(self._archive.read_bytes())

    def environment(self, _role: str) -> dict[str, str]:
        return {}


def serve(folder: Path, inference: str) -> ModelContainer:
    code = folder / "inference.py"
    code.write_text(inference)
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        archive.add(code, "code/inference.py")
    definition = {"ModelDataUrl": "s3://any/model.tar.gz"}
    return ModelContainer(Here(folder), "role", definition, lambda _line: None, {})  # type: ignore[arg-type]


def test_slow_model_is_not_healthy_in_time(tmp_path: Path) -> None:
    slow = serve(tmp_path, "import time\ntime.sleep(60)")
    try:
        assert not slow.wait_until_healthy(1.0)
        assert slow.running
    finally:
        slow.kill()
    assert list((tmp_path / "work").iterdir()) == []


def test_model_server_decodes_text_and_passes_the_context_only_if_wanted(tmp_path: Path) -> None:
    model = serve(
        tmp_path,
        "def model_fn(folder): return 'm'\n"
        "def input_fn(body, content_type): return type(body).__name__\n"
        "def predict_fn(data, model): return data + model\n"
        "def output_fn(prediction, accept): return prediction + accept\n",
    )
    try:
        assert model.wait_until_healthy(20)
        for content_type, kind in (
            ("application/json; x=y", "str"),
            ("text/csv", "str"),
            ("image/png", "bytes"),
        ):
            answer = model.invoke(b"{}", {"Content-Type": content_type, "Accept": "*/*"}, 5)
            assert (answer.status, answer.body.decode()) == (200, f"{kind}mapplication/json")
        assert model.invoke(b"\xff", {"Content-Type": "text/csv"}, 5).status == 500
    finally:
        model.kill()


# -------------------------------------------------------------------------------------------- contract


def test_every_pattern_of_requests_compiles() -> None:
    patterns: set[str] = set()
    for kind in ("TrainingJob", "TransformJob", "ProcessingJob", "Model", "Endpoint", "ModelPackage"):
        patterns |= patterns_in(api_model.model().operation_model(f"Create{kind}").input_shape, frozenset())

    assert len(patterns) > 40
    assert [pattern for pattern in patterns if api_model.compiled(pattern) is None] == []


def patterns_in(shape: Any, seen: frozenset[str]) -> set[str]:
    """The patterns of a shape and its members."""
    if shape.name in seen:
        return set()
    match shape.type_name:
        case "structure":
            inner = list(shape.members.values())
        case "list":
            inner = [shape.member]
        case "map":
            inner = [shape.key, shape.value]
        case _:
            return {shape.metadata["pattern"]} if "pattern" in shape.metadata else set()
    return set().union(*(patterns_in(member, seen | {shape.name}) for member in inner))


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        (
            "StopTrainingJob",
            {},
            "Value null at 'trainingJobName' failed to satisfy constraint: Member must not",
        ),
        ("StopTrainingJob", {"TrainingJobName": "a--b"}, None),
        ("StopTrainingJob", {"TrainingJobName": "-a"}, "regular expression pattern"),
        ("ListTrainingJobs", {"MaxResults": 101}, "value less than or equal to 100"),
        ("ListTrainingJobs", {"SortBy": "Size"}, "enum value set: [Name, CreationTime, Status]"),
        ("ListTrainingJobs", {"Colour": "red"}, "Value 'red' at 'colour'"),
        (
            "AddTags",
            {
                "ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:model/a",
                "Tags": [{"Key": "Größe", "Value": "ä b"}],
            },
            None,
        ),
        (
            "DeleteTags",
            {"ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:model/a", "TagKeys": []},
            "length greater than or equal",
        ),
    ],
)
def test_requests_are_validated(operation: str, request_: dict[str, Any], message: str | None) -> None:
    if message is None:
        api_model.check_request(operation, request_)
        return
    with pytest.raises(SageMakerError) as error:
        api_model.check_request(operation, request_)
    assert error.value.code == "ValidationException"
    assert message in error.value.message


def test_all_violations_are_reported_together() -> None:
    with pytest.raises(SageMakerError, match=r"^2 validation errors detected: "):
        api_model.check_request("ListTrainingJobs", {"MaxResults": 0, "SortOrder": "Sideways"})


@pytest.mark.parametrize("value", [3, True, ["a"], {"a": "b"}])
def test_wrong_types_are_serialization_errors(value: object) -> None:
    with pytest.raises(SageMakerError) as error:
        api_model.check_request("StopTrainingJob", {"TrainingJobName": value})
    assert error.value.code == "SerializationException"


# ----------------------------------------------------------------------------------------------- rest


def test_hyperparameters_become_arguments() -> None:
    parameters = user_parameters(
        {
            "sagemaker_program": "train.py",
            "_tuning_objective_metric": "loss",
            "rate": "0.1",
            "name": '"chest"',
            "plain": "chest x-ray",
            "sizes": "[1, 2]",
            "more": '{"b": 1, "a": 2}',
            "x": "3",
        }
    )

    assert arguments(parameters) == [
        *("--more", "a=2,b=1", "--name", "chest", "--plain", "chest x-ray"),
        *("--rate", "0.1", "--sizes", "[1, 2]", "-x", "3"),
    ]
    assert decode("{broken") == "{broken"


def search(strategy: str, ranges: dict[str, Any], direction: str = "Minimize") -> Search:
    """A search with a fixed seed."""
    return Search(
        {
            "Strategy": strategy,
            "RandomSeed": 1,
            "HyperParameterTuningJobObjective": {"Type": direction, "MetricName": "objective"},
            "ParameterRanges": ranges,
        }
    )


def test_random_search_draws_from_every_range_by_its_scale() -> None:
    ranges: dict[str, Any] = {
        "IntegerParameterRanges": [
            {"Name": "linear", "MinValue": "1", "MaxValue": "3"},
            {"Name": "log", "MinValue": "1", "MaxValue": "1000", "ScalingType": "Logarithmic"},
        ],
        "ContinuousParameterRanges": [
            {"Name": "rate", "MinValue": "0.0001", "MaxValue": "1", "ScalingType": "Logarithmic"},
            {"Name": "keep", "MinValue": "0", "MaxValue": "0.9999", "ScalingType": "ReverseLogarithmic"},
            {"Name": "even", "MinValue": "-1", "MaxValue": "1", "ScalingType": "Auto"},
        ],
        "CategoricalParameterRanges": [{"Name": "colour", "Values": ["red", "blue"]}],
    }
    check_ranges(ranges)
    random = search("Random", ranges)
    drawn = [random.propose(str(number)) for number in range(400)]

    def share(name: str, above: float) -> float:
        return sum(float(values[name]) > above for values in drawn) / len(drawn)

    assert {values["linear"] for values in drawn} == {"1", "2", "3"}
    assert {values["colour"] for values in drawn} == {"red", "blue"}
    assert all(1 <= int(values["log"]) <= 1000 for values in drawn)
    assert all(0 <= float(values["keep"]) <= 0.9999 for values in drawn)
    for name, middle in (("log", 31.6), ("rate", 0.01), ("keep", 0.99), ("even", 0.0)):
        assert share(name, middle) == pytest.approx(0.5, abs=0.1), name


@pytest.mark.parametrize(("direction", "sign"), [("Minimize", 1), ("Maximize", -1)])
def test_bayesian_search_learns_from_objectives(direction: str, sign: int) -> None:
    ranges = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "100"}]}
    bayesian = search("Bayesian", ranges, direction)
    proposed = []
    for number in range(40):
        x = float(bayesian.propose(str(number))["x"])
        proposed.append(x)
        bayesian.report(str(number), None if number % 8 == 7 else sign * abs(x - 30))

    late = proposed[20:]
    assert sum(abs(x - 30) < 20 for x in late) > 0.7 * len(late)


def test_bayesian_search_can_run_in_parallel() -> None:
    ranges = {"CategoricalParameterRanges": [{"Name": "colour", "Values": ["red", "blue"]}]}
    bayesian = search("Bayesian", ranges)

    proposed = [bayesian.propose(str(number)) for number in range(4)]
    for number in (2, 0, 3, 1):
        bayesian.report(str(number), float(number))

    assert {values["colour"] for values in proposed} <= {"red", "blue"}


@pytest.mark.parametrize(
    "item",
    [
        {"MinValue": "2", "MaxValue": "1"},
        {"MinValue": "a", "MaxValue": "b"},
        {"MinValue": "0", "MaxValue": "1", "ScalingType": "Logarithmic"},
        {"MinValue": "0", "MaxValue": "1", "ScalingType": "ReverseLogarithmic"},
        {"MinValue": "0", "MaxValue": "inf"},
    ],
)
def test_invalid_ranges_are_refused(item: dict[str, str]) -> None:
    with pytest.raises(SageMakerError):
        check_ranges({"ContinuousParameterRanges": [{"Name": "x", **item}]})


def test_latest_value_of_a_metric_counts() -> None:
    metrics = Metrics([{"Name": "loss", "Regex": r"loss=(\S+);"}])

    for line in ("loss=3; loss=2;", "other", "loss=nan;", "loss=none;"):
        metrics.read(line)

    found = metrics.take_new()
    assert found is not None
    assert [(metric["MetricName"], metric["Value"]) for metric in found] == [("loss", 2.0)]
    assert metrics.take_new() is None


@pytest.mark.parametrize(
    ("statement", "trusted"),
    [
        ({"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}}, True),
        ({"Effect": "Allow", "Principal": {"Service": ["a.amazonaws.com", "sagemaker.amazonaws.com"]}}, True),
        ({"Effect": "Deny", "Principal": {"Service": "sagemaker.amazonaws.com"}}, False),
        ({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}, False),
        ({"Effect": "Allow", "Principal": {"AWS": "*"}}, False),
        ({"Effect": "Allow", "Principal": "*"}, False),
    ],
)
def test_trust_policies_for_sagemaker(statement: dict[str, Any], trusted: bool) -> None:
    assert trusts({"Statement": {**statement, "Action": "sts:AssumeRole"}}) is trusted


def test_records_survive_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "records.sqlite"
    store = StateStore(file)
    assert store.add("Model", "a", {"x": 1, "y": 2})
    assert not store.add("Model", "a", {})
    store.update("Model", "a", x=3, y=None)
    store.update("Model", "gone", x=3)
    store.close()

    again = StateStore(file)

    assert again.get("Model", "a") == {"x": 3}
    assert again.all("Model") == [{"x": 3}]
    assert again.delete("Model", "a")
    assert not again.delete("Model", "a")
    assert again.get("Model", "a") is None
    again.close()


def test_archive_cannot_write_outside_its_folder(tmp_path: Path) -> None:
    evil = tmp_path / "evil.tar.gz"
    with tarfile.open(evil, "w:gz") as archive:
        archive.add(__file__, "../outside")

    with pytest.raises(JobFailed, match="cannot be unpacked"):
        unpack(evil, tmp_path / "inside")
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("lost", [1, 8])
def test_truncated_archive_is_refused(tmp_path: Path, lost: int) -> None:
    damaged = tmp_path / "model.tar.gz"
    with tarfile.open(damaged, "w:gz") as archive:
        archive.add(__file__, "model.onnx")
    damaged.write_bytes(damaged.read_bytes()[:-lost])

    with pytest.raises(JobFailed, match="cannot be unpacked"):
        unpack(damaged, tmp_path / "inside")


@pytest.mark.parametrize(
    ("uri", "name", "below"),
    [("s3://b", "x", "s3://b/x"), ("s3://b/a/", "x", "s3://b/a/x"), ("s3://b/a", "x/y", "s3://b/a/x/y")],
)
def test_s3_locations(uri: str, name: str, below: str) -> None:
    assert str(S3Location.parse(uri).below(name)) == below


def test_missing_training_environment_is_reported_with_a_remedy(tmp_path: Path) -> None:
    service = Service(ComputeHost(tmp_path / "python", tmp_path, "http://127.0.0.1:9"))

    with pytest.raises(SageMakerError, match="make environments"):
        service.call("CreateEndpoint", {"EndpointName": "a", "EndpointConfigName": "b"})
    assert service.call("ListEndpoints", {}) == {"Endpoints": []}


def test_changed_ministack_is_refused_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(ComputeHost(tmp_path / "python", tmp_path, "http://127.0.0.1:9"))
    monkeypatch.delattr(stepfunctions, "_SERVICE_DISPATCH")

    with pytest.raises(UnsupportedMinistack, match="_SERVICE_DISPATCH"):
        integration.install(service)


def test_containers_inherit_the_number_of_threads_and_nothing_private(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "private")

    inherited = inherited_environment()

    assert inherited["OMP_NUM_THREADS"] == "3"
    assert "AWS_SECRET_ACCESS_KEY" not in inherited
