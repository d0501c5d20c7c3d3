"""From listed files to images to train on: each once, readable, without contradictory labels."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from training.data.dataset import Listing, Record, Review
from training.data.duplicates import Contradiction, deduplicate, find_contradictions, rename_groups
from training.data.given_split import GivenSplit, count_similar, examine, find_leaking
from training.data.groups import merge
from training.data.pixels import PixelView, PreparedImages
from training.data.similarity import Similar, find_similar


@dataclass(frozen=True)
class CleanData:
    """The images that can be used, and what was found in the data."""

    how: str
    """How the files were read, in words."""
    records: tuple[Record, ...]
    """Sorted by path."""
    digests: tuple[bytes, ...]
    """SHA-256 of each record's file."""
    contents: tuple[bytes, ...]
    """SHA-256 of each record's pixels."""
    pixels: PixelView
    """Shape (N, channels, height, width), in the order of `records`."""
    findings: dict[str, int]
    """Numbers of images found and left out, by the keys of findings.FINDINGS."""
    left_out: dict[str, tuple[str, ...]]
    """Paths of the files left out, by reason."""
    contradictions: tuple[Contradiction, ...]
    problems: dict[str, str]
    """By path, the reason why a file cannot be read."""
    shapes: Counter[tuple[str, int, int]]
    """How many files have a format, width and height."""
    given_split: GivenSplit | None
    """Overlap of the given test part with the other parts; None if the data have no given test part."""
    keeps_test: bool
    """Whether that test part is kept, and images of its groups were removed from the other parts."""


def clean(
    listing: Listing,
    images: PreparedImages,
    near_duplicates: float,
    keep_test: bool,
    workplace: Path,
    *,
    grows: bool = False,
) -> CleanData:
    """Leave out images that cannot be used, and merge groups that share an image.

    Args:
        listing: the files.
        images: the content of each record of the listing.
        near_duplicates: correlation above which images count as one patient's; 0 skips the search.
        keep_test: whether the test part that comes with the data is used. Then images of its groups are
            removed from the other parts, and of identical images the one in the test part is kept.
        workplace: folder for large arrays.
        grows: whether images without a part join that test part if their group is in it.
    """
    listed = listing.records
    unique = deduplicate(listed, images.contents, keep_test)
    kept = [index for index in unique.kept if images.readable(index)]
    reviewed = [_reviewed(listed[index], unique.reviewed.get(index)) for index in kept]
    records = rename_groups(reviewed, unique.renamed)
    pixels = images.view().view(kept)
    pairs = find_similar(pixels, near_duplicates, workplace / "thumbnails.npy") if near_duplicates else []
    disputed = find_contradictions(records, pairs)
    given_split = examine(listed, images.contents)
    if given_split and near_duplicates:
        given_split = replace(given_split, similar=count_similar(records, pairs))
    records = _join_similar(records, pairs)
    left_out = {
        **listing.left_out,
        "copies": unique.copies,
        "contradictions": _paths(unique.contradictions),
        "near_contradictions": _paths(disputed),
        **{
            reason: tuple(listed[index].path for index in unique.kept if images.digests[index] in digests)
            for reason, digests in (("unreadable", images.problems), ("outdated", images.outdated))
        },
        "leaks": tuple(records[index].path for index in sorted(find_leaking(records, grows)))
        if keep_test
        else (),
    }
    gone = {*left_out["near_contradictions"], *left_out["leaks"]}
    remaining = [position for position, record in enumerate(records) if record.path not in gone]
    reviews: Counter[str] = Counter(records[position].review for position in remaining)
    findings = {
        "listed": len(listed),
        **{reason: len(paths) for reason, paths in left_out.items()},
        "used": len(remaining),
        **{review: count for review, count in reviews.items() if review},
        "clustered" if near_duplicates else "ungrouped": listing.ungrouped,
    }
    return CleanData(
        how=listing.how,
        records=tuple(records[position] for position in remaining),
        digests=tuple(images.digests[kept[position]] for position in remaining),
        contents=tuple(images.contents[kept[position]] for position in remaining),
        pixels=pixels.view(remaining),
        findings=findings,
        left_out={reason: paths for reason, paths in left_out.items() if paths},
        contradictions=(*unique.contradictions, *disputed),
        problems={
            record.path: images.problems[digest]
            for record, digest in zip(listed, images.digests, strict=True)
            if digest in images.problems
        },
        shapes=images.shapes,
        given_split=given_split,
        keeps_test=keep_test,
    )


def _reviewed(record: Record, verdict: tuple[int, Review] | None) -> Record:
    return replace(record, label=verdict[0], review=verdict[1]) if verdict else record


def _join_similar(records: list[Record], pairs: Iterable[Similar]) -> list[Record]:
    names = ((records[first].group, records[second].group) for first, second, _ in pairs)
    return rename_groups(records, merge(pair for pair in names if pair[0] != pair[1]))


def _paths(contradictions: Iterable[Contradiction]) -> tuple[str, ...]:
    return tuple(sorted({path for contradiction in contradictions for path in contradiction.paths}))
