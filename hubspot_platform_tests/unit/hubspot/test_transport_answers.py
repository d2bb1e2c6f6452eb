import pytest

from hubspot_platform.hubspot.errors import MalformedResponse
from hubspot_platform.hubspot.records import parse_object, split_page
from hubspot_platform.hubspot.transport import next_cursor, read_answer, records_of, results_of

JSON = {"content-type": "application/json;charset=utf-8"}


@pytest.mark.parametrize(
    ("headers", "body", "fault"),
    [
        (JSON, b'{"results":[{"id":"1"', "broken JSON"),
        (JSON, b"[1]", "not a JSON object"),
        ({"content-type": "text/html; charset=utf-8"}, b"<html>", "text/html, not JSON"),
        ({}, b"{}", "untyped, not JSON"),
    ],
)
def test_case_062_a_success_that_is_no_json_object_is_a_fault(headers: dict[str, str], body: bytes, fault: str) -> None:
    outcome, parsed = read_answer(200, headers, body, parse_object)
    assert fault in outcome.fault
    assert parsed is None
    assert fault in read_answer(200, headers, body, split_page)[0].fault


def test_error_bodies_are_kept_for_the_decision_and_not_parsed_here() -> None:
    outcome, parsed = read_answer(502, {"content-type": "text/html"}, b"<html>", parse_object)
    assert (outcome.body, outcome.fault, parsed) == (b"<html>", "", None)


def test_no_content_is_an_empty_object() -> None:
    outcome, parsed = read_answer(204, {}, b"", parse_object)
    assert (outcome.fault, parsed) == ("", {})


@pytest.mark.parametrize(
    "page", [{}, {"paging": None}, {"paging": {"next": None}}, {"paging": {"next": {"after": ""}}}]
)
def test_the_last_page_has_no_cursor(page: dict[str, object]) -> None:
    assert next_cursor(page) is None


def test_cursors_are_text_whatever_the_server_sends() -> None:
    assert next_cursor({"paging": {"next": {"after": 0}}}) == "0"


def test_a_page_without_results_is_refused() -> None:
    with pytest.raises(MalformedResponse):
        results_of({"total": 0}, "GET /x")
    with pytest.raises(MalformedResponse):
        records_of(split_page(b'{"total":0}'), "GET /x")
