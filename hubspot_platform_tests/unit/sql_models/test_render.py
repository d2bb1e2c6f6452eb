import pytest

from hubspot_platform.business import Business
from hubspot_platform.sql_models.errors import SubstitutionError
from hubspot_platform.sql_models.render import render


def test_settings_become_quoted_literals() -> None:
    business = Business(report_time_zone="Europe/Berlin", currency="EUR", properties={})

    assert render("${report_time_zone} ${currency}", business, "f") == "'Europe/Berlin' 'EUR'"


def test_won_stages_become_a_list_and_null_when_the_pipelines_decide() -> None:
    stages = Business(won_stages=("closedwon", "it's done"), properties={})

    assert render("in (${won_stages})", stages, "f") == "in ('closedwon', 'it''s done')"
    assert render("in (${won_stages})", Business(properties={}), "f") == "in (null)"


def test_a_mapped_property_becomes_its_quoted_column() -> None:
    business = Business(properties={"deal": {"offer_given": "angebot"}})

    assert render("d.${deal.offer_given}", business, "f") == 'd."property_angebot"'


@pytest.mark.parametrize("name", ["slack_bot_token", "deal.colour", "offer_given", "", "deal.offer_given; drop"])
def test_any_other_name_is_refused_with_its_line(name: str) -> None:
    with pytest.raises(SubstitutionError) as caught:
        render(f"select 1\n  , ${{{name}}}", Business(properties={}), "sql/a/b.sql")

    assert (caught.value.file, caught.value.line) == ("sql/a/b.sql", 2)
    assert "report_time_zone" in caught.value.mend


def test_own_domains_become_a_pattern_for_whole_host_names() -> None:
    some = Business(properties={}, own_domains=("www.acme.example", "shop-x.test"))

    assert render("${own_hosts}", some, "f") == r"'(^|[.])(acme\.example|shop\-x\.test)$'"
    assert render("${own_hosts} ${hub_neighbours}", Business(properties={}), "f") == "'^$' 200"
