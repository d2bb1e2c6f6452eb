"""What the portal's properties look like, for the pull workers: read once in a while instead of once a batch."""

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from hubspot_platform.hubspot.catalogue import ObjectType
from hubspot_platform.hubspot.properties import PropertyDefinition, fetch_definitions
from hubspot_platform.hubspot.sdk import sdk_client
from hubspot_platform.mirror import writer
from hubspot_platform.mirror.history import asking_history
from hubspot_platform.mirror.tables import ObjectLayout
from hubspot_platform.runtime import Platform

KEPT_SECONDS = 600.0


@dataclass(frozen=True)
class Shape:
    """An object's layout and property definitions; `asked_for` are names that were looked for among them."""

    layout: ObjectLayout
    definitions: Mapping[str, PropertyDefinition]
    asked_for: frozenset[str]
    read_at: float


_known: WeakKeyDictionary[Platform, dict[str, Shape]] = WeakKeyDictionary()
_lock = threading.Lock()


def shape_of(platform: Platform, obj: ObjectType, properties: Iterable[str] = ()) -> Shape:
    """Return the shape of an object, its tables created or widened; read anew when a property is not in it.

    Raises the errors of `hubspot.errors` and of the warehouse.
    """
    wanted = frozenset(properties)
    with _lock:
        shapes = _known.setdefault(platform, {})
        shape = shapes.get(obj.name)
        if shape is not None and _serves(shape, wanted):
            return shape
        with platform.hubspot() as policy:
            definitions = fetch_definitions(sdk_client(policy), obj)
        layout, _ = writer.prepare(platform.warehouse(), obj, definitions)
        layout = asking_history(layout, platform.business.history_of(obj.name))
        shape = Shape(layout, {each.name: each for each in definitions}, wanted, time.monotonic())
        shapes[obj.name] = shape
        return shape


def _serves(shape: Shape, wanted: frozenset[str]) -> bool:
    known = shape.definitions.keys() | shape.asked_for
    return time.monotonic() - shape.read_at < KEPT_SECONDS and wanted <= known
