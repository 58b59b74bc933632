"""Beside a node: finishing and opening recordings, signing the ledger, checking it, and deleting what may go."""
