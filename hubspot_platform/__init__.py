"""HubSpot in a warehouse: mirrored, modelled, checked, alerted."""
