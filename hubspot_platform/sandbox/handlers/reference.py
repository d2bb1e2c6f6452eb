"""Owners and the account: small lists without much behaviour."""

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

from hubspot_platform.sandbox.clock import iso
from hubspot_platform.sandbox.limits import Limits, portal_day_end
from hubspot_platform.sandbox.model import Owner
from hubspot_platform.sandbox.portal import Portal
from hubspot_platform.sandbox.wire import Answer, Call, json_answer, not_found

OWNER_PAGE = 500


def owner_json(portal: Portal, owner: Owner) -> dict[str, object]:
    """Return one owner; deactivated users have no `userId` and are in no team."""
    document: dict[str, object] = {
        "id": owner.id,
        "email": owner.email,
        "type": owner.type,
        "firstName": owner.first_name,
        "lastName": owner.last_name,
        "userIdIncludingInactive": owner.user_id,
        "createdAt": iso(owner.created_ms),
        "updatedAt": iso(owner.updated_ms),
        "archived": owner.archived,
        "teams": [{"id": t.id, "name": t.name, "primary": main} for t, main in portal.people.teams_of(owner.user_id)],
    }
    if not owner.archived:
        document["userId"] = owner.user_id
    return document


def list_owners(portal: Portal, call: Call) -> Answer:
    """`GET /`: live or deactivated owners, 100 a page unless told."""
    limit = call.number("limit", 100, highest=OWNER_PAGE)
    archived, email = call.flag("archived"), call.one("email").lower()
    found = [o for o in portal.owners.values() if o.archived is archived and email in ("", o.email.lower())]
    found.sort(key=lambda o: int(o.id))
    after = int(call.one("after") or 0)
    page = found[after : after + limit]
    document: dict[str, object] = {"results": [owner_json(portal, o) for o in page]}
    if after + limit < len(found):
        following = str(after + limit)
        link = f"{call.base_url}{call.path}?limit={limit}&after={following}"
        document["paging"] = {"next": {"after": following, "link": link}}
    return json_answer(document)


def read_owner(portal: Portal, call: Call) -> Answer:
    """`GET /{id}`: by owner id, or by user id with `idProperty=userId`."""
    by_user = call.one("idProperty") == "userId"
    for owner in portal.owners.values():
        key = str(owner.user_id) if by_user else owner.id
        if key == call.params["id"] and owner.archived is call.flag("archived"):
            return json_answer(owner_json(portal, owner))
    raise not_found("resource not found")


def account_details(portal: Portal, call: Call) -> Answer:
    """`GET /details`."""
    account = portal.account
    offset = portal.clock.now().astimezone(ZoneInfo(account.time_zone)).utcoffset() or timedelta(0)
    sign, minutes = "-" if offset < timedelta(0) else "+", abs(offset) // timedelta(minutes=1)
    return json_answer(
        {
            "portalId": account.portal_id,
            "accountType": "SANDBOX",
            "timeZone": account.time_zone,
            "companyCurrency": account.currency,
            "additionalCurrencies": list(account.additional_currencies),
            "utcOffset": f"{sign}{minutes // 60:02d}:{minutes % 60:02d}",
            "utcOffsetMilliseconds": offset // timedelta(milliseconds=1),
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        }
    )


def daily_usage(limits: Limits) -> Callable[[Portal, Call], Answer]:
    """Return the handler of `GET /api-usage/daily/private-apps` for these limits."""

    def handler(portal: Portal, call: Call) -> Answer:
        now = portal.clock.now()
        entry = {
            "name": "private-apps-api-calls-daily",
            "usageLimit": limits.daily or 1_000_000,
            "currentUsage": limits.used_today(now),
            "collectedAt": iso(portal.clock.now_ms()),
            "fetchStatus": "SUCCESS",
            "resetsAt": portal_day_end(now, portal.account.time_zone).isoformat(),
        }
        return json_answer({"results": [entry]})

    return handler
