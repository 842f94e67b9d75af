"""One loop trains every network."""
