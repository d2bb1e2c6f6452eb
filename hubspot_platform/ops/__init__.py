"""Operational state as the warehouse's readers see it: schema `ops`."""
