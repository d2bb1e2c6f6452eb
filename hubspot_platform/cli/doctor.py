"""`hubspot-platform doctor`: is everything configured and reachable; one line each, with the mend."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import SecretStr

from hubspot_platform.cli.output import Output
from hubspot_platform.clock import utc_now
from hubspot_platform.errors import PlatformError
from hubspot_platform.hubspot.catalogue import CATALOGUE, REFERENCES, ObjectType, ReferenceType
from hubspot_platform.lanes import Lane
from hubspot_platform.settings import Settings, load_settings, variable_of
from hubspot_platform.urls import without_password

if TYPE_CHECKING:
    from hubspot_platform.hubspot.account import AccountDetails
    from hubspot_platform.runtime import Platform

LEAST_FREE_BYTES = 1 << 30
MOST_SKEW_SECONDS = 30


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    subject: str
    ok: bool
    detail: str
    mend: str = ""


def command(as_json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False) -> None:
    """Check configuration, stores, HubSpot (token, portal, scopes, clock), Slack and disk."""
    output = Output(as_json)
    settings = load_settings()
    findings = [*_variables(settings), *examine(settings)]
    rows = [["ok" if f.ok else "FAIL", f.subject, f.detail, f.mend] for f in findings]
    output.table("hubspot-platform doctor", ["", "what", "found", "mend"], rows)
    output.result({"findings": [asdict(finding) for finding in findings], "ok": all(f.ok for f in findings)})
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def _variables(settings: Settings) -> Iterator[Finding]:
    """List every variable with where its value comes from; secrets only as set or not set."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr) or "token" in name or "secret" in name:
            shown = "set" if value else "not set"
        else:
            shown = without_password(str(value)) if value not in (None, "", ()) else "not set"
        source = "" if name in settings.model_fields_set else " (default)"
        yield Finding(variable_of(name), True, shown + source)


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at both stores, HubSpot with every object, Slack, what lands from elsewhere, and the disk."""
    from hubspot_platform.runtime import Platform

    platform = Platform(settings)
    yield _try("state store", lambda: _state(platform))
    yield _try("warehouse", lambda: f"{platform.warehouse().dialect}, identity {platform.warehouse().identity()}")
    yield from _hubspot(platform)
    yield _try("Slack", lambda: _slack(settings))
    yield _try("landing", lambda: _landing(settings))
    yield _disk(settings)
    platform.close()


def _try(subject: str, examine: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, True, examine())
    except PlatformError as error:
        return Finding(subject, False, str(error.args[0]), error.mend)


def _state(platform: "Platform") -> str:
    from hubspot_platform.state import pending_migrations

    store = platform.state()
    waiting = pending_migrations(store)
    if waiting:
        raise PlatformError(f"{len(waiting)} migrations are pending", mend="run any command once more")
    skew = abs((store.now() - utc_now()).total_seconds())
    if skew > MOST_SKEW_SECONDS:
        raise PlatformError(f"its clock is {skew:.0f} s off this host's", mend="synchronise the clocks with NTP")
    return f"migrated, {without_password(platform.settings.state)}"


def _hubspot(platform: "Platform") -> Iterator[Finding]:
    """Look at token, portal and clock, and at every entry by itself: one may be forbidden and the others not."""
    answers: dict[str, str | PlatformError] = {}
    reached = _try("HubSpot", lambda: _portal(platform, answers))
    yield reached
    if not reached.ok:
        return
    for subject, entry in _entries():
        found = answers.get(subject, "")
        if platform.business.mirror.skips(entry):
            yield Finding(subject, True, "left out by mirror.skip")
        elif isinstance(found, PlatformError):
            yield Finding(subject, False, str(found.args[0]), found.mend)
        else:
            yield Finding(subject, True, found)


def _entries() -> Iterator[tuple[str, ObjectType | ReferenceType]]:
    yield from ((obj.plural, obj) for obj in CATALOGUE.values())
    yield from REFERENCES.items()


def _portal(platform: "Platform", answers: dict[str, str | PlatformError]) -> str:
    from hubspot_platform.hubspot.account import check_portal

    account, skew = asyncio.run(_ask_hubspot(platform, answers))
    check_portal(account, platform.settings.hubspot_portal_id)
    if abs(skew) > MOST_SKEW_SECONDS:
        raise PlatformError(f"this host's clock is {skew:.0f} s off HubSpot's", mend="synchronise it with NTP")
    return f"portal {account.portal_id} ({account.time_zone}), clock within {abs(skew):.0f} s"


async def _ask_hubspot(platform: "Platform", answers: dict[str, str | PlatformError]) -> tuple["AccountDetails", float]:
    """Ask for the account, and for a count or a first page of everything: a missing scope shows here, by its name."""
    from hubspot_platform.hubspot.account import account_details
    from hubspot_platform.hubspot.errors import MissingScope
    from hubspot_platform.hubspot.probes import probe
    from hubspot_platform.hubspot.sdk import sdk_client
    from hubspot_platform.hubspot.search import count
    from hubspot_platform.hubspot.transport import Transport

    with platform.hubspot() as policy:
        async with Transport(policy) as transport:
            account = await account_details(transport)
            skew = (transport.server_now() - utc_now()).total_seconds()
            for subject, entry in _entries():
                if platform.business.mirror.skips(entry):
                    continue
                try:
                    if isinstance(entry, ObjectType):
                        answers[subject] = f"{await count(transport, entry, lane=Lane.SYNC):,} records"
                    else:
                        await probe(transport, sdk_client(policy), entry.name)
                        answers[subject] = "may be read"
                except MissingScope as error:
                    answers[subject] = error
    return account, skew


def _slack(settings: Settings) -> str:
    from hubspot_platform.connectors.slack import SlackConnector

    if settings.slack_bot_token is None:
        return "no token: alerts are kept and not sent"
    slack = SlackConnector.with_secret(settings.slack_bot_token, settings.slack_base_url)
    return f"{slack.who_am_i()}, channel {settings.slack_channel}"


def _landing(settings: Settings) -> str:
    """Look into the sources that are set: the first table of each is read as far as its columns."""
    from hubspot_platform.landing.contract import PREDICTIONS, REQUIRED
    from hubspot_platform.landing.land import look

    found = [look(settings, entry) for entry in (REQUIRED[0], PREDICTIONS[0])]
    return "; ".join(found)


def _disk(settings: Settings) -> Finding:
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return Finding("disk", free > LEAST_FREE_BYTES, f"{free / 2**30:.1f} GiB free", "free at least 1 GiB")
