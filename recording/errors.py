"""What can go wrong with a recording. Audio that was spooled is never removed because of an error."""


class RecordingError(Exception):
    """A recording could not be read, finalised or stored; the message says what, where and what to do."""


class SpoolError(RecordingError):
    """A file is not a spool, or its header did not survive."""


class ForeignSpoolError(SpoolError):
    """A readable spool that belongs to nothing its owner knows of; raised by whoever owns the recordings."""


class StoreFullError(RecordingError):
    """The disk of the store is full; the spool is kept and tried again."""


class StoreAwayError(RecordingError):
    """The store cannot be reached or refuses for now; what it was to take is kept and tried again."""


class StoreFaultyError(RecordingError):
    """The store answers and does not do what it was told: it changed bytes, or did not lock. Somebody must look."""


class ObjectMissingError(RecordingError):
    """The store holds nothing under this name."""


class ObjectTakenError(RecordingError):
    """Under this name the store holds something else; it was left as it is."""


class KeyLostError(RecordingError):
    """What would open a recording is not there; the message says which key, and where to look for it."""


class SealBrokenError(RecordingError):
    """A sealed object was altered, cut, or belongs to something else; the message names the chunk."""
