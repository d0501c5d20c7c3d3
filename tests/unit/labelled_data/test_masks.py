"""Masks of images by the names of files."""

from chalicelib.labelled_data.masks import masks_among


def test_masks_are_named_after_an_image_beside_them_or_in_a_folder_of_masks() -> None:
    images = ["a.b/x (1).jpg", "a.b/x (2)", "c/y.png"]
    masks = ["a.b/x (1)_mask.png", "a.b/x (2)_mask_1.png", "c/masks/y_mask.png", "masks/c/y_mask_12.png"]
    others = ["c/face_mask.png", "a.b/y_mask.png", "c/y_mask.jpg", "c/y_masked.png"]

    assert masks_among([*images, *masks, *others]) == set(masks)
