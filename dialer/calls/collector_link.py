"""A call's tie to its collector: asking for one, the bridge, the end of the talk."""

import logging
from collections.abc import Callable, Collection

from dialer.agents.phone import CONNECT_TONE
from dialer.agents.sessions import AgentSessions, CallHandle
from dialer.agents.state import AgentStateError
from dialer.calls.call_audio import CallAudio
from dialer.calls.signals import Signal
from dialer.calls.signals import SignalKind as K
from dialer.errors import MediaError
from dialer.media.interface import Leg

logger = logging.getLogger(__name__)


class CollectorLink:
    """`tell` takes signals and returns at once; `call` is what the collector's session knows the call by."""

    def __init__(
        self,
        agents: AgentSessions,
        call: CallHandle,
        tell: Callable[[Signal], None],
        skills: Collection[str],
        wrap_up_limit_s: float,
    ) -> None:
        self._agents = agents
        self._call = call
        self._tell = tell
        self._skills = frozenset(skills)
        self._wrap_up_limit_s = wrap_up_limit_s
        self._reserved: int | None = None
        self._talking = False
        self._leg: Leg | None = None

    @property
    def agent_id(self) -> int | None:
        """Who is reserved for the call, or talks on it; after the talk, who did."""
        return self._reserved

    def dedicate(self, agent_id: int, cause: str) -> None:
        """Reserves this collector for the call before it is placed. Raises AgentStateError."""
        self._agents.dedicate(agent_id, self._call, cause)
        self._reserved = agent_id

    def dedicate_any(self, cause: str) -> int | None:
        """Reserves whoever is ready and has the skills, before the call is placed; None: nobody is."""
        self._reserved = self._agents.dedicate_any(self._call, self._skills, cause)
        return self._reserved

    def find(self) -> None:
        """Asks for a collector; COLLECTOR follows at once or when somebody is ready."""
        agent_id = self._agents.claim(self._call, self._skills)
        if agent_id is None:
            self._agents.wait(self._call, self._skills)
        else:
            self.came(agent_id)

    def came(self, agent_id: int) -> None:
        """The sessions reserved this collector for the call."""
        self._reserved, self._talking = agent_id, False
        self._tell(Signal(K.COLLECTOR, agent_id=agent_id))

    def holds(self, agent_id: int | None) -> bool:
        """Whether that collector is still reserved for, or talking on, this call."""
        session = None if agent_id is None else self._agents.find(agent_id)
        return session is not None and session.call is self._call

    def forget(self) -> None:
        """Nobody is asked for any more, and whoever was reserved meanwhile is free."""
        self._agents.forget(self._call)
        if self._reserved is not None and not self._talking:
            reserved, self._reserved = self._reserved, None
            self._agents.release(reserved, self._call, "the call came to nothing")

    def bridge(self, agent_id: int, audio: CallAudio) -> None:
        """Joins the two legs and tells the collector by a short tone.

        A collector who just left is COLLECTOR_LOST; so is one whose leg cannot be used, who is offline then.
        """
        try:
            leg = self._agents.connect(agent_id, self._call)
        except AgentStateError as error:
            self._tell(Signal(K.COLLECTOR_LOST, reason=str(error)))
            return
        self._reserved, self._talking, self._leg = agent_id, True, leg
        try:
            audio.bridge(leg)
            leg.play(CONNECT_TONE)
        except MediaError as error:
            logger.exception("no bridge to a collector", extra={"agent_id": agent_id})
            self._agents.lose(agent_id, f"the phone's leg cannot be used: {error}")

    def chime(self) -> None:
        """The short tone once more: the person hears the collector from here on."""
        if not self._talking or self._leg is None:
            return
        try:
            self._leg.play(CONNECT_TONE)
        except MediaError:  # the leg is gone, and the session hears of it by itself
            logger.exception("no tone to a collector", extra={"agent_id": self._reserved})

    def end_talk(self, agent_id: int, audio: CallAudio, cause: str) -> None:
        """Parts the legs; the collector's wrap-up begins."""
        self._talking = False
        self._agents.talk_ended(agent_id, self._call, cause, self._wrap_up_limit_s)
        try:
            audio.unbridge()
        except MediaError:  # the person's leg is closed next, which parts them, too
            logger.exception("legs not parted", extra={"agent_id": agent_id})

    def take_back(self, agent_id: int, audio: CallAudio, cause: str) -> None:
        """Parts the legs; the collector is ready again at once, for there was nobody to talk to."""
        self._talking, self._reserved = False, None
        try:
            audio.unbridge()
        except MediaError:  # what is still joined is parted by the next bridge of either leg
            logger.exception("legs not parted", extra={"agent_id": agent_id})
        self._agents.release(agent_id, self._call, cause)

    def close(self) -> None:
        """Whoever still talks, is reserved or asked for is free again."""
        self.forget()
        if self._reserved is not None:
            self._agents.talk_ended(self._reserved, self._call, "the talk ended", self._wrap_up_limit_s)
