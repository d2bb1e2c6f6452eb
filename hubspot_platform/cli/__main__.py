"""Lets `python -m hubspot_platform.cli` be the command line."""

from hubspot_platform.cli.main import run

run()
