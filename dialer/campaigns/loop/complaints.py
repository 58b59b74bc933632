"""Faults of the loop in the log: whole when they are new, then once a minute while they last. A tick is twice a second,
and a full disk must not be filled further by saying so.
"""

import logging

from dialer.clock import Clock

logger = logging.getLogger(__name__)

AGAIN_S = 60.0


class Complaints:
    """What was said last about each subject."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._said: dict[object, tuple[str, float]] = {}

    def say(self, subject: object, message: str, error: Exception, **facts: object) -> None:
        """Logs the error with its traceback, unless the same was said about `subject` within the last minute."""
        now, text = self._clock.monotonic(), f"{type(error).__name__}: {error}"
        last, at = self._said.get(subject, ("", 0.0))
        if text == last and now - at < AGAIN_S:
            return
        self._said[subject] = (text, now)
        logger.error("%s: %s", message, text, exc_info=error, extra=facts)
