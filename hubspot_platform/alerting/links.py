"""Where Dagster's UI shows what a message names, in Slack's syntax; plain words when the UI's address is not known.

Used by the message builders. The address is configuration, never data.
"""

from dataclasses import dataclass
from urllib.parse import quote

from hubspot_platform.alerting.model import Topic
from hubspot_platform.alerting.slack_text import escape


@dataclass(frozen=True)
class DagsterLinks:
    """Links into the UI at `base_url` (no slash at its end); empty makes none."""

    base_url: str = ""

    def run(self, run_id: str) -> str:
        """Return the escaped words `run ID`, linked to the run's page."""
        return self._link(f"runs/{quote(run_id, safe='')}", f"run {run_id}")

    def asset(self, topic: Topic) -> str:
        """Return the asset a topic is about, linked to its page; nothing without an asset or an address."""
        key = topic.asset
        if key is None or not self.base_url:
            return ""
        return self._link(f"assets/{quote(key)}", f"asset {key}")

    def _link(self, path: str, words: str) -> str:
        return f"<{self.base_url}/{path}|{escape(words)}>" if self.base_url else escape(words)
