"""Groups of images that a split must not separate: patients, or clusters of near-identical frames."""

from collections.abc import Iterable


def merge(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """For each name in `pairs`, the smallest of all names connected with it (union-find).

    Names that are in no pair are not in the result.
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for first, second in pairs:
        smaller, larger = sorted((root(first), root(second)))
        parent[larger] = smaller
    return {name: root(name) for name in parent}
