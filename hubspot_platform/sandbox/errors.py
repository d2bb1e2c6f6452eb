"""Errors of the sandbox itself, as opposed to the HTTP errors it plays."""

from hubspot_platform.errors import PlatformError


class SandboxError(PlatformError):
    """An option, a fault or an admin request the sandbox cannot work with."""
