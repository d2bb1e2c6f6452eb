"""Owners and pipelines: small reference data, always read whole through the SDK.

Called by the reference assets of the mirror. All calls block and raise the errors of `hubspot.errors`.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from hubspot import HubSpot

from hubspot_platform.hubspot.errors import CursorLoop

_OWNERS_PAGE = 100


@dataclass(frozen=True)
class OwnerTeam:
    """A team an owner belongs to."""

    team_id: int
    name: str
    primary: bool


@dataclass(frozen=True)
class Owner:
    """An owner, live or archived. Records name `owner_id`; `user_id` also names a deactivated user.

    `active_user_id` is None for archived owners: their user can no longer sign in.
    """

    owner_id: int
    type: str
    email: str | None
    first_name: str | None
    last_name: str | None
    user_id: int | None
    active_user_id: int | None
    archived: bool
    created_at: datetime | None
    updated_at: datetime | None
    teams: tuple[OwnerTeam, ...] = ()


@dataclass(frozen=True)
class PipelineStage:
    """A stage of a pipeline. Deals have a `probability`, and won means closed with probability 1; tickets a state."""

    stage_id: str
    pipeline_id: str
    label: str
    display_order: int
    probability: Decimal | None
    ticket_state: str | None
    is_closed: bool
    closed_won: bool
    archived: bool
    created_at: datetime | None
    updated_at: datetime | None


@dataclass(frozen=True)
class Pipeline:
    """A pipeline of deals or tickets and its stages in display order."""

    pipeline_id: str
    label: str
    display_order: int
    archived: bool
    created_at: datetime | None
    updated_at: datetime | None
    stages: tuple[PipelineStage, ...]


def fetch_owners(sdk: HubSpot) -> list[Owner]:
    """Return every owner in id order, archived ones included: historic records still name them."""
    owners: dict[int, Owner] = {}
    for archived in (True, False):  # live last: it wins where both lists name an owner
        owners.update((owner.owner_id, owner) for owner in _owners_page_by_page(sdk, archived=archived))
    return [owners[owner_id] for owner_id in sorted(owners)]


def _owners_page_by_page(sdk: HubSpot, *, archived: bool) -> list[Owner]:
    found: list[Owner] = []
    cursor: str | None = None
    seen: set[str] = set()
    while True:
        paging = {"after": cursor} if cursor else {}
        page = sdk.crm.owners.owners_api.get_page(limit=_OWNERS_PAGE, archived=archived, **paging)
        found.extend(_owner(item, archived=archived) for item in page.results)
        cursor = page.paging.next.after if page.paging and page.paging.next else None
        if cursor is None:
            return found
        if cursor in seen:
            raise CursorLoop("GET owners", page=len(seen) + 1, cursor=cursor)
        seen.add(cursor)


def _owner(item: Any, *, archived: bool) -> Owner:
    return Owner(
        owner_id=int(item.id),
        type=item.type or "",
        email=item.email,
        first_name=item.first_name,
        last_name=item.last_name,
        user_id=item.user_id or item.user_id_including_inactive,
        active_user_id=item.user_id,
        archived=archived,
        created_at=item.created_at,
        updated_at=item.updated_at,
        teams=tuple(OwnerTeam(int(t.id), t.name or "", bool(t.primary)) for t in item.teams or ()),
    )


def fetch_pipelines(sdk: HubSpot, object_path: str) -> list[Pipeline]:
    """Return the pipelines of `deals` or `tickets` in display order with their stages: one call, not paged."""
    answer = sdk.crm.pipelines.pipelines_api.get_all(object_type=object_path)
    return sorted((_pipeline(item) for item in answer.results), key=lambda p: (p.display_order, p.pipeline_id))


def _pipeline(item: Any) -> Pipeline:
    stages = (_stage(stage, item.id) for stage in item.stages or ())
    return Pipeline(
        pipeline_id=item.id,
        label=item.label or "",
        display_order=item.display_order or 0,
        archived=bool(item.archived),
        created_at=item.created_at,
        updated_at=item.updated_at,
        stages=tuple(sorted(stages, key=lambda stage: (stage.display_order, stage.stage_id))),
    )


def _stage(item: Any, pipeline_id: str) -> PipelineStage:
    metadata = item.metadata or {}
    probability = _decimal(metadata.get("probability"))
    ticket_state = metadata.get("ticketState")
    stated = metadata.get("isClosed")
    settled = probability in (0, 1) or ticket_state == "CLOSED"
    is_closed = settled if stated is None else str(stated).lower() == "true"
    return PipelineStage(
        stage_id=item.id,
        pipeline_id=pipeline_id,
        label=item.label or "",
        display_order=item.display_order or 0,
        probability=probability,
        ticket_state=ticket_state,
        is_closed=is_closed,
        closed_won=is_closed and probability == 1,
        archived=bool(item.archived),
        created_at=item.created_at,
        updated_at=item.updated_at,
    )


def _decimal(text: object) -> Decimal | None:
    try:
        value = Decimal(str(text))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
