"""Rehearsals: simulated people, a simulated carrier and robot collectors around the real service."""
