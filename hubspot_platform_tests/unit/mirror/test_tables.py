"""The portal's property definitions decide the columns; what exists never changes its type."""

from hubspot_platform.hubspot.catalogue import CALL, COMPANY, CONTACT, DEAL, TICKET
from hubspot_platform.hubspot.properties import PropertyDefinition
from hubspot_platform.mirror.tables import association_table, column_of, layout_for
from hubspot_platform.warehouse.model import LogicalType


def definition(name: str, kind: str) -> PropertyDefinition:
    return PropertyDefinition(name=name, label=name.title(), type=kind, field_type="text")


def test_every_hubspot_type_has_its_column_type() -> None:
    kinds = ["string", "number", "bool", "date", "datetime", "enumeration", "phone_number", "json"]
    layout = layout_for(CONTACT, [definition(f"p_{kind}", kind) for kind in kinds], {})
    types = [layout.table.column(f"property_p_{kind}").type for kind in kinds]
    assert types == [
        LogicalType.TEXT,
        LogicalType.DECIMAL,
        LogicalType.BOOL,
        LogicalType.DATE,
        LogicalType.TIMESTAMP,
        LogicalType.TEXT,
        LogicalType.TEXT,
        LogicalType.TEXT,
    ]


def test_columns_that_models_read_exist_even_when_the_portal_lacks_the_property() -> None:
    layout = layout_for(DEAL, [], {})
    assert {"deal_id", "owner_id", "deal_pipeline_id", "deal_pipeline_stage_id", "property_amount"} <= set(
        layout.table.column_names
    )
    assert layout.properties == ()


def test_owner_and_team_ids_are_integers_where_the_public_schema_has_them_so() -> None:
    owner = definition("hubspot_owner_id", "enumeration")
    kinds = {
        obj.name: layout_for(obj, [owner], {}).table.column("property_hubspot_owner_id").type
        for obj in (CONTACT, TICKET, CALL)
    }
    assert kinds == {"contact": LogicalType.TEXT, "ticket": LogicalType.INT, "call": LogicalType.INT}


def test_only_engagements_say_their_type() -> None:
    assert "type" in layout_for(CALL, [], {}).table.column_names
    assert "type" not in layout_for(TICKET, [], {}).table.column_names


def test_case_069_a_property_that_changed_its_type_keeps_its_column_and_is_reported() -> None:
    layout = layout_for(CONTACT, [definition("score", "number")], {"property_score": LogicalType.TEXT})
    assert layout.table.column("property_score").type is LogicalType.TEXT
    assert [(drift.property, drift.column_type, drift.declared) for drift in layout.drift] == [
        ("score", LogicalType.TEXT, "number")
    ]


def test_case_070_a_deleted_property_keeps_its_column_and_is_named_absent() -> None:
    layout = layout_for(CONTACT, [], {"property_old": LogicalType.TEXT, "raw_json": LogicalType.JSON})
    assert layout.absent == ("property_old",)
    assert "property_old" not in layout.table.column_names


def test_names_longer_than_postgresql_allows_stay_distinct() -> None:
    first, second = ("x" * 90 + suffix for suffix in "ab")
    assert column_of(first) != column_of(second)
    assert len(column_of(first)) == 63
    assert column_of("name") == "property_name"


def test_the_address_line_has_the_name_other_mirrors_gave_it() -> None:
    layout = layout_for(COMPANY, [definition("address2", "string")], {})
    sources = {value.column: value.property for value in layout.values}
    assert sources["property_address_2"] == "address2"


def test_association_tables_have_one_row_per_pair_and_type() -> None:
    tables = {target.table: association_table(target) for target in DEAL.associations}
    assert tables["deal_contact"].key == ("deal_id", "contact_id", "category", "type_id")
    assert tables["deal_company"].key == ("deal_id", "company_id", "category", "type_id")
