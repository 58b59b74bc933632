"""The database: what must survive. Only values of `dialer.model` come out; tables and SQL stay inside.

Enter through `Storage.open`. `database` says how work reaches SQLite or PostgreSQL, `tables` what is kept, `migrate`
how the schema grows; the other modules are one part of the storage each.
"""

from dialer.storage.crypto import load_or_create_key, parse_key
from dialer.storage.do_not_call import Listing
from dialer.storage.opening import storage_of
from dialer.storage.storage import Storage

__all__ = ["Listing", "Storage", "load_or_create_key", "parse_key", "storage_of"]
