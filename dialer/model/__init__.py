"""Values of the domain: frozen dataclasses and enums, no behaviour beyond their own consistency, no I/O.

Everything above speaks in these; database tables never leave `dialer.storage`.
"""
