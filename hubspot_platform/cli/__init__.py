"""The command line, `hubspot-platform`."""
