"""The platform assembled from its settings: one object that opens both stores, the rate budget and HubSpot.

The command line, the Dagster resource `platform` and the demo all hold one of these, so that nothing is opened in
two ways. Everything is opened on first use and closed by `close`.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr

from hubspot_platform.business import Business
from hubspot_platform.clock import Clock, utc_now
from hubspot_platform.commit_points import arm
from hubspot_platform.hubspot.policy import HubSpotPolicy
from hubspot_platform.settings import Settings
from hubspot_platform.state import Store, migrate, open_state
from hubspot_platform.state.budget import BudgetLimits, RateBudget
from hubspot_platform.warehouse import Warehouse, open_warehouse


class Platform:
    """Both stores and HubSpot for one process.

    `clock` is the business time of assets and checks; the state store keeps its own. `listen` gets every progress
    report of a sync, for whoever shows it.
    """

    def __init__(self, settings: Settings, clock: Clock = utc_now) -> None:
        arm(settings.hubspot_platform_kill_at)
        self.settings = settings
        self.clock = clock
        self.listen: Callable[[Any], None] = lambda _: None
        self._lock = threading.RLock()
        self._state: Store | None = None
        self._warehouse: Warehouse | None = None

    @property
    def business(self) -> Business:
        """The business settings."""
        return self.settings.business

    def state(self) -> Store:
        """Return the state store, migrated to this version before anybody uses it."""
        with self._lock:
            if self._state is None:
                self.settings.home.mkdir(parents=True, exist_ok=True)
                store = open_state(self.settings.state)
                migrate(store)
                self._state = store
            return self._state

    def warehouse(self) -> Warehouse:
        """Return the warehouse; every session on it is opened and closed by its user."""
        with self._lock:
            if self._warehouse is None:
                self.settings.home.mkdir(parents=True, exist_ok=True)
                self._warehouse = open_warehouse(self.settings.warehouse, memory_limit=self.settings.warehouse_memory)
            return self._warehouse

    @contextmanager
    def hubspot(self) -> Iterator[HubSpotPolicy]:
        """Yield the policy every HubSpot call of one piece of work goes through; its usage is in the ledger after."""
        token: SecretStr = self.settings.require_token()
        limits = BudgetLimits(
            api_per_10s=self.settings.hubspot_rate_limit,
            search_per_s=self.settings.hubspot_search_rate_limit,
            daily=self.settings.hubspot_daily_limit,
        )
        budget = RateBudget(self.state(), limits)
        try:
            yield HubSpotPolicy(self.settings.hubspot_base_url, token, budget)
        finally:
            budget.close()

    def settle(self) -> None:
        """Publish what a run has put off; to be called when a run ends."""
        with self._lock:
            opened = self._warehouse
        if opened is not None:
            opened.settle()

    def close(self) -> None:
        """Close what was opened; the object may be used again after."""
        self.settle()
        with self._lock:
            if self._state is not None:
                self._state.close()
                self._state = None
            self._warehouse = None
