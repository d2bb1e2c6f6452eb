"""The outcomes a call can have: HubSpot's six and the portal's own, from the legacy calling API."""

from collections.abc import Mapping

from hubspot_platform.sandbox.portal import Portal
from hubspot_platform.sandbox.wire import Answer, Call, json_answer

DISPOSITIONS: Mapping[str, str] = {
    "9d9162e7-6cf3-4944-bf63-4dff82258764": "Busy",
    "f240bbac-87c9-4f6e-bf70-924b57d47db7": "Connected",
    "a4c4c377-d246-4b32-a13b-75a56a4cd0ff": "Left live message",
    "b2cf5968-551e-4856-9783-52b3da59a7d0": "Left voicemail",
    "73a0d17f-1163-4015-bdd5-ec830791da20": "No answer",
    "17b47fee-58de-441e-a44c-c6300d46f273": "Wrong number",
    "6f1c1d9e-0a5b-4e0e-9a57-3f5f1f0f7c21": "Callback agreed",
}


def list_dispositions(portal: Portal, call: Call) -> Answer:
    """`GET /dispositions`: a bare list."""
    return json_answer([{"id": i, "label": label, "deleted": False} for i, label in DISPOSITIONS.items()])
