"""Who classifies: our handler, the floor, and what others serve models with."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.packages import folder_megabytes, installed_megabytes
from benchmarks.peers.negatoscope import TASK
from benchmarks.program import PROJECT, Program, ProgramFailed, Running, Server
from benchmarks.weights import write_weights
from chalicelib.models.package import BUNDLED_MODELS, ModelPackage, bundled_package
from chalicelib.tasks import load_task
from deploy.requirement_locks import pins

OURS = Path(sys.executable)
TRAINING = PROJECT / ".venv-training" / "bin" / "python"
OTHERS = PROJECT / ".venv-benchmarks" / "bin" / "python"

NEGATOSCOPE, FLOOR = "Negatoscope", "floor: Pillow, numpy, onnxruntime"
PATIENCE = 300.0
"""Seconds that the models of Keras may take to be written."""
RUNTIME = ("numpy", "onnxruntime", "pillow")


@dataclass(frozen=True)
class Contestant:
    """One way to classify images."""

    name: str
    start: Callable[[int], Running]
    """Starts it on a core."""
    megabytes: Callable[[], float]
    """Of its packages."""
    same: bool = True
    """Whether it has the network and the weights of the bundled model, so that answers agree."""
    slow: bool = False
    """Whether it is started once only, and asked for one image in ten rounds."""


def contestants(folder: Path) -> list[Contestant]:
    """All of them.

    Their models are written into `folder`, and kept there for the next run. Those that cannot be written are
    missing when they are started.
    """
    task = load_task(TASK)
    package = bundled_package(TASK)
    assert package
    width, height, classes = str(task.input.width), str(task.input.height), task.class_names
    frame = (width, height, *classes)
    padding = str(package.facts["training"]["padding"])
    folder = folder / package.sha256[:12]
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(package, folder / "weights.npz")
    keras = write_keras_models(folder, padding, width, height)
    graph = str(package.graph_path)

    def own(module: str, python: Path, *arguments: str) -> Callable[[int], Running]:
        return lambda core: Program([str(python), "-m", f"benchmarks.{module}", *arguments], core)

    def with_keras(module: str, *arguments: str) -> Callable[[int], Running]:
        if not keras:
            return own(module, OTHERS, *arguments)

        def fail(_core: int) -> Running:
            raise ProgramFailed(keras)

        return fail

    def size(python: Path, *names: str) -> Callable[[], float]:
        return lambda: installed_megabytes(python, names)

    resnet, same = str(folder / "resnet.keras"), str(folder / "same.keras")
    keras_size = size(OTHERS, "tensorflow-cpu", "pillow")
    return [
        Contestant(NEGATOSCOPE, own("peers.negatoscope", OURS), lambda: our_megabytes(package)),
        Contestant(FLOOR, own("peers.floor", OURS, graph, *frame), size(OURS, *RUNTIME)),
        Contestant(
            "LiteRT",
            with_keras("peers.litert", str(folder / "same.tflite"), *frame),
            size(OTHERS, "ai-edge-litert", "pillow"),
        ),
        Contestant(
            "BentoML, our graph, over HTTP",
            lambda core: bentoml_server(core, folder, (graph, *frame)),
            size(OTHERS, "bentoml", *RUNTIME),
        ),
        Contestant(
            "PyTorch",
            own("training.pytorch", TRAINING, str(folder / "weights.npz"), padding, *frame),
            size(TRAINING, "torch", "numpy", "pillow"),
        ),
        Contestant("Keras, same network", with_keras("peers.keras", "kept", same, "1", *frame), keras_size),
        Contestant(
            "Keras ResNet-50, model kept",
            with_keras("peers.keras", "kept", resnet, "3", "224", "224", *classes),
            keras_size,
            same=False,
        ),
        Contestant(
            "Keras ResNet-50, model loaded for each image",
            with_keras("peers.keras", "each", resnet, "3", "224", "224", *classes),
            keras_size,
            same=False,
            slow=True,
        ),
    ]


def our_megabytes(package: ModelPackage) -> float:
    """The packages of the Lambda layer, our code, and the model."""
    names = [pin.name for pin in pins((PROJECT / "requirements.txt").read_text(encoding="utf-8"))]
    code = folder_megabytes(PROJECT / "chalicelib") - folder_megabytes(BUNDLED_MODELS)
    return installed_megabytes(OURS, names) + code + folder_megabytes(package.folder)


def bentoml_server(core: int, folder: Path, arguments: Sequence[str]) -> Running:
    """BentoML in production, with one worker."""
    command = [str(OTHERS), "-m", "bentoml", "serve", "benchmarks.peers.bentoml_service:Classification"]
    return Server(
        [*command, "--working-dir", str(PROJECT), "--host", "127.0.0.1", "--port"],
        core,
        BENTOML_DO_NOT_TRACK="True",
        BENTOML_HOME=str(folder),
        _NEGATOSCOPE_PEER="\n".join(arguments),
    )


def write_keras_models(folder: Path, *arguments: str) -> str:
    """Write the models of Keras and LiteRT, unless they are there; returns why that failed, or nothing."""
    if (folder / "same.tflite").exists():  # the last one
        return ""
    command = [str(OTHERS), "-m", "benchmarks.peers.keras_models", str(folder)]
    environment = dict(os.environ) | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    try:
        subprocess.run(
            [*command, str(folder / "weights.npz"), *arguments],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
    except OSError:
        return f"{OTHERS.parent.parent.name} is not installed"
    except subprocess.TimeoutExpired:
        return f"writing the models took more than {PATIENCE:.0f} s"
    except subprocess.CalledProcessError as error:
        return str(error.stderr).strip().splitlines()[-1][:200]
    return ""
