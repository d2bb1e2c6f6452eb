"""The CRM object types the portal serves; adding tickets or calls is one more entry here.

Handlers, store and seeding look types up by any of their path spellings (`contacts`, `contact`, `0-1`).
"""

from hubspot_platform.sandbox.model import ObjectSpec

CONTACTS = ObjectSpec(
    plural="contacts",
    singular="contact",
    type_id="0-1",
    created_property="createdate",
    modified_property="lastmodifieddate",
    default_properties=("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    searchable=("firstname", "lastname", "email", "phone", "company", "hs_additional_emails"),
    unique=("email",),
    scope="crm.objects.contacts",
)
COMPANIES = ObjectSpec(
    plural="companies",
    singular="company",
    type_id="0-2",
    created_property="createdate",
    modified_property="hs_lastmodifieddate",
    default_properties=("name", "domain", "createdate", "hs_lastmodifieddate", "hs_object_id"),
    required_any=("name", "domain"),
    searchable=("name", "domain", "phone", "website"),
    scope="crm.objects.companies",
)
DEALS = ObjectSpec(
    plural="deals",
    singular="deal",
    type_id="0-3",
    created_property="createdate",
    modified_property="hs_lastmodifieddate",
    default_properties=(
        "dealname",
        "amount",
        "closedate",
        "pipeline",
        "dealstage",
        "createdate",
        "hs_lastmodifieddate",
        "hs_object_id",
    ),
    required_all=("dealname", "dealstage"),
    searchable=("dealname", "pipeline", "dealstage", "description"),
    scope="crm.objects.deals",
)

OBJECT_TYPES: tuple[ObjectSpec, ...] = (CONTACTS, COMPANIES, DEALS)
BY_NAME: dict[str, ObjectSpec] = {name: spec for spec in OBJECT_TYPES for name in spec.names}
