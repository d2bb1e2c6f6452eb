"""Finds the tables that miss something of what they read.

The hourly catch-up schedule calls `stale_models`: an automation condition drops an update that arrives
right after a request, so somebody has to compare.
"""

from typing import Any

import dagster as dg

STARTED_AT = "started_at"
"""Metadata of a materialisation: when the build began to read."""

_KIND = "dagster/kind/sql"
_CODE_VERSION = "dagster/code_version"


def stale_models(instance: dg.DagsterInstance, asset_graph: Any) -> list[dg.AssetKey]:
    """Return the assets of kind `sql` that must be built again, upstream first, with everything below them.

    A table is stale when an upstream was materialised after its own last build began, when it was built by
    another version of its text, or when it was never built though all its upstreams were.
    """
    stale: list[dg.AssetKey] = []
    for key in asset_graph.toposorted_asset_keys:
        node = asset_graph.get(key)
        if _KIND not in node.tags:
            continue
        if any(parent in stale for parent in node.parent_keys) or _is_behind(instance, key, node):
            stale.append(key)
    return stale


def _is_behind(instance: dg.DagsterInstance, key: dg.AssetKey, node: Any) -> bool:
    parents = sorted(node.parent_keys, key=str)
    upstream = [instance.get_latest_materialization_event(parent) for parent in parents]
    own = instance.get_latest_materialization_event(key)
    if own is None or own.asset_materialization is None:
        return bool(upstream) and all(event is not None for event in upstream)
    materialization = own.asset_materialization
    if (materialization.tags or {}).get(_CODE_VERSION) != node.code_version:
        return True
    started = materialization.metadata.get(STARTED_AT)
    since = started.value if isinstance(started, dg.TimestampMetadataValue) else own.timestamp
    return any(event is not None and event.timestamp > since for event in upstream)
