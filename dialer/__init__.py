"""A dialer for call centres: campaigns over SIP trunks, one gate for every call, every contact kept as evidence."""

__version__ = "0.1.0"
