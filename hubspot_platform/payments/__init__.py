"""Payments: Chargebee's events as they came in, and what is told on when one does."""
