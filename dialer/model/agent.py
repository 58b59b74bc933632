"""Collectors as the system sees them: who, in which state, since when and why."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class AgentState(str, Enum):
    """A collector's state; every change is stored with its cause."""

    OFFLINE = "offline"
    READY = "ready"
    RESERVED = "reserved"
    PREVIEW = "preview"
    TALKING = "talking"
    HOLD = "hold"
    WRAPUP = "wrapup"
    BREAK = "break"
    TRAINING = "training"
    AUX = "aux"


class PhoneKind(str, Enum):
    """What a collector talks with."""

    SIP = "sip"
    BROWSER = "browser"


@dataclass(frozen=True, slots=True)
class Agent:
    """A collector's account as the dialer needs it; `sip_user` is the account of the phone, empty without one."""

    agent_id: int
    login: str
    name: str
    skills: frozenset[str] = frozenset()
    sip_user: str = ""


@dataclass(frozen=True, slots=True)
class AgentStateChange:
    """One change of state, as stored."""

    agent_id: int
    at: datetime
    old: AgentState
    new: AgentState
    cause: str
    campaign_id: int | None = None
    attempt_id: int | None = None
