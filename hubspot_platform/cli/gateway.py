"""`hubspot-platform gateway`: the web process that takes events in."""

import json
import sys
from typing import Annotated

import typer


def command(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port of the doors, 0 for any free one")] = 8030,
    admin_port: Annotated[int, typer.Option(help="port of health and metrics, 0 for any free one")] = 8031,
    as_json: Annotated[bool, typer.Option("--json", help="print the addresses as a JSON document")] = False,
) -> None:
    """Take in webhooks of HubSpot, Chargebee and Jira and events of our own services until Ctrl-C."""
    from hubspot_platform.gateway.server import Addresses, serve
    from hubspot_platform.home import prepare_home
    from hubspot_platform.runtime import Platform
    from hubspot_platform.settings import load_settings

    def announce(public: str, private: str) -> None:
        said = f"gateway ready at {public} (health and metrics at {private})"
        sys.stdout.write((json.dumps({"url": public, "admin_url": private}) if as_json else said) + "\n")
        sys.stdout.flush()

    settings = load_settings()
    prepare_home(settings)
    serve(Platform(settings), Addresses(host, port, admin_port), announce)
