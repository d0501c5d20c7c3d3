from itertools import islice
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.samples import KINDS, different_mammograms, film, film_as, write_mammograms
from chalicelib.imaging import prepare
from chalicelib.tasks import InputSpec


def test_mammograms_are_files_in_two_sizes(tmp_path: Path) -> None:
    files = write_mammograms(tmp_path)
    found = []
    for file in files:
        with Image.open(file) as image:
            found.append((image.format, image.size))
    assert found == [
        ("JPEG", (240, 480)),
        ("PNG", (240, 480)),
        ("JPEG", (480, 960)),
        ("PNG", (480, 960)),
    ]


def test_different_mammograms_are_all_different() -> None:
    assert len(set(islice(different_mammograms(), 5))) == 5


@pytest.mark.parametrize("kind", KINDS)
def test_film_of_each_kind_is_read_as_what_it_is(kind: str) -> None:
    image = prepare(film_as(kind, film(50)), InputSpec(width=20, height=20, channels=1, fit="stretch"))
    assert image.source.format == kind.partition(",")[0]
    assert 60 < image.pixels.mean() < 200
