"""The ensemble: several networks with test-time augmentation as one module."""

from dataclasses import replace

import pytest
import torch

from chalicelib.tasks import Task, load_task
from tests.training.samples import make_ood_score
from tests.training.test_residual_network import make_trained_network
from training.model.classifier import fold_batch_norm
from training.model.ensemble_module import EnsembleModule, Member, View, tta_views

IMAGES = torch.randint(0, 256, (3, 1, 48, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
ALL = tuple(View(turns, mirrored) for turns in range(4) for mirrored in (False, True))


def member(seed: int) -> Member:
    network = make_trained_network()
    torch.manual_seed(seed)
    torch.nn.init.normal_(network.head.weight)
    return Member(fold_batch_norm(network), make_ood_score(96))


@torch.inference_mode()
def ask(model: EnsembleModule, images: torch.Tensor) -> list[torch.Tensor]:
    return list(model.eval()(images))


@torch.inference_mode()
def test_ensemble_averages_its_members() -> None:
    members = [member(0), member(1)]
    logits, distances = zip(*(EnsembleModule([one], 1.0).answer(IMAGES)[::2] for one in members), strict=True)

    together = EnsembleModule(members, 2.0).eval()(IMAGES)

    assert torch.allclose(together[0], (torch.stack(logits).mean(0) / 2).softmax(1), atol=1e-6)
    assert torch.allclose(together[2], torch.stack(distances).mean(0), atol=1e-5)


@pytest.mark.parametrize("view", ALL)
def test_view_undo_reverses_apply(view: View) -> None:
    assert torch.equal(view.undo(view.apply(IMAGES)), IMAGES)


@pytest.mark.parametrize("view", ALL)
def test_ensemble_with_all_views_is_invariant_to_flips_and_turns(view: View) -> None:
    model = EnsembleModule([member(0)], 1.0, ALL)

    (probabilities, activation, distance), seen = ask(model, IMAGES), ask(model, view.apply(IMAGES))

    assert torch.allclose(seen[0], probabilities, atol=1e-5)
    assert torch.allclose(view.undo(seen[1]), activation, atol=1e-4)
    assert torch.allclose(seen[2], distance, atol=1e-4)


def test_flip_swaps_classes_with_sides() -> None:
    swap = [1, 0, 2]
    model = EnsembleModule([member(0)], 1.0, (View(), View(mirrored=True)), swap)

    (probabilities, activation, _), mirrored = ask(model, IMAGES), ask(model, IMAGES.flip(3))

    assert not torch.allclose(probabilities[:, swap], probabilities, atol=1e-3)
    assert torch.allclose(mirrored[0], probabilities[:, swap], atol=1e-5)
    assert torch.allclose(mirrored[1].flip(3), activation[:, swap], atol=1e-4)


def test_views_are_limited_to_those_in_the_training_augmentation(task: Task) -> None:
    histology = load_task("breast-histology")
    oblong = replace(histology, input=replace(histology.input, width=80))
    one_sided = replace(task, augmentation=replace(task.augmentation, flip=False))

    assert tta_views(histology, "none") == (View(),)
    assert tta_views(histology, "turns") == (View(), View(1), View(2), View(3))
    assert set(tta_views(histology, "all")) == set(ALL)
    assert tta_views(oblong, "all") == tta_views(task, "all") == (View(), View(mirrored=True))
    assert tta_views(one_sided, "all") == (View(),)


@torch.inference_mode()
def test_offset_is_added_before_the_division() -> None:
    offset = torch.tensor([1.0, -2.0, 0.5])
    logits = EnsembleModule([member(0)], 1.0).answer(IMAGES)[0]

    probabilities = EnsembleModule([member(0)], 2.0, offset=offset).eval()(IMAGES)[0]

    assert torch.allclose(probabilities, ((logits + offset) / 2).softmax(1), atol=1e-6)
