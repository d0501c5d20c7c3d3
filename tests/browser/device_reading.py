"""Prepares files on the page and on the server, for comparison."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

from chalicelib import errors, imaging
from chalicelib.tasks import InputSpec

READ_ALL = """async ([input, specs]) => {
    const { inspect } = await import("/modules/imagefile.js");
    const { prepare } = await import("/modules/device/prepare.js");
    const { NotPrepared } = await import("/modules/device/notprepared.js");
    const { Problem } = await import("/modules/api.js");
    const read = async (file, spec) => {
        try {
            const { contentType } = await inspect(file);
            const { pixels, ...rest } = await prepare(file, contentType, spec);
            return { ...rest, pixels: btoa(String.fromCharCode(...pixels)) };
        } catch (error) {
            if (error instanceof NotPrepared) return { reason: error.reason };
            if (error instanceof Problem) return { reason: error.code };
            throw error;
        }
    };
    const outcomes = [];
    for (const file of input.files) {
        const readings = [];
        for (const spec of specs) readings.push(await read(file, spec));
        outcomes.push(readings);
    }
    return outcomes;
}"""

VERDICTS: dict[str, type[errors.ImageError]] = {
    "tooLarge": errors.ImageTooLarge,
    "tooSmall": errors.ImageTooSmall,
    "TooLarge": errors.ImageTooLarge,
    "NoImage": errors.NotAnImage,
    "Empty": errors.EmptyImage,
}
"""Refusals that do not refer to the server, and the error that the server must give as well."""


@dataclass(frozen=True)
class Reading:
    """The outcome of preparing a file on one side."""

    refusal: str = ""
    """Why there are no pixels; empty if there are some."""
    pixels: NDArray[np.int64] | None = None
    """Shape (channels, height, width)."""
    box: tuple[int, ...] = ()
    source: Mapping[str, Any] | None = None


def on_the_page(
    page: Page, files: Mapping[str, bytes], specs: list[InputSpec], folder: Path
) -> dict[str, list[Reading]]:
    """Prepare `files` on the page, once per spec; they are written to `folder`."""
    paths = [folder / f"{number}" for number in range(len(files))]
    for path, data in zip(paths, files.values(), strict=True):
        path.write_bytes(data)
    return dict(zip(files, of_paths(page, paths, specs), strict=True))


def of_paths(page: Page, paths: list[Path], specs: list[InputSpec]) -> list[list[Reading]]:
    """Prepare files on the page, once per spec.

    The browser reads them from disk, which is much faster than passing them through Playwright.
    """
    chooser = page.evaluate_handle(
        "Object.assign(document.createElement('input'), { type: 'file', multiple: true })"
    )
    element = chooser.as_element()
    assert element
    element.set_input_files(paths)
    outcomes = page.evaluate(READ_ALL, [chooser, [vars(spec) for spec in specs]])
    return [
        [_reading(found, spec) for found, spec in zip(readings, specs, strict=True)] for readings in outcomes
    ]


def _reading(found: dict[str, Any], spec: InputSpec) -> Reading:
    if "reason" in found:
        return Reading(refusal=found["reason"])
    pixels = np.frombuffer(base64.b64decode(found["pixels"]), np.uint8).astype(np.int64)
    return Reading("", pixels.reshape(spec.shape), tuple(found["box"]), found["source"])


def on_the_server(data: bytes, spec: InputSpec) -> Reading:
    """Prepare a file on the server."""
    try:
        prepared = imaging.prepare(data, spec)
    except errors.ImageError as error:
        return Reading(refusal=type(error).__name__)
    return Reading("", prepared.pixels.astype(np.int64), prepared.box, prepared.source.to_dict())
