"""Forms with their submissions, and e-mail campaigns with their events, of the seeded portal.

Submitters and recipients are contacts. All of it is made at the first look: a large portal starts as fast without it.
"""

import random
import uuid
from collections.abc import Callable, Sequence
from functools import partial

from hubspot_platform.sandbox.forms import Form, Submission
from hubspot_platform.sandbox.mailing import Campaign, EmailLog
from hubspot_platform.sandbox.model import Record
from hubspot_platform.sandbox.options import Plan
from hubspot_platform.sandbox.portal import Portal
from hubspot_platform.sandbox.seed.columns import DAY_MS
from hubspot_platform.sandbox.seed.email_stories import HOUR, story_of
from hubspot_platform.sandbox.seed.form_definitions import FORMS, FormSeed
from hubspot_platform.sandbox.store import ObjectStore

MOST_SUBMISSIONS = 3_000
MOST_RECIPIENTS = 1_000
EVENT_DAYS = 80
_APPS = ((113, "Batch"), (20053, "WorkflowSmtp"))
_SUBJECTS = (
    ("Spring launch", "What is new this spring"),
    ("Product news", "Three things your team asked for"),
    ("Webinar invitation", "Join us on Thursday: reporting without spreadsheets"),
    ("Customer story", "How others saved a day a week 🚀"),
    ("Price change", "Your plan from next quarter on"),
    ("Newsletter", "The month in five minutes"),
)


def fill_marketing(portal: Portal, plan: Plan) -> None:
    """Put forms and the e-mail log into the portal."""
    ids = tuple(portal.areas["contacts"].store.live_ids)
    for seed in FORMS:
        created_ms = portal.base_ms - seed.age_days * DAY_MS
        identity = str(uuid.UUID(int=random.Random(f"{plan.seed}:form:{seed.name}").getrandbits(128), version=4))
        portal.forms.put(
            Form(
                id=identity,
                content=seed.content(),
                created_ms=created_ms,
                updated_ms=created_ms + 3 * DAY_MS,
                archived_ms=portal.base_ms - 15 * DAY_MS if seed.archived else None,
                seeded=partial(_submissions, portal, plan, seed, ids, created_ms),
            )
        )
    campaigns = _campaigns(portal, plan)
    portal.mail = EmailLog(campaigns, _audience(portal, plan, ids), partial(story_of, portal, plan.seed))


def _reached(store: ObjectStore, ids: Sequence[int]) -> list[Record]:
    """Return the contacts of these ids that have an address, merged ones by their survivor, purged ones not."""
    found = [store.get(i) for i in ids]
    return [r for r in found if r is not None and store.value(r, "email")]


def _submissions(
    portal: Portal, plan: Plan, seed: FormSeed, ids: Sequence[int], created_ms: int
) -> Sequence[Submission]:
    rng = random.Random(f"{plan.seed}:submissions:{seed.name}")
    store = portal.areas["contacts"].store
    wanted = min(MOST_SUBMISSIONS, round(len(ids) * seed.share))
    people = _reached(store, rng.sample(ids, wanted))
    end_ms = portal.base_ms - 15 * DAY_MS if seed.archived else portal.base_ms
    submitted = sorted(created_ms + int((end_ms - created_ms) * rng.random() ** 0.6) for _ in people)
    fields = [f for f in seed.fields if f in store.schema.column]
    return [
        Submission(
            submitted_ms=at_ms,
            number=number,
            conversion_id=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            page_url=f"https://www.ourfirm.example/{rng.choice(seed.pages)}",
            values=tuple((f, value) for f in fields if (value := _typed(store, person, f, rng))),
        )
        for number, (at_ms, person) in enumerate(zip(submitted, people, strict=True), 1)
    ]


def _typed(store: ObjectStore, person: Record, name: str, rng: random.Random) -> str:
    """Return what somebody typed: the contact's own value, now and then an address in capitals or with blanks."""
    value = store.value(person, name) or ""
    if name != "email" or rng.random() < 0.95:
        return value
    return rng.choice([value.title(), f" {value}"])


def _campaigns(portal: Portal, plan: Plan) -> list[Campaign]:
    count = 6 if plan.contacts < 1_000 else 24
    step = (EVENT_DAYS * DAY_MS - 20 * HOUR) // (count - 1)
    found = []
    for number in range(count):
        name, subject = _SUBJECTS[number % len(_SUBJECTS)]
        app_id, app_name = _APPS[number % 5 == 3]
        found.append(
            Campaign(
                id=551_000_001 + number * 1_013,
                number=number,
                name=f"{name} {number + 1}",
                subject=subject,
                app_id=app_id,
                app_name=app_name,
                content_id=44_100_000_001 + number * 77,
                sent_ms=portal.base_ms - EVENT_DAYS * DAY_MS + number * step,
            )
        )
    return found


def _audience(portal: Portal, plan: Plan, ids: Sequence[int]) -> Callable[[Campaign], Sequence[str]]:
    def audience(campaign: Campaign) -> Sequence[str]:
        rng = random.Random(f"{plan.seed}:audience:{campaign.id}")
        store = portal.areas["contacts"].store
        people = _reached(store, rng.sample(ids, min(MOST_RECIPIENTS, round(len(ids) * 0.3))))
        return [(store.value(person, "email") or "").lower() for person in people]

    return audience
