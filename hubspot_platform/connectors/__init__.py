"""One module per neighbouring system."""
