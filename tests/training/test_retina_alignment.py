"""Alignment of OCT sections: the fit, the aligned section, and the heat map of the original image."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from chalicelib.errors import InvalidHyperparameters
from chalicelib.hyperparameters import Hyperparameters
from chalicelib.tasks import load_task
from tests.training.samples import make_ood_score
from training.errors import TrainingError
from training.model.classifier import fold_batch_norm
from training.model.ensemble_module import EnsembleModule, Member
from training.model.export import check_parity, export
from training.model.graph import open_session, run
from training.model.network import build_network
from training.model.retina_alignment import (
    ABOVE,
    BELOW,
    CELL_WIDTH,
    HEIGHT,
    WIDTH,
    align_retina,
    fit_retina,
    spread_over_image,
)


@dataclass(frozen=True)
class Section:
    """A drawn section: a bright layer below a grey retina, in noise."""

    height: float
    """Of the layer in the middle, as a share of the image's height."""
    slope: float = 0.0
    """Change of height from the left to the right edge."""
    bend: float = 0.0
    """How much higher the layer is at both edges than in the middle."""
    size: tuple[int, int] = (192, 256)

    def layer(self, columns: int) -> Tensor:
        """The height of the layer in each of `columns`, shape (columns,)."""
        x = (torch.arange(columns) + 0.5) / columns - 0.5
        return self.height + self.slope * x - 4 * self.bend * x * x

    def draw(self) -> Tensor:
        """Float 0..1 (1, 1, H, W), with the values of a uint8 image."""
        rows, columns = self.size
        y = ((torch.arange(rows) + 0.5) / rows)[:, None]
        below = y - self.layer(columns)
        noise = 0.15 * torch.rand(self.size, generator=torch.Generator().manual_seed(0))
        section = noise + 0.25 * (below.abs() < 0.1) + 0.45 * (below.abs() < 0.015)
        return (section[None, None] * 255).round() / 255


SECTIONS = (
    Section(0.5),
    Section(0.3, slope=0.2),
    Section(0.7, slope=-0.3),
    Section(0.6, bend=0.25),
    Section(0.4, slope=0.1, bend=-0.15),
    Section(0.5, slope=0.2, bend=0.1, size=(128, 256)),
    Section(0.55, slope=-0.1, size=(256, 320)),
)


