"""Errors of the service. Each carries its verdict: may the work be tried again, or not.

A refusal by a rule is not an error but a value (`dialer.model.decision.Decision`). Once an INVITE has left the host, no
error is retryable: nobody is called twice by accident.
"""

import os


class DialerError(Exception):
    """The dialer could not do what was asked."""

    retryable = False

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or type(self).__name__).strip().splitlines()[0])


class ConfigError(DialerError):
    """The configuration is wrong; the message names the file, the key and what to write instead."""


class InputError(DialerError):
    """Data given by a user (a list, a request, an audio file) is wrong; the message says where and why."""


class SipError(DialerError):
    """SIP signalling failed."""


class LocalProtocolError(SipError):
    """We were about to break the SIP rules ourselves: a bug on this side."""


class RemoteProtocolError(SipError):
    """The peer broke the SIP rules."""


class TransportError(SipError):
    """No INVITE left the host: the transport to the peer could not be used."""

    retryable = True


class MediaError(DialerError):
    """The media engine refused or failed an operation."""


class StorageError(DialerError):
    """The database refused or failed an operation."""


class SchemaVersionError(StorageError):
    """The database was written by a newer version of this program; upgrade the program, the data is untouched."""


def system_reason(error: OSError) -> str:
    """The operating system's words; some event loops give the number alone, or hide it in the cause."""
    if not error.errno and isinstance(error.__cause__, OSError):
        return system_reason(error.__cause__)
    return error.strerror or (os.strerror(error.errno) if error.errno else str(error))
