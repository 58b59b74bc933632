"""The part of the configuration that is about supervising collectors at work."""

from typing import Literal

from dialer.config_base import Section


class SupervisionConfig(Section):
    """Listening in on collectors' calls: what the law of the place and the house's agreements allow."""

    listening: tuple[Literal["monitor", "whisper", "barge"], ...] = ("monitor", "whisper", "barge")
    """Allowed ways to listen in: hearing the call; speaking to the collector alone; speaking to both. None: nobody
    listens in."""
    tell_collectors: bool = False
    """Whether a collector's page shows that somebody listens in."""
