"""Finding the masks that come with images."""

from pathlib import Path

from training.data.outlines import find_masks
from training.data.storage import Storage


def test_masks_are_found_beside_images_and_in_their_folder(tmp_path: Path) -> None:
    for name in ("a/x (1)_mask.png", "masks/a/x (2)_mask.png", "masks/a/x (2)_mask_1.png", "a/x (3).png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    found = find_masks(Storage(), str(tmp_path), ["a/x (1).jpg", "a/x (2).jpg", "a/x (3).png", "b/x (1).jpg"])

    assert found == {
        "a/x (1).jpg": ["a/x (1)_mask.png"],
        "a/x (2).jpg": ["masks/a/x (2)_mask.png", "masks/a/x (2)_mask_1.png"],
    }
