"""From listed files to images that can be learnt from: each once, readable, without contradictions."""

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
    """Images that can be used, and what was found on the way to them."""

    how: str
    """How the files were read, in words."""
    records: tuple[Record, ...]
    """Sorted by path."""
    digests: tuple[bytes, ...]
    """SHA-256 of each record's file."""
    pixels: PixelView
    """Shape (N, channels, height, width), in the order of `records`."""
    findings: dict[str, int]
    """How many images were found and left out, by the keys of findings.FINDINGS."""
    left_out: dict[str, tuple[str, ...]]
    """Paths of the files left out, by reason."""
    contradictions: tuple[Contradiction, ...]
    problems: dict[str, str]
    """By path, why a file cannot be read."""
    shapes: Counter[tuple[str, int, int]]
    """How often a format, width and height occur in the files."""
    given_split: GivenSplit | None
    """What the test part that comes with the data shares with the rest; None if there is none."""
    keeps_test: bool
    """Whether that test part is kept, and what leaks into it was taken out of the rest."""


def clean(
    listing: Listing,
    images: PreparedImages,
    near_duplicates: float,
    keep_test: bool,
    workplace: Path,
    *,
    grows: bool = False,
) -> CleanData:
    """Leave out what cannot be learnt from, and join groups that share an image.

    Args:
        listing: the files.
        images: what was read of each record of the listing.
        near_duplicates: correlation above which images are taken for one patient's; 0: not looked for.
        keep_test: whether the test part that comes with the data is the one to be used. Then nothing else
            shares a group with it, and of identical files the one in the test part stays.
        workplace: where large arrays go.
        grows: whether images without a part join that test part if their group stands in it.
    """
    listed = listing.records
    unique = deduplicate(listed, images.digests, keep_test)
    kept = [index for index in unique.kept if images.readable(index)]
    judged = [_judged(listed[index], unique.reviewed.get(index)) for index in kept]
    records = rename_groups(judged, unique.renamed)
    pixels = images.view().view(kept)
    pairs = find_similar(pixels, near_duplicates, workplace / "thumbnails.npy") if near_duplicates else []
    disputed = find_contradictions(records, pairs)
    given_split = examine(listed, images.digests)
    if given_split and near_duplicates:
        given_split = replace(given_split, similar=count_similar(records, pairs))
    records = _join_similar(records, pairs)
    left_out = {
        **listing.left_out,
        "copies": unique.copies,
        "contradictions": _paths(unique.contradictions),
        "near_contradictions": _paths(disputed),
        "unreadable": tuple(listed[index].path for index in unique.kept if not images.readable(index)),
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


def _judged(record: Record, verdict: tuple[int, Review] | None) -> Record:
    return replace(record, label=verdict[0], review=verdict[1]) if verdict else record


def _join_similar(records: list[Record], pairs: Iterable[Similar]) -> list[Record]:
    names = ((records[first].group, records[second].group) for first, second, _ in pairs)
    return rename_groups(records, merge(pair for pair in names if pair[0] != pair[1]))


def _paths(contradictions: Iterable[Contradiction]) -> tuple[str, ...]:
    return tuple(sorted({path for contradiction in contradictions for path in contradiction.paths}))
