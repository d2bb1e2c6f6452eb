"""A HubSpot-compatible portal and a Slack endpoint over HTTP, for the demo, the tests and rehearsals.

`server.serve` runs it; the platform talks to it only over HTTP, by the same code as to the real services.
"""
