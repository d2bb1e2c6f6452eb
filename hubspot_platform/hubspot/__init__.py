"""Speaks HubSpot: one policy for every call, bulk readers, the governed SDK and the catalogue of objects.

Used by the mirror, the assets and the command line; knows nothing of Dagster, of the warehouse or of the
state.
"""
