"""Cases can be made again from their text, and every operation works on every file that it is meant for."""

import pytest

from tests.fuzz import seeds
from tests.fuzz.cases import Case, operations_for
from tests.fuzz.formats import dicom_file, jpeg, jpeg2000, markers, png, tiff


def test_text_of_a_case_gives_the_case() -> None:
    case = Case("pydicom/SC_rgb_dcmtk_+eb+cr.dcm", 3, (("jpeg.frame", 5), ("flip", 9999)))

    assert Case.parse(str(case)) == case
    assert Case.parse(str(case)).data == case.data != Case(case.seed, 3).data


@pytest.mark.parametrize("name", [*seeds.SEEDS, *seeds.PACKAGED])
def test_every_operation_gives_the_same_bytes_each_time(name: str) -> None:
    for operation in operations_for(name):
        case = Case(name, 1, ((operation, 1), (operation, 2)))
        assert case.data == case.data


@pytest.mark.parametrize("operation", sorted({name for seed in seeds.SEEDS for name in operations_for(seed)}))
def test_every_operation_changes_something(operation: str) -> None:
    for name in seeds.SEEDS:
        if operation in operations_for(name):
            changed = [Case(name, 1, ((operation, number),)).data != seeds.read(name) for number in range(10)]
            if sum(changed) >= 3:
                return
    pytest.fail("it never does")


@pytest.mark.parametrize("name", [name for name in seeds.SEEDS if name.startswith("dicom/")])
def test_dicom_file_is_the_same_after_parsing_and_joining(name: str) -> None:
    file = dicom_file.parse(seeds.read(name))

    assert bytes(file) == seeds.read(name)
    assert file.elements or "deflated" in name


@pytest.mark.parametrize("name", [name for name in seeds.SEEDS if name.startswith("dicom/") and "jp" in name])
def test_compressed_streams_are_the_same_after_parsing_and_joining(name: str) -> None:
    element = dicom_file.parse(seeds.read(name)).get(dicom_file.PIXEL_DATA)
    assert element
    assert element.fragments
    for stream in element.fragments[1:]:
        if jpeg2000.START in stream:
            lead, segments = jpeg2000.split(stream)
            assert lead + markers.joined(segments) == stream
        else:
            segments = jpeg.parse(stream)
            assert markers.joined(segments) == stream
        assert len(segments) >= 4


@pytest.mark.parametrize("name", [name for name in seeds.SEEDS if name.startswith(("png/", "tiff/"))])
def test_chunks_and_directories_are_found(name: str) -> None:
    data = seeds.read(name)
    if name.startswith("png/"):
        assert png.joined(png.parse(data)) == data
    else:
        directory = tiff.parse(data)
        assert directory
        assert len(directory.entries) > 8
