"""Values that no form would accept today but every old portal holds: put into columns after they were made."""

from collections.abc import Mapping, Sequence

from hubspot_platform.sandbox.seed.columns import Column, Draft

LONG_TEXT = "Lorem ipsum dolor sit amet, consectetur adipiscing elit. " * 1_100
BAD_NUMBERS = ("approx. 2M", "12,500.00", "n/a", "€ 900")
BAD_DATES = ("2024-02-30", "31.12.2023", "0000-00-00")
MISFIT = 0.001


def spoil_types(draft: Draft, columns: Mapping[str, Column], numbers: Sequence[str], dates: Sequence[str]) -> None:
    """Put text into number properties and impossible days into dates, in about one record of a thousand."""
    targets = [(n, BAD_NUMBERS) for n in numbers if n in columns] + [(n, BAD_DATES) for n in dates if n in columns]
    if not targets:
        return
    for turn, position in enumerate(draft.sample(MISFIT)):
        name, values = targets[turn % len(targets)]
        columns[name][position] = values[turn % len(values)]


def spoil_texts(draft: Draft, columns: Mapping[str, Column], prose: str, title: str, listed: str) -> None:
    """Put very long text, NUL characters and options that are no longer listed into a few records."""
    if prose in columns:
        for position in draft.sample(0.0003):
            columns[prose][position] = LONG_TEXT
    if title in columns:
        for position in draft.sample(0.0005):
            columns[title][position] = "Buyer\x00 (imported)"
    if listed in columns:
        for position in draft.sample(0.002):
            columns[listed][position] = "v0-legacy"
