"""Custom object types: what a schema says about its type beyond properties, and what every such type has.

The schemas endpoint makes them, the seeding makes one; records, search, batches and associations are those of any type.
"""

from dataclasses import dataclass, field, replace

from hubspot_platform.sandbox.model import ObjectSpec, Property

BASE_PROPERTIES = ("hs_createdate", "hs_lastmodifieddate", "hs_object_id")


@dataclass(frozen=True)
class SchemaLink:
    """One association a schema lists."""

    id: int
    name: str
    from_type: str
    to_type: str


@dataclass
class CustomObject:
    """One custom object type; `links` are the schema's own associations."""

    spec: ObjectSpec
    label: str
    plural_label: str
    primary: str
    created_ms: int
    updated_ms: int
    secondary: tuple[str, ...] = ()
    description: str = ""
    archived: bool = False
    links: list[SchemaLink] = field(default_factory=list)

    def demand(self, required: tuple[str, ...], searchable: tuple[str, ...]) -> ObjectSpec:
        """Change which properties creation needs and search's `query` looks at; returns the new spec."""
        self.spec = replace(
            self.spec,
            required_all=required,
            searchable=searchable,
            default_properties=(*BASE_PROPERTIES, *required),
        )
        return self.spec


def custom_spec(portal_id: int, name: str, number: int) -> ObjectSpec:
    """Return the spec of a new custom type; paths take `p{portal}_{name}`, `{name}` and `2-{number}`."""
    return ObjectSpec(
        plural=f"p{portal_id}_{name}",
        singular=name,
        type_id=f"2-{number}",
        created_property="hs_createdate",
        modified_property="hs_lastmodifieddate",
        default_properties=BASE_PROPERTIES,
        scope="crm.objects.custom",
    )


def base_properties(now_ms: int) -> list[Property]:
    """Return the definitions HubSpot gives every custom type."""
    group = "information"
    dates = {"group": group, "created_ms": now_ms, "updated_ms": now_ms, "read_only": True}
    return [
        Property("hs_object_id", "Record ID", "number", "number", **dates),  # type: ignore[arg-type]
        Property("hs_createdate", "Create date", "datetime", "date", **dates),  # type: ignore[arg-type]
        Property("hs_lastmodifieddate", "Last modified date", "datetime", "date", **dates),  # type: ignore[arg-type]
        Property("hs_merged_object_ids", "Merged record IDs", **dates),  # type: ignore[arg-type]
        Property("hubspot_owner_id", "Owner", "enumeration", "select", group, external_options=True),
    ]
