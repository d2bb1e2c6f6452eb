"""Jira's issues as its webhooks tell of them."""
