"""The list of HubSpot objects the platform mirrors: one entry per object, nothing else lists them.

The client, the mirror, assets, checks and schedules all read what they need from here, so adding an object is
adding one `ObjectType`. Reference data without paging windows (owners, pipelines, properties) is listed
beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from hubspot_platform.errors import UsageError

AliasKind = Literal["int", "text"]


class UnknownObject(UsageError):
    """An object name that has no entry in the catalogue."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"unknown HubSpot object {name!r}", mend=f"use one of: {', '.join(known)}")
        self.name = name
        self.known = known


@dataclass(frozen=True)
class AssociationTarget:
    """One association table: rows lead from the entry's records to records of `to_type` (a plural path)."""

    to_type: str
    table: str
    from_column: str
    to_column: str


@dataclass(frozen=True)
class Alias:
    """A column of the object's table filled from a property under another name and kind."""

    column: str
    source: str
    kind: AliasKind


@dataclass(frozen=True, eq=False, kw_only=True)
class _Scheduled:
    """What a schedule needs of an entry; `minute` is the minute of the hour at which it fires."""

    job: str
    cadence: timedelta
    minute: int

    @property
    def freshness_warn(self) -> timedelta:
        """Age of the watermark that warns: a quarter of the cadence late (data quality tests T01 and T02)."""
        return self.cadence * 5 / 4

    @property
    def freshness_fail(self) -> timedelta:
        """Age of the watermark that fails: one whole cadence late (data quality tests T01 and T02)."""
        return self.cadence * 2


@dataclass(frozen=True, eq=False, kw_only=True)
class ObjectType(_Scheduled):
    """Everything the platform knows about one searchable CRM object.

    `expected_properties` (name to HubSpot type) are columns every mirror has, also when the portal lacks the
    property: SQL models read them. `required_fields` is a list of alternatives, each satisfied by any one of
    its properties (data quality test C02).
    """

    name: str
    plural: str
    label: str
    type_id: str
    table: str
    id_column: str
    created_property: str
    modified_property: str
    merged_ids_property: str
    merged_pairs_property: str | None = None
    associations: tuple[AssociationTarget, ...] = ()
    aliases: tuple[Alias, ...] = ()
    expected_properties: Mapping[str, str] = field(default_factory=dict)
    required_fields: tuple[tuple[str, ...], ...] = ()
    searchable: bool = True

    @property
    def path(self) -> str:
        """The plural name used in request paths."""
        return self.plural

    @property
    def merge_traces(self) -> tuple[str, ...]:
        """The properties that name the ids merged into a record."""
        return tuple(name for name in (self.merged_ids_property, self.merged_pairs_property) if name)

    @property
    def sync_window_hours(self) -> int:
        """Hours of last-modified time that one scheduled run covers: its cadence."""
        return int(self.cadence / timedelta(hours=1))


@dataclass(frozen=True, eq=False, kw_only=True)
class ReferenceType(_Scheduled):
    """Reference data that is always read whole, and the tables it fills."""

    name: str
    label: str
    tables: tuple[str, ...]


CONTACT = ObjectType(
    name="contact",
    plural="contacts",
    label="Contact",
    type_id="0-1",
    table="contact",
    id_column="id",
    created_property="createdate",
    modified_property="lastmodifieddate",
    merged_ids_property="hs_merged_object_ids",
    merged_pairs_property="hs_calculated_merged_vids",
    expected_properties={
        "annualrevenue": "number",
        "company": "string",
        "country": "string",
        "createdate": "datetime",
        "email": "string",
        "firstname": "string",
        "hs_calculated_merged_vids": "string",
        "hs_merged_object_ids": "string",
        "hs_object_id": "number",
        "hubspot_owner_id": "enumeration",
        "jobtitle": "string",
        "lastmodifieddate": "datetime",
        "lastname": "string",
        "lifecyclestage": "enumeration",
        "phone": "string",
        "sales_script_version": "string",
        "vsl_watched": "bool",
    },
    required_fields=(("email", "phone"),),
    job="sync_hubspot_contacts",
    minute=5,
    cadence=timedelta(hours=1),
)

