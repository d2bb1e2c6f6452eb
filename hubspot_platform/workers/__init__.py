"""The workers: what becomes of the events in the inbox, queue by queue."""
