"""Search for better hyper-parameters: `python -m training.tune --task TASK [--data FOLDER] [--trials N]`.

Every trial trains one network and is measured by its validation loss; the test part is never used.
The search is stored in a file: the same command continues it, and a higher `--trials` extends it.
"""

import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import optuna
from optuna.trial import Trial, TrialState

from chalicelib.errors import NegatoscopeError
from chalicelib.hyperparameters import searched
from training.arguments import ONE_NETWORK, Arguments, check_output, read_options, training_parser
from training.data.pixels import Labelled
from training.errors import TrainingError
from training.model import parallel
from training.model.devices import make_deterministic
from training.model.fitting import Fit, fit
from training.model.progress import Epoch
from training.model.starting_weights import StartingWeights
from training.reports.tuning_report import RECIPE, describe, finished, write_report
from training.search_space import suggest, tuning_job, within
from training.steps import read_inputs, read_training_outlines
from training.train import INTERRUPTED

RANDOM_TRIALS = 4
"""Trials before the sampler and the pruner start; most searches here are short."""
UNPRUNED_SHARE = 0.3
"""Share of the epochs in which no trial is pruned."""


def tune(arguments: Arguments, trials: int, folder: Path) -> optuna.Study:
    """Search until there are `trials` trials; the study and its report are in `folder`.

    Raises:
        TrainingError: if data or arguments do not allow training.
    """
    if parallel.launched():
        raise TrainingError("A search runs in one process; start it without torchrun.")
    check_output(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        data, weights = read_inputs(arguments, Path(name))
        study = open_study(arguments, folder, data.fingerprint, weights)
        outlines = read_training_outlines(arguments, [data], Path(name))
        train, validation = data.labelled("train", outlines), data.labelled("validation")
        search(study, arguments, train, validation, weights, trials)
    write_report(folder, arguments, study)
    return study


def open_study(
    arguments: Arguments, folder: Path, fingerprint: str, weights: StartingWeights | None
) -> optuna.Study:
    """Open the study in `folder`, or create one if there is none with the same data and fixed parameters.

    The first trial is the task's recipe.
    """
    values = arguments.parameters.to_dict()
    fixed = {name: value for name, value in values.items() if name not in searched()}
    digest = hashlib.sha256(
        json.dumps([fixed, fingerprint, weights.name if weights else None, sorted(searched())]).encode()
    ).hexdigest()
    study = optuna.create_study(
        storage=f"sqlite:///{folder / 'study.db'}",
        study_name=f"{arguments.task.name}-{digest[:12]}",
        load_if_exists=True,
        direction="minimize",
        pruner=optuna.pruners.MedianPruner(
            RANDOM_TRIALS, n_warmup_steps=round(UNPRUNED_SHARE * arguments.parameters.epochs)
        ),
    )
    # A continued search must not draw the same values again.
    study.sampler = optuna.samplers.TPESampler(
        n_startup_trials=RANDOM_TRIALS, seed=arguments.parameters.seed + len(study.trials)
    )
    if not finished(study) and not study.get_trials(states=(TrialState.WAITING,)):
        study.enqueue_trial(within(arguments.parameters), user_attrs={RECIPE: True})
    return study


def search(
    study: optuna.Study,
    arguments: Arguments,
    train: Labelled,
    validation: Labelled,
    weights: StartingWeights | None,
    trials: int,
) -> None:
    """Run the missing trials."""
    before = len(finished(study))
    if before:
        print(f"continuing a search of {before} trials", flush=True)
    start = time.monotonic()

    def objective(trial: Trial) -> float:
        done = len(finished(study))
        print(f"trial {done + 1}/{trials}: {_time_left(start, done - before, trials - done)}", flush=True)
        return run_trial(trial, arguments, train, validation, weights)

    study.optimize(objective, max(0, trials - before))


def run_trial(
    trial: Trial,
    arguments: Arguments,
    train: Labelled,
    validation: Labelled,
    weights: StartingWeights | None,
) -> float:
    """Train with the values of the trial; returns the lowest loss on validation.

    Raises:
        TrialPruned: if the trial is worse than most, or its training diverges.
    """
    values = suggest(trial)
    trial.set_user_attr("values", values)
    print("; ".join(f"{name}={value}" for name, value in values.items()), flush=True)
    parameters = arguments.parameters.updated({**values, **ONE_NETWORK})

    def after_epoch(epoch: Epoch) -> None:
        trial.report(epoch.validation_loss, epoch.number)
        if trial.should_prune():
            print(f"pruned after epoch {epoch.number}: worse than half of the trials", flush=True)
            raise optuna.TrialPruned

    try:
        fitted: Fit = fit(
            arguments.task, train, validation, parameters, parameters.seed, weights, after_epoch=after_epoch
        )
    except NegatoscopeError as error:
        print(f"pruned: {error}", flush=True)
        raise optuna.TrialPruned from error
    trial.set_user_attr("epoch", fitted.best.number)
    trial.set_user_attr("balanced_accuracy", fitted.best.validation_balanced_accuracy)
    return fitted.best.validation_loss


def _time_left(start: float, done: int, left: int) -> str:
    return f"time_left={(time.monotonic() - start) / done * left:.0f}s" if done else "time_left=?"


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; the exit status says whether there is a result."""
    parser = training_parser("training.tune", "Search for better hyper-parameters of a task, on validation.")
    group = parser.add_argument_group("search")
    group.add_argument("--trials", type=int, default=8, help="number of trials, including earlier ones (8)")
    group.add_argument(
        "--sagemaker",
        action="store_true",
        help="do not search, but print the settings of a SageMaker tuning job as JSON",
    )
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        options = parser.parse(argv)
        if options.trials < 1:
            raise TrainingError(f"--trials must be at least 1; it is {options.trials}.")
        arguments = read_options(options)
        if options.sagemaker:
            static = {"task": arguments.task.name, **arguments.asked}
            print(json.dumps(tuning_job(static, options.trials), indent=2))
            return 0
        folder = options.output_dir or Path(".local", "tuning", arguments.task.name)
        make_deterministic()
        study = tune(arguments, options.trials, folder)
    except NegatoscopeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: the same command continues the search", file=sys.stderr)
        return INTERRUPTED
    print(describe(study))
    print(f"to train with the best: --recipe {folder / 'best.toml'}, or copy it into recipes.toml")
    return 0


if __name__ == "__main__":
    sys.exit(main())
