"""Which trunk may take the next call: limits, priorities, health, number formats. No I/O.

A trunk has two separate limits, channels and new calls a second; both are taken together or not at all. It is left out
while it backs off (503, with the Retry-After it names), while it refuses our configuration (401/407 again, 488, 501),
and while it is down: after `DOWN_AFTER` OPTIONS or INVITEs without any answer, until `UP_AFTER` answers in a row.
"""

import logging
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

import phonenumbers

from dialer.clock import Clock
from dialer.config import TrunkConfig
from dialer.sip.events import RING_TIMEOUT_S, AnswerOffer, Destination, InviteRequest, Transport, is_address
from dialer.sip.uri import SipUri

logger = logging.getLogger(__name__)

DOWN_AFTER = 3
UP_AFTER = 2
BACK_OFF_S = 2.0
"""After a 503 without Retry-After; doubles with every further one."""
MAX_BACK_OFF_S = 300.0
"""Also the longest Retry-After that is believed."""
CONFIG_HOLD_S = 60.0
"""How long a trunk that refuses our configuration is left out."""
CHANNEL_WAIT_S = 0.5
"""When to ask again while every channel is busy."""
DOWN_WAIT_S = 5.0
CONFIG_STATUSES = frozenset({401, 407, 488, 501})


class CallRate:
    """Calls per second: at most `per_s` in *any* second, taken at once or one by one. Pure: `now` is monotonic seconds.

    A token bucket that holds a second's worth lets twice the rate through in the second after a pause; carriers count
    windows and answer the excess with 503. So the tokens are instants, each back one window after it was taken.
    """

    __slots__ = ("_taken", "_window_s")

    def __init__(self, per_s: float) -> None:
        n_tokens = max(1, int(per_s))
        self._window_s = n_tokens / per_s
        self._taken: deque[float] = deque([float("-inf")] * n_tokens, maxlen=n_tokens)

    def wait_s(self, now: float) -> float:
        """How long until a token is there; 0.0 when one is."""
        return max(0.0, self._taken[0] + self._window_s - now)

    def take(self, now: float) -> bool:
        """Takes a token if there is one."""
        if self.wait_s(now) > 0.0:
            return False
        self._taken.append(now)
        return True


class TrunkHealth:
    """Up or down, with hysteresis: one lost packet takes no trunk out, one lucky answer brings none back."""

    __slots__ = ("_against", "is_up")

    def __init__(self) -> None:
        self.is_up = True
        self._against = 0

    def observe(self, alive: bool) -> bool:
        """One sign of life or its absence; True when the state changed."""
        if alive == self.is_up:
            self._against = 0
            return False
        self._against += 1
        if self._against < (DOWN_AFTER if self.is_up else UP_AFTER):
            return False
        self.is_up = alive
        self._against = 0
        return True


@dataclass(slots=True)
class _Trunk:
    """One trunk's present state."""

    config: TrunkConfig
    rate: CallRate
    health: TrunkHealth = field(default_factory=TrunkHealth)
    destinations: tuple[Destination, ...] = ()
    in_use: int = 0
    held_until: float = float("-inf")
    n_congested: int = 0

    def obstacle(self, now: float) -> tuple[str, float] | None:
        """What keeps this trunk from taking a call, and when to ask again; None when nothing does."""
        if not self.destinations:
            return "address not resolved", DOWN_WAIT_S
        if not self.health.is_up:
            return "down", DOWN_WAIT_S
        if self.held_until > now:
            return "backing off", self.held_until - now
        if self.in_use >= self.config.channels:
            return f"all {self.config.channels} channels in use", CHANNEL_WAIT_S
        wait_s = self.rate.wait_s(now)
        if wait_s > 0.0:
            return f"{self.config.cps:g} calls per second spent", wait_s
        return None


@dataclass(frozen=True, slots=True)
class TrunkRefusal:
    """No trunk may take a call now; `reason` says for each trunk why, `retry_in_s` when it may be otherwise."""

    reason: str
    retry_in_s: float


@dataclass(frozen=True, slots=True)
class TrunkStatus:
    """A trunk as the supervisor sees it."""

    name: str
    group: str
    is_up: bool
    in_use: int
    channels: int
    cps: float
    obstacle: str


