"""Finding the masks that come with images."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from chalicelib.tasks import InputSpec
from training.data.outlines import find_masks, read_outlines
from training.data.storage import Storage
from training.errors import TrainingError

SPEC = InputSpec(64, 64, 3, "stretch")
PATHS = ["a/0.png", "a/1.png", "a/2.png"]


def test_masks_are_found_beside_images_and_in_their_folder(tmp_path: Path) -> None:
    for name in ("a/x (1)_mask.png", "masks/a/x (2)_mask.png", "masks/a/x (2)_mask_1.png", "a/x (3).png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    found = find_masks(Storage(), str(tmp_path), ["a/x (1).jpg", "a/x (2).jpg", "a/x (3).png", "b/x (1).jpg"])

    assert found == {
        "a/x (1).jpg": ["a/x (1)_mask.png"],
        "a/x (2).jpg": ["masks/a/x (2)_mask.png", "masks/a/x (2)_mask_1.png"],
    }


def write_mask(path: Path, box: tuple[int, int, int, int] | None) -> None:
    """A mask of 32 x 32 pixels that is white in (left, top, right, bottom)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = Image.new("1", (32, 32))
    if box:
        mask.paste(1, box)
    mask.save(path)


def test_outlines_of_an_image_are_united_and_fitted_to_the_input(tmp_path: Path) -> None:
    write_mask(tmp_path / "masks/a/1_mask.png", (0, 0, 16, 16))
    write_mask(tmp_path / "masks/a/1_mask_1.png", (16, 16, 32, 32))
    write_mask(tmp_path / "masks/a/2_mask.png", (0, 0, 32, 32))

    outlines = read_outlines(str(tmp_path), PATHS, [0, 1], SPEC, tmp_path / "outlines.npy")

    assert outlines is not None
    assert outlines.shape == (3, 64, 64)
    inside = outlines[1] > 127
    assert inside[:30, :30].all()
    assert inside[34:, 34:].all()
    assert not inside[:30, 34:].any()
    # Neither an image without a mask, nor one that is not trained on.
    assert not outlines[[0, 2]].any()


def test_masks_without_an_outlined_training_image_count_as_none(tmp_path: Path) -> None:
    write_mask(tmp_path / "masks/a/0_mask.png", None)
    write_mask(tmp_path / "masks/a/2_mask.png", (0, 0, 32, 32))

    assert read_outlines(str(tmp_path), PATHS, [0, 1], SPEC, tmp_path / "outlines.npy") is None


def test_damaged_mask_is_named_by_its_image(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1_mask.png").write_bytes(b"no image")

    with pytest.raises(TrainingError, match=r"A mask of 'a/1\.png' cannot be read"):
        read_outlines(str(tmp_path), PATHS, [1], SPEC, tmp_path / "outlines.npy")


def test_outlines_in_s3_are_read(s3: Any, tmp_path: Path) -> None:
    write_mask(tmp_path / "mask.png", (0, 0, 16, 16))
    s3.upload_file(str(tmp_path / "mask.png"), "films", "data/masks/a/1_mask.png")

    outlines = read_outlines("s3://films/data", PATHS, [1], SPEC, tmp_path / "outlines.npy")

    assert outlines is not None
    assert np.mean(outlines[1] > 127) == pytest.approx(0.25, abs=0.02)
