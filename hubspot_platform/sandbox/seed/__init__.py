"""The seeded portal: believable data, the same for the same size, seed and base time."""

from hubspot_platform.sandbox.seed.build import build_portal

__all__ = ["build_portal"]
