"""The web process: what other systems send us comes in here, is checked, stored in the inbox, and answered at once."""
