"""HubSpot's own association types: the ids each pair of objects has in both directions.

Read once by `associations.Associations`; portals add labels and custom objects' pairs to the catalogue while they run.
"""

from dataclasses import dataclass

Pair = tuple[str, str]

HUBSPOT = "HUBSPOT_DEFINED"
USER = "USER_DEFINED"


@dataclass(frozen=True)
class LinkType:
    """One association type in one direction."""

    type_id: int
    category: str
    label: str | None
    name: str
    inverse_id: int


# first object, second object, id from first to second, id back, label
_TYPES: tuple[tuple[str, str, int, int, str | None], ...] = (
    ("contact", "company", 279, 280, None),
    ("contact", "company", 1, 2, "Primary"),
    ("deal", "contact", 3, 4, None),
    ("deal", "company", 341, 342, None),
    ("deal", "company", 5, 6, "Primary"),
    ("ticket", "contact", 16, 15, None),
    ("ticket", "company", 339, 340, None),
    ("ticket", "company", 26, 25, "Primary"),
    ("ticket", "deal", 28, 27, None),
    ("call", "contact", 194, 193, None),
    ("call", "company", 182, 181, None),
    ("call", "deal", 206, 205, None),
    ("call", "ticket", 220, 219, None),
    ("email", "contact", 198, 197, None),
    ("email", "company", 186, 185, None),
    ("email", "deal", 210, 209, None),
    ("email", "ticket", 224, 223, None),
    ("meeting", "contact", 200, 199, None),
    ("meeting", "company", 188, 187, None),
    ("meeting", "deal", 212, 211, None),
    ("meeting", "ticket", 226, 225, None),
    ("note", "contact", 202, 201, None),
    ("note", "company", 190, 189, None),
    ("note", "deal", 214, 213, None),
    ("note", "ticket", 228, 227, None),
    ("task", "contact", 204, 203, None),
    ("task", "company", 192, 191, None),
    ("task", "deal", 216, 215, None),
    ("task", "ticket", 230, 229, None),
    ("communication", "contact", 81, 82, None),
    ("communication", "company", 87, 88, None),
    ("communication", "deal", 85, 86, None),
    ("communication", "ticket", 83, 84, None),
    ("call", "meeting", 399, 400, None),
)


def standard_types() -> dict[Pair, list[LinkType]]:
    """Return HubSpot's own association types, keyed by singular object names."""
    catalogue: dict[Pair, list[LinkType]] = {}
    for first, second, there, back, label in _TYPES:
        suffix = "_unlabeled" if label is None else ""
        for source, target, own, inverse in ((first, second, there, back), (second, first, back, there)):
            name = f"{source}_to_{target}{suffix}"
            catalogue.setdefault((source, target), []).append(LinkType(own, HUBSPOT, label, name, inverse))
    return catalogue