class TrunkLease:
    """One channel of one trunk, to be released when the call is over."""

    def __init__(self, owner: "Trunks", state: _Trunk) -> None:
        self.trunk = state.config
        self.destination = state.destinations[0]
        self._owner = owner
        self._state = state
        self._released = False

    def render(self, number: str) -> SipUri:
        """The Request-URI for an E.164 number, in this trunk's format."""
        port = None if self.trunk.port == 5060 else self.trunk.port
        transport = "" if self.trunk.transport == "udp" else self.trunk.transport
        user = self.trunk.prefix + render_number(self.trunk, number)
        return SipUri.build(user, self.trunk.host, port, transport=transport)

    def from_uri(self, caller_id: str) -> SipUri:
        """The From address for a caller ID."""
        user = render_number(self.trunk, caller_id) if caller_id.startswith("+") else caller_id
        return SipUri.build(user, self.trunk.from_domain or self.trunk.host)

    def invite_request(
        self,
        number: str,
        caller_id: str,
        sdp: str,
        *,
        ring_timeout_s: float = RING_TIMEOUT_S,
        headers: Mapping[str, str] | None = None,
        answer_offer: AnswerOffer | None = None,
    ) -> InviteRequest:
        """The INVITE of a call over this trunk, with the trunk's account and time limits."""
        return InviteRequest(
            target=self.render(number),
            destination=self.destination,
            from_uri=self.from_uri(caller_id),
            sdp=sdp,
            username=self.trunk.username,
            password=self.trunk.password,
            headers=headers or {},
            ring_timeout_s=ring_timeout_s,
            first_response_timeout_s=self.trunk.first_response_timeout_s,
            answer_offer=answer_offer,
        )

    def release(self) -> None:
        """Gives the channel back; a second time does nothing."""
        if not self._released:
            self._released = True
            self._state.in_use -= 1

    def report(self, status: int | None, retry_after_s: float | None = None) -> None:
        """How the INVITE ended: its final status, None when nothing at all came back. Teaches the trunk's state."""
        self._owner.report(self._state, status, retry_after_s)


