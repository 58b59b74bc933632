"""A campaign's past as figures: what a scenario is fitted from and what a recorded day is replayed from.

No number, no name and no reference is in it: people, numbers, attempts and collectors bear running numbers of this
history alone. Instants are seconds after its first moment (`Outline.begins`), so that they may lie before it.

The structs are the lines of the JSON Lines form (`dialer.api.history_lines`).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from dialer.model.agent import AgentState
from dialer.model.attempt import CallPath, Disposition, HangupSide
from dialer.model.campaign import CampaignSettings, DispositionForm
from dialer.model.collecting import CollectingSettings

FORMAT = 1
LONGEST = timedelta(days=92)
"""Of a history."""
FARTHEST_S = 1e7
"""From its first moment, either way: some months, and more than the longest history with its last call."""
Seconds = Annotated[float, msgspec.Meta(ge=-FARTHEST_S, le=FARTHEST_S)]
"""After the first moment of a history; what lies farther from it is told as if it were that far."""
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
BUDGET_S = 86_400.0
"""How long an answered call counts in a campaign's own abandonment budget."""


class Outline(msgspec.Struct, frozen=True, tag="history", kw_only=True):
    """What a history is of: [`begins`, `ends`), aware UTC, and the figures that no single attempt holds.

    `zone` is the house's (IANA). `settings` are the campaign's without the names of parties, prompts and caller IDs.
    `channels` and `cps` are those of the trunk group, `tick_s` how often the pace is decided. Of the list now:
    `waiting` contacts with `numbers` each on average, and `tried`, how many of them were called how often on the last
    day of the history. `earlier_live_s` and `earlier_abandoned_s`: who was reached within `BUDGET_S` before it began,
    and who of them was abandoned.
    """

    format: int = FORMAT
    campaign: str
    begins: datetime
    ends: datetime
    zone: str
    settings: CampaignSettings
    tick_s: Annotated[float, msgspec.Meta(ge=0.05, le=60)]
    channels: Count
    cps: Annotated[float, msgspec.Meta(ge=0, le=100_000)]
    packs: tuple[str, ...]
    waiting: Count = 0
    numbers: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 1.0
    tried: dict[Count, Count] = {}
    earlier_live_s: tuple[Seconds, ...] = ()
    earlier_abandoned_s: tuple[Seconds, ...] = ()

    @property
    def length_s(self) -> float:
        """From the first moment to the last."""
        return (self.ends - self.begins).total_seconds()


class RecordedAttempt(msgspec.Struct, frozen=True, tag="attempt", omit_defaults=True, kw_only=True):
    """One attempt; instants None where it did not come so far.

    `decided_s` is the verdict on what answered, `truth` what a listener heard where chance drew that verdict, `final`
    whether the collector's code settled the case, `conversation` False where it says that nobody was there to talk to.
    """

    attempt: int
    contact: int
    number: int
    placed_s: Seconds
    path: CallPath
    ringing_s: Seconds | None = None
    answered_s: Seconds | None = None
    greeting_end_s: Seconds | None = None
    decided_s: Seconds | None = None
    connected_s: Seconds | None = None
    ended_s: Seconds | None = None
    disposition: Disposition | None = None
    hung_up_by: HangupSide | None = None
    verdict: str = ""
    truth: str = ""
    agent: int | None = None
    final: bool | None = None
    conversation: bool | None = None


class RecordedChange(msgspec.Struct, frozen=True, tag="change", omit_defaults=True, kw_only=True):
    """A collector's new state; `here` False while the collector works for another campaign."""

    agent: int
    at_s: Seconds
    state: AgentState
    here: bool = True


class End(msgspec.Struct, frozen=True, tag="end"):
    """The history was not cut off; so many lines of each kind came before."""

    attempts: Count
    changes: Count


@dataclass(frozen=True, slots=True)
class History:
    """All of it: attempts in the order they were placed, changes in the order they happened."""

    outline: Outline
    attempts: tuple[RecordedAttempt, ...]
    changes: tuple[RecordedChange, ...]


def for_pacing(settings: CampaignSettings) -> CampaignSettings:
    """The settings without what says who calls for whom, from which numbers and with which words."""
    return replace(
        settings,
        agency="",
        creditor="",
        product="",
        trunk_group="",
        caller_ids=(),
        skills=(),
        machine_prompt="",
        safe_harbour_prompt="",
        reminder_script="",
        notice_prompt="",
        priority=(),
        form=DispositionForm(codes=()),
        collecting=CollectingSettings(),
    )
