"""The house's caller IDs: how often they are shown and answered, and whether they look blocked or labelled."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from pydantic import BaseModel

from dialer.api.routing import Call, Nothing, Routes
from dialer.model.caller_id_figures import (
    FALL,
    LEAST_DIALS,
    LEAST_REFUSED,
    MOST_REFUSED,
    CallerIdTally,
    Suspicion,
    suspicion_of,
)
from dialer.supervising.caller_id_book import CallerIdState
from dialer.words.bilingual import Bilingual

routes = Routes("caller_ids")

_WORDS: Mapping[Suspicion, Bilingual] = {
    Suspicion.ANSWERED_LESS: Bilingual(
        f"answered less than {FALL:.0%} as often as in the seven days before, too much for chance "
        f"(from {LEAST_DIALS} calls on); it may be labelled as a nuisance",
        f"接听率不足前七日的 {FALL:.0%}，超出偶然范围（至少 {LEAST_DIALS} 个呼叫），可能已被标记",
    ),
    Suspicion.REFUSED: Bilingual(
        f"at least {LEAST_REFUSED} calls and {MOST_REFUSED:.0%} of today's were refused as unwanted or blocked",
        f"今日至少 {LEAST_REFUSED} 个且 {MOST_REFUSED:.0%} 的呼叫被拒绝（骚扰或拦截）",
    ),
}


class CallerIdSpan(BaseModel):
    """Calls that showed the number: `short` of those answered lasted at most six seconds, `refused` were called
    unwanted or were blocked, `persons` saw it.
    """

    dials: int
    answered: int
    answer_rate: float | None
    short: int
    short_share: float | None
    refused: int
    persons: int

    @classmethod
    def of(cls, tally: CallerIdTally) -> Self:
        """As counted."""
        return cls.model_validate(tally, from_attributes=True)


class CallerIdOut(BaseModel):
    """One number, in full: it is the house's own. `purposes` empty: it is not registered, the rules refuse it.

    `used` of `cap` is the cap of which least is left; null: there is none. `complaints`: of people who saw it within
    the eight days. `suspicion`: why it looks blocked or labelled; null: it does not.
    """

    number: str
    purposes: tuple[str, ...]
    agency: str
    campaign_ids: tuple[int, ...]
    today: CallerIdSpan
    before: CallerIdSpan
    used: int | None
    cap: int | None
    complaints: int
    suspicion: Suspicion | None
    suspicion_words: Bilingual | None

    @classmethod
    def of(cls, state: CallerIdState) -> Self:
        """As it stands."""
        suspicion = suspicion_of(state.use)
        return cls(
            number=state.use.number,
            purposes=state.purposes,
            agency=state.agency,
            campaign_ids=state.campaign_ids,
            today=CallerIdSpan.of(state.use.today),
            before=CallerIdSpan.of(state.use.before),
            used=state.used,
            cap=state.cap,
            complaints=state.use.complaints,
            suspicion=suspicion,
            suspicion_words=None if suspicion is None else _WORDS[suspicion],
        )


class CallerIdList(BaseModel):
    """Every number that is registered or that a campaign names; `before` are the seven days before today."""

    read_at: datetime
    items: list[CallerIdOut]


@routes.add("GET", "/v1/caller-ids", "caller_ids.list")
async def list_caller_ids(call: Call[Nothing, Nothing, Nothing]) -> CallerIdList:
    """Shows how each caller ID fares, as of the last two minutes or a little longer in a large house."""
    states, read_at = await call.services.supervision.caller_ids.states()
    return CallerIdList(read_at=read_at, items=[CallerIdOut.of(state) for state in states])