class Trunks:
    """All trunks of the node.

    Args:
        chance: uniform in [0, 1), for the choice by weight.
    """

    def __init__(self, configs: Iterable[TrunkConfig], clock: Clock, chance: Callable[[], float]) -> None:
        self._trunks = {config.name: _Trunk(config, CallRate(config.cps)) for config in configs}
        self._clock = clock
        self._chance = chance
        self._addresses: frozenset[tuple[Transport, str, int]] = frozenset()
        self._tcp_hosts: frozenset[str] = frozenset()
        for name, trunk in self._trunks.items():
            if is_address(trunk.config.host):
                self.set_destinations(name, [trunk.config.host])

    def acquire(self, group: str, exclude: Collection[str] = ()) -> TrunkLease | TrunkRefusal:
        """One channel and one token of calls per second, of the best trunk that has both.

        Args:
            exclude: names of trunks already tried for this call.
        """
        now = self._clock.monotonic()
        members = [t for t in self._trunks.values() if t.config.group == group and t.config.name not in exclude]
        obstacles: list[tuple[str, float]] = []
        for trunk in self._ordered(members):
            obstacle = trunk.obstacle(now)
            if obstacle is None and trunk.rate.take(now):
                trunk.in_use += 1
                return TrunkLease(self, trunk)
            reason, wait_s = obstacle or ("busy", CHANNEL_WAIT_S)
            obstacles.append((f"{trunk.config.name}: {reason}", wait_s))
        if not obstacles:
            return TrunkRefusal(f"no trunk left in group {group!r}", DOWN_WAIT_S)
        return TrunkRefusal("; ".join(reason for reason, _ in obstacles), min(wait_s for _, wait_s in obstacles))

    def is_trunk(self, peer: Destination) -> bool:
        """Whether this is a trunk's address. Over TCP peers connect from any port."""
        if peer.transport is Transport.TCP:
            return peer.host in self._tcp_hosts
        return (peer.transport, peer.host, peer.port) in self._addresses

    def set_destinations(self, name: str, hosts: Collection[str]) -> None:
        """What the trunk's host name resolves to; the first address gets the calls."""
        trunk = self._trunks[name]
        transport = Transport(trunk.config.transport)
        trunk.destinations = tuple(Destination(transport, host, trunk.config.port) for host in hosts)
        known = [d for t in self._trunks.values() for d in t.destinations]
        self._addresses = frozenset((d.transport, d.host, d.port) for d in known)
        self._tcp_hosts = frozenset(d.host for d in known if d.transport is Transport.TCP)

    def destination(self, name: str) -> Destination | None:
        """Where a trunk's calls go; None while its host name is not resolved."""
        destinations = self._trunks[name].destinations
        return destinations[0] if destinations else None

    def observe_options(self, name: str, status: int | None) -> None:
        """The answer to an OPTIONS, None without one. Any answer but 503 is a sign of life."""
        trunk = self._trunks[name]
        self._observe(trunk, alive=status is not None and status != 503)

    def report(self, trunk: _Trunk, status: int | None, retry_after_s: float | None) -> None:
        """How an INVITE ended; `TrunkLease.report` is the way here."""
        now = self._clock.monotonic()
        self._observe(trunk, alive=status is not None)
        if status == 503:
            trunk.n_congested += 1
            wait_s = retry_after_s or BACK_OFF_S * 2.0 ** (trunk.n_congested - 1)
            self._hold(trunk, now + min(wait_s, MAX_BACK_OFF_S), "trunk_back_off")
        elif status in CONFIG_STATUSES:
            self._hold(trunk, now + CONFIG_HOLD_S, "trunk_config_refused")
        elif status is not None:
            trunk.n_congested = 0

    def status(self) -> tuple[TrunkStatus, ...]:
        """Every trunk, for those who watch."""
        now = self._clock.monotonic()
        return tuple(self._status_of(trunk, now) for trunk in self._trunks.values())

    @property
    def configs(self) -> tuple[TrunkConfig, ...]:
        """Every trunk's configuration."""
        return tuple(trunk.config for trunk in self._trunks.values())

    def _status_of(self, trunk: _Trunk, now: float) -> TrunkStatus:
        config = trunk.config
        obstacle = trunk.obstacle(now)
        reason = obstacle[0] if obstacle is not None else ""
        return TrunkStatus(
            config.name, config.group, trunk.health.is_up, trunk.in_use, config.channels, config.cps, reason
        )

    def _ordered(self, trunks: Iterable[_Trunk]) -> list[_Trunk]:
        """Lowest priority number first; among equals a weighted draw (the keys of Efraimidis and Spirakis, 2006)."""
        return sorted(trunks, key=lambda t: (t.config.priority, -(self._chance() ** (1.0 / t.config.weight))))

    def _observe(self, trunk: _Trunk, *, alive: bool) -> None:
        if trunk.health.observe(alive):
            level = logging.INFO if alive else logging.ERROR
            action = "trunk_up" if alive else "trunk_down"
            logger.log(level, "trunk changed", extra={"action": action, "trunk": trunk.config.name})

    def _hold(self, trunk: _Trunk, until: float, action: str) -> None:
        trunk.held_until = max(trunk.held_until, until)
        logger.warning("trunk held back", extra={"action": action, "trunk": trunk.config.name})


def render_number(trunk: TrunkConfig, number: str) -> str:
    """An E.164 number as the trunk wants to see it, without its prefix.

    National means as dialed inside the trunk's country: `13800001234`, `01012345678`; numbers of other countries get
    `00` and stay international, since a national number of another country would reach a stranger.
    """
    digits = number.removeprefix("+")
    match trunk.number_format:
        case "e164":
            return f"+{digits}"
        case "e164_no_plus":
            return digits
        case "national":
            return _national(digits, trunk.region)


def _national(digits: str, region: str) -> str:
    try:
        parsed = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return f"00{digits}"
    if phonenumbers.country_code_for_region(region) != parsed.country_code:
        return f"00{digits}"
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    return "".join(character for character in written if character.isdigit())
