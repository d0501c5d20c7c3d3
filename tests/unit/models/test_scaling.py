"""Automatic scaling of endpoints."""

from types import SimpleNamespace
from typing import Any

from botocore.session import get_session
from botocore.validate import ParamValidator

from chalicelib.models.scaling import MAX_GROWTH, Scaling


class Recorder:
    """A client that records calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.exceptions = SimpleNamespace(ObjectNotFoundException=KeyError)

    def __getattr__(self, name: str) -> Any:
        return lambda **request: self.calls.append((name, request))


def test_scaling_sends_valid_requests() -> None:
    recorder = Recorder()
    scaling = Scaling(lambda: recorder)

    scaling.start("e", 2)
    scaling.stop("e")

    assert [name for name, _ in recorder.calls] == [
        "register_scalable_target",
        "put_scaling_policy",
        "deregister_scalable_target",
    ]
    model = get_session().get_service_model("application-autoscaling")
    for name, request in recorder.calls:
        operation = model.operation_model("".join(part.title() for part in name.split("_")))
        assert request["ResourceId"] == "endpoint/e/variant/AllTraffic"
        report = ParamValidator().validate(request, operation.input_shape)
        assert not report.has_errors(), report.generate_report()
    assert recorder.calls[0][1]["MinCapacity"] == 2
    assert recorder.calls[0][1]["MaxCapacity"] == 2 * MAX_GROWTH


def test_scaling_can_be_stopped_if_it_never_started() -> None:
    class Missing(Exception):
        pass

    class Client:
        exceptions = SimpleNamespace(ObjectNotFoundException=Missing)

        def deregister_scalable_target(self, **_: str) -> None:
            raise Missing

    Scaling(Client).stop("e")
