"""What a supervisor sees of a running campaign, and the word and sentence that answer "why is it not dialing?"."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dialer.model.campaign import CampaignMode, CampaignState
from dialer.model.entry import EntryCounts
from dialer.model.limiting import SENTENCES, Factor
from dialer.words.said import Said


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """A campaign now. `agents` and `calls` count by state and stage; `limiting` says what holds the pace, in words.

    `live` and `abandoned` are those of the abandonment period; `abandoned_share` is a fraction of `live`. All three
    hold the people who are thought to have been taken for machines and hung up on; those on record do not. The budget
    is the one of which least is left: a share of `live` over its period. Collectors and calls are those of the node
    that answers, `occupancy` its last hour's (None: nobody was at work); the list and the budget are the whole house's.
    """

    campaign_id: int
    name: str
    state: CampaignState
    state_reason: Said
    limiting: str
    entries: EntryCounts = field(default_factory=EntryCounts)
    agents: Mapping[str, int] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    live: int = 0
    abandoned: int = 0
    live_on_record: int = 0
    abandoned_on_record: int = 0
    factor: Factor = Factor.STATE
    mode: CampaignMode = CampaignMode.PROGRESSIVE
    budget_target: float = 0.0
    budget_period_s: float = 0.0
    occupancy: float | None = None
    limiting_zh: str = ""
    """`limiting` in Chinese; "" where it has no Chinese form."""

    @property
    def abandoned_share(self) -> float:
        """0 while nobody has answered."""
        return self.abandoned / self.live if self.live else 0.0

    @property
    def abandoned_share_on_record(self) -> float:
        """0 while nobody has answered."""
        return self.abandoned_on_record / self.live_on_record if self.live_on_record else 0.0

    @property
    def budget_left(self) -> float:
        """How many more people may be abandoned now; below 0 where too many were."""
        return self.budget_target * self.live - self.abandoned

    def live_data(self) -> dict[str, object]:
        """For the live board: JSON-able, no number and no name of a person."""
        entries = self.entries
        return {
            "campaign_id": self.campaign_id,
            "name": self.name,
            "state": self.state.value,
            "state_reason": self.state_reason,
            "mode": self.mode.value,
            "limiting": self.limiting,
            "limiting_zh": self.limiting_zh,
            "limiting_factor": self.factor.value,
            "limiting_words": dict(zip(("en", "zh"), SENTENCES[self.factor], strict=True)),
            "waiting": entries.waiting,
            "callable_now": entries.callable_now,
            "done": entries.done,
            "exhausted": entries.exhausted,
            "stopped": entries.stopped,
            "reconcile": entries.reconcile,
            "next_due_at": entries.next_due_at and entries.next_due_at.isoformat(),
            "agents": dict(self.agents),
            "calls": dict(self.calls),
            "live": self.live,
            "abandoned": self.abandoned,
            "abandoned_share": self.abandoned_share,
            "live_on_record": self.live_on_record,
            "abandoned_on_record": self.abandoned_on_record,
            "abandoned_share_on_record": self.abandoned_share_on_record,
            "budget_target": self.budget_target,
            "budget_period_s": self.budget_period_s,
            "budget_allowed": self.budget_target * self.live,
            "budget_left": self.budget_left,
            "occupancy": self.occupancy,
        }
