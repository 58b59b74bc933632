"""Recordings from the wire to the store: spool, finalisation, store. Stands alone: knows nothing of the dialer."""