COMPANY = ObjectType(
    name="company",
    plural="companies",
    label="Company",
    type_id="0-2",
    table="company",
    id_column="id",
    created_property="createdate",
    modified_property="hs_lastmodifieddate",
    merged_ids_property="hs_merged_object_ids",
    aliases=(Alias("property_address_2", "address2", "text"),),
    expected_properties={
        "address": "string",
        "address2": "string",
        "annualrevenue": "number",
        "city": "string",
        "country": "string",
        "createdate": "datetime",
        "description": "string",
        "domain": "string",
        "hs_lastmodifieddate": "datetime",
        "hs_merged_object_ids": "string",
        "hs_object_id": "number",
        "hubspot_owner_id": "enumeration",
        "industry": "enumeration",
        "lifecyclestage": "enumeration",
        "name": "string",
        "phone": "string",
        "state": "string",
    },
    required_fields=(("name", "domain"),),
    job="sync_hubspot_companies",
    minute=10,
    cadence=timedelta(hours=1),
)

DEAL = ObjectType(
    name="deal",
    plural="deals",
    label="Deal",
    type_id="0-3",
    table="deal",
    id_column="deal_id",
    created_property="createdate",
    modified_property="hs_lastmodifieddate",
    merged_ids_property="hs_merged_object_ids",
    associations=(
        AssociationTarget("contacts", "deal_contact", "deal_id", "contact_id"),
        AssociationTarget("companies", "deal_company", "deal_id", "company_id"),
    ),
    aliases=(
        Alias("deal_pipeline_id", "pipeline", "text"),
        Alias("deal_pipeline_stage_id", "dealstage", "text"),
        Alias("owner_id", "hubspot_owner_id", "int"),
    ),
    expected_properties={
        "amount": "number",
        "closedate": "datetime",
        "createdate": "datetime",
        "dealname": "string",
        "dealstage": "enumeration",
        "description": "string",
        "hs_lastmodifieddate": "datetime",
        "hs_merged_object_ids": "string",
        "hs_object_id": "number",
        "hubspot_owner_id": "enumeration",
        "number_of_installments__months": "number",
        "offer_given": "string",
        "payment_status": "string",
        "pipeline": "enumeration",
        "qualified_status": "string",
        "trial_status": "string",
    },
    required_fields=(("pipeline",), ("dealstage",)),
    job="sync_hubspot_deals",
    minute=20,
    cadence=timedelta(hours=2),
)

OWNERS = ReferenceType(
    name="owners",
    label="Owners",
    tables=("owner",),
    job="sync_hubspot_owners",
    minute=25,
    cadence=timedelta(hours=1),
)
PROPERTIES = ReferenceType(
    name="properties",
    label="Property definitions",
    tables=("property", "property_option"),
    job="sync_hubspot_properties",
    minute=30,
    cadence=timedelta(hours=1),
)
DEAL_PIPELINES = ReferenceType(
    name="deal_pipelines",
    label="Deal pipelines and stages",
    tables=("deal_pipeline", "deal_pipeline_stage"),
    job=DEAL.job,
    minute=DEAL.minute,
    cadence=timedelta(hours=2),
)

CATALOGUE: dict[str, ObjectType] = {entry.name: entry for entry in (CONTACT, COMPANY, DEAL)}
REFERENCES: dict[str, ReferenceType] = {entry.name: entry for entry in (OWNERS, DEAL_PIPELINES, PROPERTIES)}


def object_type(name: str) -> ObjectType:
    """Return the entry called `name`: a name, a plural path or a type id, in any case.

    Raises `UnknownObject` naming every object that exists.
    """
    wanted = name.strip().lower()
    for entry in CATALOGUE.values():
        if wanted in (entry.name, entry.plural, entry.type_id):
            return entry
    raise UnknownObject(name, tuple(entry.plural for entry in CATALOGUE.values()))


def reference_type(name: str) -> ReferenceType:
    """Return the reference entry called `name`; raises `UnknownObject` naming those that exist."""
    entry = REFERENCES.get(name.strip().lower())
    if entry is None:
        raise UnknownObject(name, tuple(REFERENCES))
    return entry


def merged_ids(obj: ObjectType, record: Mapping[str, object]) -> list[int]:
    """Return the ids that were merged into `record` (an object as HubSpot sends it), ascending, its own
    excluded.

    A merge gives the survivor a new id, so every id listed in the record's merge traces is a loser:
    `hs_merged_object_ids` ("id;id") and, for contacts, `hs_calculated_merged_vids` ("id:epochMs;…"). Text
    that is no id is left out.
    """
    properties = record.get("properties")
    if not isinstance(properties, Mapping):
        return []
    losers: set[int] = set()
    for name in obj.merge_traces:
        listed = properties.get(name)
        if isinstance(listed, str) and listed:
            ids = (part.split(":", 1)[0].strip() for part in listed.split(";"))
            losers.update(int(text) for text in ids if text.isascii() and text.isdigit())
    own = str(record.get("id", ""))
    return sorted(losers - ({int(own)} if own.isdigit() else set()))
