"""Groups: what must not be parted by a split, be it a patient or a cluster of near-identical frames."""

from collections.abc import Iterable


def merge(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """For each name in `pairs`, the one name of all that are connected with it: the smallest (union-find).

    Names in no pair keep their own and are not in the answer.
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
