"""Collectors at work: the table of their states, who gets the next call, and the nailed-up leg of each phone."""
