"""Benchmarks of the platform against the sandbox: `python -m benchmarks` prints a table and writes the raw samples."""
