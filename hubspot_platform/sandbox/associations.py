"""Associations between records: the types each pair of objects can have, and who is linked to whom.

Both directions are always stored; a labelled link always carries the unlabelled one. Links are tuples shared
between records where possible, because a large portal has millions of them.
"""

from collections.abc import Callable, Iterable

from hubspot_platform.sandbox.association_types import USER, LinkType, Pair, standard_types

Types = tuple[int, ...]
Links = tuple[tuple[int, Types], ...]


class Associations:
    """Every link of the portal, per ordered pair of (singular) object names."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[Pair, int, int, bool], None]] = []
        self.types = standard_types()
        self._links: dict[Pair, dict[int, Links]] = {}
        self._next_label = 101

    def load(self, pair: Pair, links: dict[int, Links]) -> None:
        """Take seeded links of one direction over."""
        self._links[pair] = links

    def type_of(self, pair: Pair, type_id: int) -> LinkType | None:
        """Return the type of that id in that direction."""
        return next((t for t in self.types.get(pair, ()) if t.type_id == type_id), None)

    def unlabelled(self, pair: Pair) -> LinkType | None:
        """Return the type every link of the pair carries; None when the objects cannot be linked."""
        return next((t for t in self.types.get(pair, ()) if t.label is None), None)

    def add_label(self, pair: Pair, label: str | None, name: str, inverse_label: str | None = None) -> LinkType:
        """Define a label in both directions and return the forward one; without a text it is the plain link of a pair.

        A custom object's pairs get their plain link this way.
        """
        ids = (self._next_label, self._next_label + 1)
        self._next_label += 2
        forward = LinkType(ids[0], USER, label, name, ids[1])
        backward = LinkType(ids[1], USER, inverse_label or label, f"{name}_inverse", ids[0])
        self.types.setdefault(pair, []).append(forward)
        self.types.setdefault((pair[1], pair[0]), []).append(backward)
        return forward

    def rename_label(self, pair: Pair, type_id: int, label: str) -> bool:
        """Change the text of a user-defined label."""
        types = self.types.get(pair, [])
        for position, link_type in enumerate(types):
            if link_type.type_id == type_id and link_type.category == USER:
                types[position] = LinkType(type_id, USER, label, link_type.name, link_type.inverse_id)
                return True
        return False

    def remove_label(self, pair: Pair, type_id: int) -> bool:
        """Delete a user-defined label and its inverse from the catalogue and from every link."""
        found = self.type_of(pair, type_id)
        if found is None or found.category != USER:
            return False
        for direction, gone in ((pair, type_id), ((pair[1], pair[0]), found.inverse_id)):
            self.types[direction] = [t for t in self.types[direction] if t.type_id != gone]
            table = self._links.get(direction, {})
            for source, links in list(table.items()):
                if any(gone in types for _, types in links):
                    table[source] = tuple((to, tuple(t for t in types if t != gone)) for to, types in links)
        return True

    def links(self, pair: Pair, source: int) -> Links:
        """Return what a record is linked to, ordered by the target's id."""
        return self._links.get(pair, {}).get(source, ())

    def add(self, pair: Pair, source: int, target: int, type_ids: Iterable[int]) -> Types:
        """Link two records with these types (and the unlabelled one); returns all types they now have."""
        if self.listeners and all(to != target for to, _ in self.links(pair, source)):
            self._tell(pair, source, target, removed=False)
        plain = self.unlabelled(pair)
        wanted = {*type_ids} | ({plain.type_id} if plain else set())
        inverse = {t.inverse_id for i in wanted if (t := self.type_of(pair, i)) is not None}
        types = self._merge(pair, source, target, wanted)
        self._merge((pair[1], pair[0]), target, source, inverse)
        return types

    def remove(self, pair: Pair, source: int, target: int, type_ids: Iterable[int] | None = None) -> None:
        """Unlink two records, or take only these types away."""
        back = (pair[1], pair[0])
        if type_ids is None:
            if any(to == target for to, _ in self.links(pair, source)):
                self._tell(pair, source, target, removed=True)
            self._drop(pair, source, target, None)
            self._drop(back, target, source, None)
            return
        gone = set(type_ids)
        inverse = {t.inverse_id for i in gone if (t := self.type_of(pair, i)) is not None}
        self._drop(pair, source, target, gone)
        self._drop(back, target, source, inverse)

    def _tell(self, pair: Pair, source: int, target: int, *, removed: bool) -> None:
        for listener in self.listeners:
            listener(pair, source, target, removed)

    def move(self, name: str, old: int, new: int) -> None:
        """Give all links of one record to another, as a merge does."""
        for pair in list(self._links):
            if pair[0] == name:
                for target, types in self.links(pair, old):
                    self.remove(pair, old, target)
                    self.add(pair, new, target, types)

    def forget(self, name: str, record_id: int) -> None:
        """Remove all links of a purged record."""
        for pair in list(self._links):
            if pair[0] == name:
                for target, _ in self.links(pair, record_id):
                    self.remove(pair, record_id, target)

    def count(self, pair: Pair) -> int:
        """Return how many (record, record, type) rows a direction has."""
        return sum(len(types) for links in self._links.get(pair, {}).values() for _, types in links)

    def _merge(self, pair: Pair, source: int, target: int, types: set[int]) -> Types:
        table = self._links.setdefault(pair, {})
        links = dict(table.get(source, ()))
        links[target] = tuple(sorted({*links.get(target, ()), *types}))
        table[source] = tuple(sorted(links.items()))
        return links[target]

    def _drop(self, pair: Pair, source: int, target: int, types: set[int] | None) -> None:
        table = self._links.get(pair, {})
        links = dict(table.get(source, ()))
        left = tuple(t for t in links.pop(target, ()) if types is not None and t not in types)
        if left:
            links[target] = left
        if links:
            table[source] = tuple(sorted(links.items()))
        else:
            table.pop(source, None)
