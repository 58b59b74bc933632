"""Whether a browser's phone is still there. Pure.

A phone is two things: a page that holds its socket, and audio that comes from it. A reload loses both for a second or
two, a change of network the audio, a proxy that restarts the socket alone. So whatever is missing may come back within
a grace. When only the page is missing (its log-in ended, its socket broke) and a call is under way, people go on
talking: the grace begins when the call is over, or when the audio is lost, too.
"""

NO_AUDIO = "no audio from the browser"
NO_PAGE = "the phone's page was closed, or its log-in ended"


class Presence:
    """One phone's. Instants are monotonic seconds; it begins with a page and without audio."""

    def __init__(self, grace_s: float, now: float) -> None:
        self._grace_s = grace_s
        self._has_page = True
        self._is_heard = False
        self._away_since: float | None = now

    @property
    def is_heard(self) -> bool:
        """Whether its audio is connected."""
        return self._is_heard

    @property
    def is_here(self) -> bool:
        """Whether nothing is missing."""
        return self._away_since is None

    def page(self, is_there: bool, now: float) -> None:
        """A page holds the phone, or none does any more."""
        self._has_page = is_there
        self._note(now)

    def audio(self, is_heard: bool, now: float, *, in_call: bool = False) -> None:
        """Its audio is connected, or is not any more; `in_call`: a call was kept by it."""
        if in_call and self._is_heard and not is_heard and not self._has_page:
            self._away_since = now  # the page may be gone for an hour: this is another loss
        self._is_heard = is_heard
        self._note(now)

    def call_over(self, now: float) -> None:
        """The call that kept a phone without a page is over."""
        if self._is_heard and self._away_since is not None:
            self._away_since = now

    def due_at(self, in_call: bool) -> float | None:
        """When it is to be given up, unless it comes back; None while it is there or a call keeps it."""
        if self._away_since is None or (in_call and self._is_heard):
            return None
        return self._away_since + self._grace_s

    def cause(self) -> str:
        """What is missing."""
        return NO_PAGE if self._is_heard else NO_AUDIO

    def _note(self, now: float) -> None:
        if self._has_page and self._is_heard:
            self._away_since = None
        elif self._away_since is None:
            self._away_since = now
