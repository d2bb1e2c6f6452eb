"""Lets `python -m hubspot_platform.sandbox` be the sandbox's command."""

import sys

import typer

from hubspot_platform.errors import PlatformError
from hubspot_platform.sandbox.command import command

if __name__ == "__main__":
    try:
        typer.run(command)
    except PlatformError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
