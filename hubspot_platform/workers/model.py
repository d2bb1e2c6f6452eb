"""What a queue is and what the code behind it must do: the shape of the entries of `workers.catalogue`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hubspot_platform.runtime import Platform
from hubspot_platform.state.inbox import InboxEvent, Outcome

Handler = Callable[[Platform, Sequence[InboxEvent]], Sequence[Outcome]]
"""Takes claimed events and returns one outcome for each, in their order.

What it writes is idempotent: it may be killed between writing and the engine's note that it is done, and then gets the
same events again.
"""


Afterwards = Callable[[Platform], object]
"""What follows a drain that applied something. It may be repeated, and may be left out when it fails."""


@dataclass(frozen=True)
class Queue:
    """One queue of the inbox: its worker's name, its priority (0 is first), and the code that handles its events.

    Without a handler the queue only collects: its depth is visible, nothing takes events out.
    """

    name: str
    worker: str
    priority: int
    description: str
    handler: Handler | None = None
    afterwards: Afterwards | None = None
