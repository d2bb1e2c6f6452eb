"""Which portal the token opens: asked at the start of every run, before anything is read or written.

Its answer also teaches the transport HubSpot's time.
"""

from dataclasses import dataclass

from hubspot_platform.hubspot.errors import MalformedResponse, Refusal, WrongPortal
from hubspot_platform.hubspot.transport import Transport
from hubspot_platform.lanes import Lane


@dataclass(frozen=True)
class AccountDetails:
    """The portal behind the token; its day quota starts again at midnight in `time_zone` (an IANA name)."""

    portal_id: int
    time_zone: str
    account_type: str
    currency: str


async def account_details(transport: Transport, *, lane: Lane = Lane.SYNC) -> AccountDetails:
    """Return the portal's details and tell the budget its time zone: one call. Raises `hubspot.errors`."""
    path = transport.policy.path("account", "details")
    answer = await transport.get_json(path, lane=lane)
    portal_id = answer.get("portalId")
    if not isinstance(portal_id, int):
        raise MalformedResponse(f"GET {path}", Refusal(message="the answer has no portalId"))
    time_zone = str(answer.get("timeZone") or "UTC")
    transport.policy.budget.learn_time_zone(time_zone)
    return AccountDetails(
        portal_id=portal_id,
        time_zone=time_zone,
        account_type=str(answer.get("accountType") or ""),
        currency=str(answer.get("companyCurrency") or ""),
    )


def check_portal(account: AccountDetails, expected: int | None) -> None:
    """Raise `WrongPortal` unless `account` is the expected portal; None expects any."""
    if expected is not None and account.portal_id != expected:
        raise WrongPortal(
            f"the token opens portal {account.portal_id}, HUBSPOT_PORTAL_ID is {expected}",
            mend="use the token of the right portal, or correct HUBSPOT_PORTAL_ID",
        )
