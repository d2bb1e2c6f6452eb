"""Attribution beyond SQL: credit of channels, and delayed re-runs with their bookkeeping."""
