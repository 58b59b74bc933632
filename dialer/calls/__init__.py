"""One attempt's life, from the claimed entry to the settled end, and what a collector can do with a call."""
