"""What can go wrong with a recording. Audio that was spooled is never removed because of an error."""


class RecordingError(Exception):
    """A recording could not be read, finalised or stored; the message says what, where and what to do."""


class SpoolError(RecordingError):
    """A file is not a spool, or its header did not survive."""


class ForeignSpoolError(SpoolError):
    """A readable spool that belongs to nothing its owner knows of; raised by `on_ready`."""


class StoreFullError(RecordingError):
    """The disk of the store is full; the spool is kept and tried again."""
