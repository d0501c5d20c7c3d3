"""A training run, and the results that its steps pass on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chalicelib.hyperparameters import Hyperparameters
from chalicelib.tasks import Task
from training.arguments import Arguments
from training.core.facts import Facts
from training.data.preparation import PreparedData
from training.evaluation.assessment import Assessment
from training.evaluation.out_of_distribution import OODImages
from training.model.candidate import Candidate, Fold
from training.model.checkpoint import Checkpoint
from training.model.starting_weights import StartingWeights


@dataclass(frozen=True)
class Run:
    """A training run: its arguments and its temporary folder."""

    arguments: Arguments
    workplace: Path
    """Folder for arrays and graphs that are needed during the run only."""
    started: float
    """By `time.monotonic`, in seconds."""

    @property
    def task(self) -> Task:
        """The task to train."""
        return self.arguments.task

    @property
    def parameters(self) -> Hyperparameters:
        """All hyper-parameters."""
        return self.arguments.parameters


@dataclass(frozen=True)
class Prepared:
    """The data, splits, starting weights and checkpoints of a run."""

    data: PreparedData
    splits: Mapping[int, PreparedData]
    """By seed, the split of the data: another one for each fold of a cross-validation, else the same."""
    folds: Mapping[int, Fold]
    """By seed, the images of its split for training and validation."""
    weights: StartingWeights | None
    checkpoints: Mapping[int, Checkpoint]
    """By seed."""

    def splits_of(self, candidate: Candidate) -> list[PreparedData]:
        """The splits of a candidate's networks, in the order of its answers to validation images."""
        return list({id(split): split for split in map(self.splits.__getitem__, candidate.fits)}.values())


@dataclass(frozen=True)
class Choice:
    """The model for the package, every network by itself, and out-of-distribution images to test them on."""

    model: Candidate
    singles: Sequence[Candidate]
    ood_images: Sequence[OODImages]


@dataclass(frozen=True)
class Results:
    """The measurements of a run."""

    test: Assessment
    """Of the model for the package."""
    validation: Assessment
    singles: Mapping[int, Assessment]
    """The test of every network by itself, by its seed."""
    ood: Facts
    """By kind of out-of-distribution images; empty if there are none."""
