"""What the platform tells itself and others: the topics, their payloads, and how events get to subscribers."""
