"""The policy tests run under, and the house's own number that it lets them show."""

from functools import cache

from dialer.compliance.packs import load_policy
from dialer.compliance.policy import Policy

HOUSE_NUMBER = "+8640012345678"
"""Registered for collection, of the house itself."""


@cache
def bank_policy() -> Policy:
    """The shipped pack for a bank's cards. Reads files: load it outside the event loop, or before."""
    return load_policy(("cn-bank-card",))
