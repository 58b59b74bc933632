"""SIP: sans-IO message, transaction and dialog layers, and the shells that do their I/O."""