@pytest.mark.parametrize("section", SECTIONS)
def test_parabola_follows_the_brightest_layer(section: Section) -> None:
    fitted = fit_retina(section.draw())[0]

    assert fitted.shape == (section.size[1] // CELL_WIDTH,)
    assert (fitted - section.layer(len(fitted))).abs().max() < 0.03


def fill_white(image: Tensor, corner: str) -> Tensor:
    """An image (1, 1, H, W) with white beside the section."""
    image = image.clone()
    rows, columns = image.shape[2:]
    if corner in ("above", "all edges"):
        for column in range(columns):
            image[..., : 40 * column // columns, column] = 1
    if corner in ("below", "all edges"):
        image[..., -3:, :] = 1
    if corner in ("left", "all edges"):
        for row in range(rows):
            image[..., row, : 1 + 12 * row // rows] = 1
    return image


@pytest.mark.parametrize("corner", ["above", "below", "left", "all edges"])
def test_white_filling_is_no_layer(corner: str) -> None:
    section = Section(0.5, slope=0.1)

    fitted = fit_retina(fill_white(section.draw(), corner))[0]

    assert (fitted - section.layer(len(fitted))).abs()[3:].max() < 0.04


@pytest.mark.parametrize("corner", ["none", "above", "below", "left", "all edges"])
@pytest.mark.parametrize("edges", [(16, 16, 16, 16), (21, 0, 13, 0), (0, 19, 0, 27)])
@pytest.mark.parametrize("grey", [0.0, 0.1, 0.5, 1.0])
def test_frame_does_not_move_the_layer(corner: str, edges: tuple[int, int, int, int], grey: float) -> None:
    """As a screenshot or a shift adds it; its edges need not be those of cells."""
    image = fill_white(Section(0.5, slope=0.1, bend=0.05).draw(), corner)
    fitted = fit_retina(image)[0]
    rows, columns = image.shape[2:]
    left, _, top, _ = edges
    framed = functional.pad(image, edges, value=grey)

    found = fit_retina(functional.pad(framed, (0, -framed.shape[3] % CELL_WIDTH), value=grey))[0]

    pixels = (torch.arange(len(found)) + 0.5) * CELL_WIDTH - left
    inside = (pixels > 24) & (pixels < columns)
    height = found * framed.shape[2] - top
    expected = fitted[(pixels / CELL_WIDTH).long().clamp(0, len(fitted) - 1)] * rows
    assert ((height - expected)[inside].abs() / rows).max() < 0.04


@pytest.mark.parametrize("section", SECTIONS)
def test_aligned_section_has_the_layer_in_one_row(section: Section) -> None:
    aligned = align_retina(section.draw())

    assert aligned.shape == (1, 1, HEIGHT, WIDTH)
    brightest = aligned[0, 0, :, 20:-20].argmax(0).float()
    assert (brightest - HEIGHT * ABOVE / (ABOVE + BELOW)).abs().median() < 6


@pytest.mark.parametrize("section", SECTIONS)
def test_maps_are_put_back_where_the_image_shows_the_layer(section: Section) -> None:
    image = section.draw()
    maps = torch.zeros(1, 2, HEIGHT // 8, WIDTH // 8)
    maps[:, 1, round(HEIGHT / 8 * ABOVE / (ABOVE + BELOW))] = 1
    rows, columns = section.size[0] // 8, section.size[1] // 8

    spread = spread_over_image(maps, image, (rows, columns))

    assert spread.shape == (1, 2, rows, columns)
    assert spread[:, 0].abs().max() == 0
    brightest = (spread[0, 1].argmax(0) + 0.5) / rows
    assert (brightest - section.layer(columns)).abs().max() < 0.08


def test_maps_are_zero_where_the_network_has_not_seen_the_image() -> None:
    image = Section(0.9).draw()

    spread = spread_over_image(torch.ones(1, 1, 5, 9), image, (24, 32))[0, 0]

    assert spread[:8].max() == 0  # more than 0.4 of the height above the layer
    assert spread[16:20].min() > 0.9


def test_images_of_a_batch_do_not_influence_each_other() -> None:
    images = torch.cat([section.draw() for section in SECTIONS if section.size == (192, 256)])

    together = align_retina(images)

    for number in range(len(images)):
        assert torch.allclose(together[number], align_retina(images[number : number + 1])[0], atol=1e-5)


@pytest.mark.parametrize("kind", ["black", "white", "grey", "noise", "halves", "one pixel"])
@pytest.mark.parametrize(("rows", "columns"), [(16, 16), (17, 80), (80, 23), (61, 255)])
def test_every_image_is_aligned_to_finite_values(kind: str, rows: int, columns: int) -> None:
    image = {
        "black": torch.zeros(1, 1, rows, columns),
        "white": torch.ones(1, 1, rows, columns),
        "grey": torch.full((1, 1, rows, columns), 0.5),
        "noise": torch.rand(1, 1, rows, columns, generator=torch.Generator().manual_seed(rows)),
        "halves": (torch.arange(rows)[:, None] < rows // 2).float().expand(1, 1, rows, columns),
        "one pixel": torch.zeros(1, 1, rows, columns),
    }[kind].clone()
    if kind == "one pixel":
        image[0, 0, rows // 3, columns // 2] = 1

    aligned = align_retina(image)

    assert torch.isfinite(aligned).all()
    assert 0 <= aligned.min() <= aligned.max() <= 1 + 1e-6


@pytest.mark.parametrize("architecture", ["resnet", "efficientnet-lite0"])
def test_exported_graph_aligns_like_the_network(architecture: str, tmp_path: Path) -> None:
    task = load_task("retinal-oct-2017")
    torch.manual_seed(0)
    parameters = Hyperparameters(architecture=architecture, alignment="retina", width=8)
    network = fold_batch_norm(build_network(task, parameters))
    descriptors = network.features(torch.zeros(1, 3 if architecture != "resnet" else 1, 64, 64))[1].shape[1]
    model = EnsembleModule([Member(network, make_ood_score(descriptors))], 1.0).eval()
    images = torch.cat([Section(height, slope=0.1).draw() for height in (0.4, 0.5, 0.6)])
    pixels = (images * 255).round().to(torch.uint8).numpy()
    odd = np.concatenate([pixels[:1].copy() for _ in range(6)])
    odd[0], odd[1], odd[2] = 0, 128, 255
    odd[3, ..., :40] = 0  # black columns
    odd[4, ..., 200:] = 255  # white columns
    odd[5, :, :60] = odd[5, ..., :50] = 90  # a frame

    export(model, pixels[:2], tmp_path / "model.onnx")
    session = open_session(tmp_path / "model.onnx")

    assert check_parity(model, session, pixels) < 1e-5
    assert check_parity(model, session, odd) < 1e-5
    answers = run(session, pixels)
    with torch.inference_mode():
        expected = model(torch.from_numpy(pixels))[1].numpy()
    assert answers["activation"].shape == (3, len(task.classes), 192 // 8, 256 // 8)
    assert answers["activation"] == pytest.approx(expected, abs=1e-3)
    seen = answers["activation"].max(1) > 0
    highest = [np.flatnonzero(rows.any(1)) for rows in seen]
    assert [int(rows.max()) for rows in highest] == sorted(int(rows.max()) for rows in highest)


def test_images_in_colour_cannot_be_aligned() -> None:
    with pytest.raises(TrainingError, match="breast-histology has images in colour"):
        build_network(load_task("breast-histology"), Hyperparameters(alignment="retina"))


def test_outlines_cannot_be_aligned() -> None:
    with pytest.raises(InvalidHyperparameters, match="Outlines do not fit aligned images"):
        Hyperparameters(alignment="retina", outline_weight=0.3)
