"""Duplicates: copies and contradictions are left out, and groups that share an image are merged."""

from collections.abc import Sequence
from hashlib import sha256

from training.data.dataset import Record
from training.data.duplicates import CONTRADICTORY, deduplicate, find_contradictions, rename_groups
from training.data.similarity import Similar


def digests(*contents: str) -> list[bytes]:
    return [sha256(content.encode()).digest() for content in contents]


def records(*rows: tuple[str, int, str]) -> list[Record]:
    return [Record(path, label, group, given=path.split("/")[0]) for path, label, group in rows]


def kept_paths(listed: Sequence[Record], contents: Sequence[bytes], prefer_test: bool = False) -> list[str]:
    unique = deduplicate(listed, contents, prefer_test)
    return [listed[index].path for index in unique.kept]


def test_copies_with_one_label_keep_the_first_and_merge_their_patients() -> None:
    listed = records(("train/a", 0, "p1"), ("train/b", 0, "p2"), ("train/c", 0, "p3"), ("train/d", 0, "p2"))

    unique = deduplicate(listed, digests("x", "x", "y", "z"), prefer_test=False)

    assert unique.kept == (0, 2, 3)
    assert unique.copies == ("train/b",)
    assert unique.contradictions == ()
    assert [record.group for record in rename_groups(listed, unique.renamed)] == ["p1", "p1", "p3", "p1"]


def test_copies_with_different_labels_are_all_left_out() -> None:
    listed = records(("train/a", 0, "p1"), ("train/b", 1, "p2"), ("train/c", 1, "p2"), ("train/d", 1, "p3"))

    unique = deduplicate(listed, digests("x", "x", "x", "y"), prefer_test=False)

    assert unique.kept == (3,)
    assert unique.copies == ()
    assert [found.paths for found in unique.contradictions] == [("train/a", "train/b", "train/c")]


def test_copies_keep_the_one_in_a_given_test_part() -> None:
    listed = records(("a/1", 0, "p1"), ("test/1", 0, "p1"), ("train/2", 0, "p2"))
    contents = digests("x", "x", "y")

    assert kept_paths(listed, contents) == ["a/1", "train/2"]
    assert kept_paths(listed, contents, prefer_test=True) == ["test/1", "train/2"]


def test_near_duplicates_are_contradictions_only_with_different_labels() -> None:
    listed = records(("train/a", 0, "p1"), ("train/b", 1, "p2"), ("train/c", 0, "p3"))
    alike, less = CONTRADICTORY + 0.001, CONTRADICTORY - 0.001

    found = find_contradictions(listed, [Similar(0, 1, alike), Similar(0, 2, alike), Similar(1, 2, less)])

    assert [contradiction.paths for contradiction in found] == [("train/a", "train/b")]
