"""Train a task's model: `python -m training.train --task TASK [--data FOLDER] [--smoke]`.

On several GPUs of one machine: `torchrun --nproc-per-node N -m training.train --task TASK`. The result is
that of one process, within rounding. On several machines `training.launch` starts it.

Runs unchanged as a SageMaker script-mode job: the channel `train` holds all labelled images (they are split
by patient here), hyper-parameters are arguments, the package and the code that serves it go to SM_MODEL_DIR,
and the reports to SM_OUTPUT_DATA_DIR. Seed, epoch, temperature and threshold are chosen on the validation
part; only then are the trained models tested.
"""

import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from chalicelib.errors import NegatoscopeError
from training import steps
from training.arguments import Arguments, check_output, parse_arguments
from training.core.facts import Facts
from training.model import parallel
from training.model.devices import make_deterministic
from training.run import Run

INTERRUPTED = 130
"""Exit status that shells use after Ctrl-C."""


def train(arguments: Arguments) -> Facts | None:
    """Train, choose, test and package a model; returns the content of model.json.

    Where several processes train together, the first one alone continues after the training and writes
    anything; the others return None.

    Raises:
        TrainingError: if data or arguments do not allow training; the message says what to do.
    """
    started = time.monotonic()
    if parallel.is_first():
        for folder in (arguments.model_dir, arguments.output_dir, arguments.checkpoint_dir):
            check_output(folder)
        arguments.model_dir.mkdir(parents=True, exist_ok=True)
        arguments.output_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as workplace:
        run = Run(arguments, Path(workplace), started)
        prepared = steps.prepare(run)
        fits = steps.fit_networks(run, prepared)
        if not parallel.is_first():
            return None
        choice = steps.choose(run, prepared, fits)
        results = steps.test(run, prepared, choice)
        model = steps.package(run, prepared, choice, results)
    # A tuning job compares its training jobs by the last objective that they print.
    print(f"objective={choice.model.validation_loss:.4f};", flush=True)
    return model


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; the exit status says whether there is a package."""
    # SageMaker sends SIGTERM when it takes a spot instance back; handle it like Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        arguments = parse_arguments(argv)
        make_deterministic()
        with parallel.processes():
            model = train(arguments)
    except NegatoscopeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: the same command continues after the last completed epoch", file=sys.stderr)
        return INTERRUPTED
    if model:
        values = {name: model["metrics"]["test"][name]["value"] for name in steps.HEADLINE_METRICS}
        # A test part of one class, which is possible with --leave-out, has no AUC.
        print(" ".join(f"test_{name}={value:.4f};" for name, value in values.items() if value is not None))
        print(f"package: {arguments.model_dir}; reports: {arguments.output_dir}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
