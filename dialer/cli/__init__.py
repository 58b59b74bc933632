"""The command line: `dialer …`."""
