"""SQL models: `sql/<schema>/<table>.sql` read, linted, built, and found when they are behind."""
