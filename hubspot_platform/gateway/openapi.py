"""The OpenAPI document of the gateway, made from what is there; served at `/openapi.json`."""

from typing import Any

from hubspot_platform.topics.catalogue import TOPICS

_STORED = {"description": "Everything in the delivery is stored durably; `repeated` events were there already."}
_REFUSALS = {
    "400": "The body is no JSON, or not what this path takes.",
    "401": "The sender did not prove who it is.",
    "408": "The body took too long.",
    "413": "The body, or the number of events, is too large.",
    "429": "Too many requests from one address, or too many events wait. `Retry-After` says when to come again.",
    "503": "Events cannot be stored at the moment; send it again.",
}
_HUBSPOT = "HubSpot's webhooks: a JSON array of events"


def description() -> dict[str, Any]:
    """Return the document (OpenAPI 3.1)."""
    topics = {
        "name": "topic",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "enum": sorted(TOPICS)},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "hubspot-platform gateway", "version": "1"},
        "paths": {
            "/Hubspot/Webhooks/": {"post": _door(_HUBSPOT, "hubspot", "array")},
            "/Hubspot/Webhooks/General": {"post": _door(_HUBSPOT, "hubspot", "array")},
            "/Hubspot/ContactWebhooks/": {"post": _door(_HUBSPOT, "hubspot", "array")},
            "/bi/api/PaymentEvents/": {"post": _door("One event of Chargebee", "chargebee", "object")},
            "/jira/webhooks": {"post": _door("One event of Jira", "jira", "object")},
            "/events/{topic}": {
                "parameters": [topics],
                "post": _door(
                    "One event of a topic", "token", "object", {"404": "No such topic.", "422": "Not its payload."}
                ),
            },
        },
        "components": {
            "securitySchemes": {
                "hubspot": {"type": "apiKey", "in": "header", "name": "X-HubSpot-Signature-v3"},
                "chargebee": {"type": "http", "scheme": "basic"},
                "jira": {"type": "apiKey", "in": "header", "name": "X-Hub-Signature"},
                "token": {"type": "http", "scheme": "bearer"},
            }
        },
    }


def _door(summary: str, security: str, kind: str, more: dict[str, str] | None = None) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"type": "object"}}}
    answered = {"application/json": {"schema": {"type": "object", "required": ["stored", "repeated"]}}}
    refusals = {
        status: {"description": text, "content": problem} for status, text in (_REFUSALS | (more or {})).items()
    }
    return {
        "summary": summary,
        "security": [{security: []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": kind}}}},
        "responses": {"200": {**_STORED, "content": answered}, **refusals},
    }
