"""Campaigns: state table, retries, caller IDs, priorities and pacing (all pure), and the loop that obeys them."""
