"""HubSpot objects into warehouse tables: values, tables, and the sync engine that assets and the command line call."""
