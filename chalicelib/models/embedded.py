"""Runs a model package inside this process with onnxruntime."""

from typing import TYPE_CHECKING

from chalicelib.errors import ModelFailed
from chalicelib.models.backend import ModelIdentity, ModelOutputs
from chalicelib.models.package import ModelPackage

if TYPE_CHECKING:
    from chalicelib.imaging.decoded import Pixels

OUTPUTS = ("probabilities", "activation", "distance")


class EmbeddedBackend:
    """An onnxruntime session that is used for every image."""

    def __init__(self, package: ModelPackage, threads: int):
        # Importing takes 0.2 s, which routes that never classify do not need.
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Spinning threads would waste the CPU share of a Lambda.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(package.graph_path), options, providers=["CPUExecutionProvider"]
        )
        self._package = package
        self._identity = ModelIdentity(package.version, package.sha256, "embedded")

    def run(self, images: "Pixels") -> ModelOutputs:
        """See `Backend.run`."""
        try:
            probabilities, activation, distance = self._session.run(OUTPUTS, {"image": images})
        except Exception as error:
            raise ModelFailed(
                f"The model {self._package.version} could not process the image. Please report this."
            ) from error
        return ModelOutputs(
            probabilities.astype("float32", copy=False),
            activation.astype("float32", copy=False),
            distance.astype("float32", copy=False),
            self._package.thresholds,
            self._identity,
        )
