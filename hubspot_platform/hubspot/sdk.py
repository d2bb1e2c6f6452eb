"""HubSpot's own SDK under the platform's policy: budget, retries, errors and timeouts as everywhere else.

For calls that are few (property definitions, owners, pipelines). Every API object of a client made here sends
through one governed pool; `api_request`, which would go around it, is closed.
"""

from collections.abc import Callable
from typing import Any

import urllib3
from hubspot import HubSpot
from urllib3.exceptions import HTTPError

from hubspot_platform.hubspot.policy import Exchange, HubSpotPolicy
from hubspot_platform.hubspot.records import parse_object
from hubspot_platform.hubspot.retry import Outcome
from hubspot_platform.hubspot.transport import describe_fault, read_answer
from hubspot_platform.lanes import Bucket, Lane


class GovernedPool(urllib3.PoolManager):
    """A urllib3 pool whose every call is granted by the budget and judged by the policy."""

    def __init__(self, policy: HubSpotPolicy, lane: Lane) -> None:
        super().__init__(num_pools=2, maxsize=8, retries=False)
        self._policy = policy
        self._lane = lane

    def urlopen(  # type: ignore[override]
        self, method: str, url: str, redirect: bool = True, **kw: Any
    ) -> urllib3.BaseHTTPResponse:
        """Send one call, repeating it as the policy decides; raises the errors of `hubspot.errors`."""
        path = urllib3.util.parse_url(url).path or "/"
        bucket = Bucket.SEARCH if path.endswith("/search") else Bucket.API
        exchange = Exchange(self._policy, f"{method} {path}", bucket, self._lane)
        kw["retries"] = False
        kw["preload_content"] = True
        if kw.get("timeout") is None:
            kw["timeout"] = urllib3.Timeout(connect=self._policy.connect_timeout, read=self._policy.read_timeout)
        while True:
            self._policy.budget.acquire_blocking(bucket, self._lane)
            response: urllib3.BaseHTTPResponse | None = None
            try:
                response = super().urlopen(method, url, redirect=False, **kw)
            except (HTTPError, OSError) as error:
                outcome = Outcome(None, fault=describe_fault(error))
            else:
                headers = {name.lower(): value for name, value in response.headers.items()}
                outcome, _ = read_answer(response.status, headers, response.data, parse_object)
            wait = exchange.observe(outcome)
            if wait is None and response is not None:
                return response
            if wait is not None:
                if wait.penalise is not None:
                    self._policy.budget.penalise_blocking(wait.penalise, wait.seconds)
                self._policy.sleep_blocking(wait.seconds)


class GovernedClient(HubSpot):  # type: ignore[misc]
    """HubSpot's client without its ungoverned side door."""

    def api_request(self, options: dict[str, Any]) -> Any:
        """Refuse: this path has no timeout, no retry and no budget; use the transport."""
        raise NotImplementedError("api_request goes around the policy: use hubspot.transport")


def sdk_client(policy: HubSpotPolicy, *, lane: Lane = Lane.SYNC) -> HubSpot:
    """Return HubSpot's client whose calls all go through `policy`; its calls block, so run them in a thread.

    The API objects it hands out are made once and share connections.
    """
    pool = GovernedPool(policy, lane)
    made: dict[tuple[str, str], Any] = {}

    def api_factory(package: Any, api_name: str, config: dict[str, Any]) -> Any:
        key = (package.__name__, api_name)
        if key not in made:
            api = _build_api(package, api_name, config)
            api.api_client.rest_client.pool_manager = pool
            made[key] = api
        return made[key]

    base_url = policy.base_url.rstrip("/")
    return GovernedClient(
        access_token=policy.token.get_secret_value(),
        host=base_url,
        base_url=base_url,
        api_factory=api_factory,
    )


def _build_api(package: Any, api_name: str, config: dict[str, Any]) -> Any:
    configuration = package.Configuration()
    configuration.access_token = config["access_token"]
    configuration.host = config["host"]
    configuration.client_side_validation = False  # every field of an answer may be missing
    api_class: Callable[..., Any] = getattr(package, api_name)
    return api_class(api_client=package.ApiClient(configuration=configuration))
