"""Requests as handlers see them, answers as they give them, and HubSpot's error bodies.

`gate.Gate` makes a `Call` of every request and sends the `Answer`; handlers raise `ApiProblem` for anything HubSpot
would refuse.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qs

import orjson

JSON_TYPE = "application/json;charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"


@dataclass
class Call:
    """One request: `kind` is the route's name (`objects.list`), `params` the parts its path named."""

    method: str
    path: str
    query_string: str
    body: bytes
    headers: Mapping[str, str]
    kind: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    base_url: str = ""

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """Query parameters, repeated ones in order."""
        return parse_qs(self.query_string, keep_blank_values=True)

    def one(self, name: str, default: str = "") -> str:
        """Return the last value of a query parameter."""
        return self.query.get(name, [default])[-1]

    def many(self, name: str) -> list[str]:
        """Return a list parameter, given comma separated, repeated, or both."""
        return [part for value in self.query.get(name, ()) for part in value.split(",") if part]

    def flag(self, name: str) -> bool:
        """Return a boolean query parameter."""
        return self.one(name).lower() == "true"

    def number(self, name: str, default: int, *, lowest: int = 1, highest: int) -> int:
        """Return an integer query parameter within its bounds; outside them HubSpot answers 400."""
        text = self.one(name)
        if not text:
            return default
        if not text.lstrip("-").isdigit() or not lowest <= int(text) <= highest:
            raise invalid(f"Invalid input: {name} must be between {lowest} and {highest}, was {text}")
        return int(text)

    @cached_property
    def token(self) -> str:
        """The bearer token, empty without one."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    def json_object(self) -> dict[str, object]:
        """Return the body as a JSON object."""
        try:
            document = orjson.loads(self.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise invalid(f"Invalid input JSON: {error}") from error
        if not isinstance(document, dict):
            raise invalid("Invalid input JSON: an object was expected")
        return document

    def json_list(self) -> list[object]:
        """Return the body as a JSON array."""
        try:
            document = orjson.loads(self.body or b"[]")
        except orjson.JSONDecodeError as error:
            raise invalid(f"Invalid input JSON: {error}") from error
        if not isinstance(document, list):
            raise invalid("Invalid input JSON: an array was expected")
        return document


@dataclass
class Answer:
    """Status, body and headers of one response."""

    status: int
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(document: object, status: int = 200) -> Answer:
    """Return a JSON answer."""
    return Answer(status, orjson.dumps(document))


NO_CONTENT = 204


class ApiProblem(Exception):
    """A refusal in HubSpot's error shape."""

    def __init__(
        self,
        status: int,
        category: str | None,
        message: str,
        *,
        errors: Sequence[Mapping[str, object]] = (),
        extra: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.category = category
        self.message = message
        self.errors = list(errors)
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    def body(self, correlation_id: str) -> dict[str, object]:
        """Return the error document, with this correlation id."""
        document: dict[str, object] = {
            "status": "error",
            "message": self.message,
            "correlationId": correlation_id,
        }
        if self.errors:
            document["errors"] = self.errors
        if self.category is not None:
            document["category"] = self.category
        return document | self.extra

    def answer(self, correlation_id: str) -> Answer:
        """Return the refusal as an answer."""
        return Answer(self.status, orjson.dumps(self.body(correlation_id)), headers=self.headers)


def correlation_id() -> str:
    """Return a fresh correlation id."""
    return str(uuid.uuid4())


def invalid(message: str, errors: Sequence[Mapping[str, object]] = ()) -> ApiProblem:
    """Return the 400 HubSpot answers to bad input."""
    return ApiProblem(400, "VALIDATION_ERROR", message, errors=errors)


def not_found(message: str) -> ApiProblem:
    """Return the 404 of the CRM endpoints."""
    return ApiProblem(404, "OBJECT_NOT_FOUND", message)


def invalid_properties(problems: Sequence[tuple[str, str, str]]) -> ApiProblem:
    """Return the 400 for refused property values, each (code, property name, message)."""
    embedded = [{"isValid": False, "message": m, "error": code, "name": name} for code, name, m in problems]
    errors = [{"message": m, "code": code, "context": {"propertyName": [name]}} for code, name, m in problems]
    return invalid(f"Property values were not valid: {orjson.dumps(embedded).decode()}", errors)
