"""The whole portal: object stores, associations, pipelines, people, lists, marketing, and the behaviour switches.

Built once by `seed.build_portal`, then read and changed by the API handlers and the admin API, all in one thread.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hubspot_platform.sandbox.associations import Associations
from hubspot_platform.sandbox.clock import PortalClock
from hubspot_platform.sandbox.custom_objects import CustomObject
from hubspot_platform.sandbox.exports import Exports
from hubspot_platform.sandbox.forms import Forms
from hubspot_platform.sandbox.history import Source
from hubspot_platform.sandbox.mailing import EmailLog
from hubspot_platform.sandbox.model import ObjectSpec, Owner, Pipeline, Property, Record
from hubspot_platform.sandbox.object_types import CONTENT_SCOPES
from hubspot_platform.sandbox.people import People
from hubspot_platform.sandbox.record_lists import Lists
from hubspot_platform.sandbox.schema import Schema
from hubspot_platform.sandbox.search_index import SearchIndex
from hubspot_platform.sandbox.store import ObjectStore
from hubspot_platform.sandbox.wire import ApiProblem


@dataclass
class Account:
    """Facts of the account-info endpoint, and the client secret its webhooks are signed with."""

    portal_id: int = 4242
    app_id: int = 99
    time_zone: str = "America/New_York"
    currency: str = "USD"
    additional_currencies: tuple[str, ...] = ("EUR", "GBP")
    client_secret: str = "demo-client-secret-0001"  # noqa: S105 - the sandbox's published demo secret

    @property
    def app(self) -> Source:
        """The source of values written through the API."""
        return Source("INTEGRATION", str(self.app_id))


@dataclass
class Switches:
    """Behaviour tests may change while the portal runs."""

    missing_scopes: set[str] = field(default_factory=set)
    expired_tokens: set[str] = field(default_factory=set)
    unordered_search: bool = False
    association_page: int = 0
    repeat_events: bool = True
    event_retention_days: int = 0


class ObjectArea:
    """Everything the portal keeps per object type."""

    def __init__(self, spec: ObjectSpec, definitions: list[Property], clock: PortalClock) -> None:
        self.spec = spec
        self.schema = Schema(spec, definitions)
        self.store = ObjectStore(spec, self.schema)
        self.index = SearchIndex(self.store, clock.now_ms)
        self.groups: dict[str, str] = {}
        self.pipelines: dict[str, Pipeline] = {}
        self.last_search: tuple[tuple[object, ...], Sequence[Record]] | None = None

    def respec(self, spec: ObjectSpec) -> None:
        """Follow a change of a custom type's schema."""
        self.spec = self.schema.spec = self.store.spec = spec
        self.schema.forget_sets()


class Portal:
    """A HubSpot account in memory."""

    def __init__(self, clock: PortalClock, account: Account | None = None) -> None:
        self.clock = clock
        self.account = account or Account()
        self.switches = Switches()
        self.areas: dict[str, ObjectArea] = {}
        self.custom: dict[str, CustomObject] = {}
        self.blocked_emails: set[str] = set()
        self._plural_of: dict[str, str] = {}
        self.associations = Associations()
        self.owners: dict[str, Owner] = {}
        self.people = People()
        self.lists = Lists()
        self.exports = Exports()
        self.forms = Forms()
        self.mail = EmailLog()
        self.base_ms = clock.now_ms()

    def add_type(self, spec: ObjectSpec, definitions: list[Property]) -> ObjectArea:
        """Register an object type with its properties."""
        area = ObjectArea(spec, definitions, self.clock)
        self.areas[spec.plural] = area
        self._plural_of |= dict.fromkeys(spec.names, spec.plural)
        return area

    def remove_type(self, spec: ObjectSpec) -> None:
        """Forget an object type; its paths are unknown from then on."""
        del self.areas[spec.plural]
        self._plural_of = {name: plural for name, plural in self._plural_of.items() if plural != spec.plural}

    def area(self, name: str) -> ObjectArea:
        """Return the area of a type by any spelling; raises ApiProblem 400 as HubSpot does for unknown types."""
        plural = self._plural_of.get(name) or self._plural_of.get(name.lower())
        if plural is None:
            raise ApiProblem(400, "VALIDATION_ERROR", f"Unable to infer object type from: {name}")
        return self.areas[plural]

    def purge(self, area: ObjectArea, record_id: int) -> bool:
        """Delete a record, its history and its associations for good; False when there is none of that id."""
        self.associations.forget(area.spec.singular, record_id)
        return area.store.purge(record_id)

    def take_scopes(self, missing: set[str]) -> None:
        """Leave the token these scopes fewer; content they open is left out of the answers."""
        self.switches.missing_scopes = missing
        for scope, (plural, names) in CONTENT_SCOPES.items():
            self.areas[plural].schema.withhold(names if scope in missing else frozenset())

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many records of each type are live, archived and merged away."""
        return {
            plural: {
                "live": len(area.store.live_ids),
                "archived": len(area.store.archived_ids),
                "merged_away": len(area.store.survivors),
                "properties": len(area.schema.listed()),
            }
            for plural, area in self.areas.items()
        }

    def link_live(self, pair: tuple[str, str], source: int) -> Iterable[tuple[int, tuple[int, ...]]]:
        """Return a record's links to live records; associations of archived records are not readable."""
        store, own = self.area(pair[1]).store, self.area(pair[0]).store.records.get(source)
        if own is None or own.archived_ms is not None:
            return
        for target, types in self.associations.links(pair, source):
            record = store.records.get(target)
            if record is not None and record.archived_ms is None:
                yield target, types
