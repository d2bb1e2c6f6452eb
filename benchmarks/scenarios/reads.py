"""A full read of all contacts, by the platform and by HubSpot's own client, without limits and under them."""

from typing import Any

from benchmarks.bench import Bench, Read
from benchmarks.results import Line, Outcome, median
from benchmarks.scale import FULL

_OURS = ("--records-only",)
_SDK = (*_OURS, "--reader", "sdk")


def full_read(bench: Bench) -> Outcome:
    """Read everything with both clients in turn, into the same typed tables; no limit, no latency."""
    portal = bench.portal(bench.scale.contacts)
    ours: list[Read] = []
    sdk: list[Read] = []
    for number in range(bench.samples or bench.scale.samples):
        for variant, reads in [(_OURS, ours), (_SDK, sdk)][:: -1 if number % 2 else 1]:
            bench.say(f"full read {number + 1}, {'platform' if variant is _OURS else 'hubspot-api-client'}")
            reads.append(bench.full_read(portal, *variant))
    same = len({str(read.stored) for read in ours + sdk}) == 1
    ratio = median([read.rate for read in ours]) / median([read.rate for read in sdk])
    rate, cpu = median([read.rate for read in ours]), median([read.process.cpu for read in ours])
    judged = bench.scale is FULL
    name = "full-read"
    lines = [
        Line(name, "platform: objects/s", f"{rate:,.0f}", "≥ 25,000", rate >= 25_000 if judged else None),
        Line(name, "platform: CPU s of the process", f"{cpu:.1f}", "≤ 5", cpu <= 5 if judged else None),
        *_more(name, "platform", ours),
        Line(name, "hubspot-api-client: objects/s", f"{median([read.rate for read in sdk]):,.0f}"),
        Line(name, "hubspot-api-client: CPU s of the process", f"{median([r.process.cpu for r in sdk]):.1f}"),
        *_more(name, "hubspot-api-client", sdk),
        Line(name, "platform / hubspot-api-client", f"{ratio:.1f}x", "≥ 4x", ratio >= 4 if judged else None),
        Line(name, "same typed values in the table", "yes" if same else "no", "yes", same),
    ]
    return Outcome(lines, _samples(ours, sdk))


def _more(scenario: str, who: str, reads: list[Read]) -> list[Line]:
    seconds = median([read.seconds for read in reads])
    whole = median([read.process.seconds for read in reads])
    return [
        Line(scenario, f"{who}: s first request to window completed, whole process", f"{seconds:.1f}, {whole:.1f}"),
        Line(scenario, f"{who}: peak RSS MiB", f"{median([read.process.peak_rss for read in reads]):,.0f}"),
    ]


def limited_read(bench: Bench) -> Outcome:
    """Read everything under the portal's rate limit with latency; the serial client reads a part of it."""
    portal = bench.portal(bench.scale.contacts, limited=True, latency=True)
    ours = []
    for number in range(bench.samples or bench.scale.limited_samples):
        bench.say(f"limited read {number + 1}, platform")
        ours.append(bench.full_read(portal, *_OURS, limited=True))
    bench.say("limited read, hubspot-api-client")
    sdk = bench.full_read(portal, *_SDK, limited=True, limit=bench.scale.sdk_part)
    ceiling = bench.scale.objects_per_s
    rate = median([read.rate for read in ours])
    refused = sum(read.stats["limited"] for read in ours)
    judged = bench.scale is FULL
    name = "limited-read"
    full = ours[0].objects / sdk.rate
    share = rate / ceiling
    lines = [
        Line(name, "platform: objects/s", f"{rate:,.0f}", f"of {ceiling:,.0f}"),
        Line(name, "platform: share of the ceiling", f"{share:.1%}", "≥ 95 %", share >= 0.95 if judged else None),
        Line(name, "platform: 429 answers, counted by the sandbox", str(refused), "0", refused == 0),
        *_more(name, "platform", ours),
        Line(name, f"hubspot-api-client: objects/s, measured on {sdk.objects:,}", f"{sdk.rate:,.0f}"),
        Line(name, "hubspot-api-client: share of the ceiling", f"{sdk.rate / ceiling:.1%}"),
        Line(name, f"hubspot-api-client: s for {ours[0].objects:,}, extrapolated", f"{full:,.0f}"),
        Line(name, "platform / hubspot-api-client", f"{rate / sdk.rate:.1f}x"),
    ]
    return Outcome(lines, _samples(ours, [sdk]))


def limited_million(bench: Bench) -> Outcome:
    """Read ten times as many under the same limits, once: whether pace and memory hold for minutes."""
    portal = bench.portal(bench.scale.many_contacts, limited=True, latency=True)
    bench.say(f"limited read of {bench.scale.many_contacts:,} contacts")
    read = bench.full_read(portal, *_OURS, limited=True)
    least = read.objects / bench.scale.objects_per_s
    above, refused = read.seconds / least - 1, read.stats["limited"]
    judged = bench.scale is FULL
    name, who = "limited-million", f"{read.objects:,} records"
    lines = [
        Line(name, f"{who}: s first request to window completed", f"{read.seconds:.1f}", f"of {least:.1f}"),
        Line(name, f"{who}: above the least possible", f"{above:+.1%}", "≤ 5 %", above <= 0.05 if judged else None),
        Line(name, f"{who}: 429 answers, counted by the sandbox", str(refused), "0", refused == 0),
        *_more(name, "platform", [read]),
    ]
    return Outcome(lines, {"samples": [read.as_json()]})


def _samples(ours: list[Read], sdk: list[Read]) -> dict[str, Any]:
    return {
        "platform": [read.as_json() for read in ours],
        "hubspot-api-client": [read.as_json() for read in sdk],
    }
