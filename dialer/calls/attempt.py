"""One attempt as a state machine: a table of phases and signals, pure. Signals in, orders out; `dialer.calls.runner`
obeys.

What the table cannot say:

- A pair that is not in the table changes nothing: networks and people send things late, twice and at the wrong time.
- `Settle` is ordered exactly once, on the way into ENDED, from whatever phase.
- A dedicated attempt (preview, manual, promised callback) has its collector reserved before the INVITE leaves: there
  is no detection and no wait, the answer connects.
- In parallel mode the person goes to a collector at the probable end of the greeting, while listening goes on. One
  verdict follows: it ends the listening, and only a sure one takes the call back. Somebody who speaks on before a
  collector was found is in DETECTING again. A reminder has no collector to save time for: it waits for the verdict.
- What was heard before the answer may say that the call leads nowhere (DEAD_END). An announcement is no ringing phone,
  so such a call is cancelled at once; the least time a phone must ring protects people, and nobody hears this call.
- A trunk's fault before anything rang (no response at all is one) leads back to PLACING: the shell tries the next
  trunk under the same reservation. After the first ringing there is no second INVITE.
- The SIP layer cancels at the ring timeout by itself; the deadline here, a little later, is a backstop.
- The abandon clock starts at the measured end of the greeting, of a person and of whoever remains undecided alike (at
  the answer where nothing listens for a greeting). A person who hangs up while waiting counts as abandoned: the strict
  reading.
- STOP ends a call that was not answered; so does a dedicated collector who gives up or vanishes. After the answer it
  changes nothing; the person is already talking to somebody.
"""

import logging
from collections.abc import Callable, Mapping
from enum import Enum

from dialer.calls import signals as s
from dialer.calls.facts import AttemptFacts, AttemptPlan
from dialer.calls.signals import NO_CAUSE, ListenTarget, Order, PromptRole, Signal
from dialer.calls.signals import SignalKind as K
from dialer.model.attempt import AttemptState, Disposition, HangupSide
from dialer.model.campaign import AmdMode, MachineAction

logger = logging.getLogger(__name__)

RING_MARGIN_S = 2.0
"""How much later than the SIP layer's own ring timeout the backstop cancels."""
REQUEST_TERMINATED = 487
"""Ends an INVITE that the caller cancelled (RFC 3261 §21.4.25); the SIP layer cancels at the ring timeout by itself."""
CANCEL_LIMIT_S = 6.0
"""How long a final response to our CANCEL is awaited before the attempt is settled without it."""
DETECT_LIMIT_S = 10.0
"""No verdict by then: the person goes to a collector. A backstop; the detector gives up before, and says so."""
PULL_BACK_CONFIDENCE = 0.95
"""So sure must a verdict be to take a call back that was given to a collector already, or was about to be."""
PULL_BACK_LIMIT_S = 4.0
"""Only so long into the talk. Collectors need about that time to say who calls; what is heard later may be the
person's answer to them, and nothing is known of how those sound."""
BEEP_LIMIT_S = 45.0
"""A machine that has neither beeped nor fallen silent by then gets no message."""
PROMPT_LIMIT_S = 90.0
DIALOGUE_LIMIT_S = 300.0
HOLD_ON_LIMIT_S = 15.0
"""How long a person whose collector vanished is held for the next one."""
TALK_LIMIT_S = 4 * 3600.0
"""A forgotten line is hung up."""


class Phase(str, Enum):
    """Where an attempt stands, finer than the stored `AttemptState`."""

    PLACING = "placing"
    DIALING = "dialing"
    RINGING = "ringing"
    EARLY_MEDIA = "early_media"
    CANCELLING = "cancelling"
    DETECTING = "detecting"
    WAITING = "waiting"
    TALKING = "talking"
    HOLDING_ON = "holding_on"
    BEEP_WAIT = "beep_wait"
    MESSAGE = "message"
    APOLOGY = "apology"
    GOODBYE = "goodbye"
    DIALOGUE = "dialogue"
    ENDED = "ended"


P = Phase
Action = Callable[["AttemptMachine", Signal, float], list[Order]]


class AttemptMachine:
    """The phases of one attempt. `handle_input`, `next_deadline` and `handle_timeout` are its whole face."""

    def __init__(self, attempt_id: int, plan: AttemptPlan, now: float = 0.0) -> None:
        self.attempt_id = attempt_id
        self.plan = plan
        self.phase = P.PLACING
        self.phase_since = now
        self.facts = AttemptFacts()
        self.next_deadline: float | None = None
        self.listens = False
        """Whether a verdict on the greeting is still to come."""

    def handle_input(self, signal: Signal, now: float) -> list[Order]:
        """Applies one signal; what the table does not know changes nothing."""
        action = TABLE.get((self.phase, signal.kind))
        return action(self, signal, now) if action else []

    def handle_timeout(self, now: float) -> list[Order]:
        """Applies the deadline of the phase once it has passed."""
        if self.next_deadline is None or now < self.next_deadline:
            return []
        self.next_deadline = None
        return self.handle_input(Signal(K.TIMEOUT), now)

    def _set_phase(self, phase: Phase, now: float, limit_s: float | None) -> None:
        logger.debug("phase", extra={"attempt_id": self.attempt_id, "old": self.phase.value, "new": phase.value})
        self.phase, self.phase_since = phase, now
        self.next_deadline = None if limit_s is None else now + limit_s

    # ---- before the answer

    def invite_sent(self, _: Signal, now: float) -> list[Order]:
        self.facts.invites += 1
        self.facts.invited_at = now
        self._set_phase(P.DIALING, now, self._ring_time_left(now))
        return [s.Mark(AttemptState.INVITE_SENT)] if self.facts.invites == 1 else []

    def no_trunk(self, signal: Signal, now: float) -> list[Order]:
        return self._end(signal.disposition or Disposition.TRUNK_CONGESTION, HangupSide.NETWORK, now)

    def stopped_before_invite(self, signal: Signal, now: float) -> list[Order]:
        self.facts.stop_reason = signal.reason
        return self._end(Disposition.CANCELLED, HangupSide.US, now)

    def trunk_fault(self, signal: Signal, now: float) -> list[Order]:
        self.facts.cause = signal.cause
        self._set_phase(P.PLACING, now, None)
        return [s.NextTrunk(signal.reason)]

    def ringing(self, _: Signal, now: float) -> list[Order]:
        if self.facts.ringing_at is None:
            self.facts.ringing_at = now
        self._set_phase(P.RINGING, now, self._ring_time_left(now))
        return [s.Mark(AttemptState.ALERTING)]

    def early_media(self, _: Signal, now: float) -> list[Order]:
        if self.facts.ringing_at is None:
            self.facts.ringing_at = now
        self._set_phase(P.EARLY_MEDIA, now, self._ring_time_left(now))
        return [s.Mark(AttemptState.EARLY_MEDIA), s.Listen(ListenTarget.EARLY_MEDIA)]

    def _ring_time_left(self, now: float) -> float:
        invited_at = now if self.facts.invited_at is None else self.facts.invited_at
        return max(invited_at + self.plan.ring_timeout_s + RING_MARGIN_S - now, 0.0)

    def dead_end(self, signal: Signal, now: float) -> list[Order]:
        return self._cancel(signal.disposition or Disposition.NO_ANSWER, signal.reason, now)

    def failed(self, signal: Signal, now: float) -> list[Order]:
        self.facts.cause, self.facts.crossed = signal.cause, signal.crossed
        if signal.crossed:  # the SIP layer's ring timeout cancelled, the answer came too late to be one
            return self._end(Disposition.NO_ANSWER, HangupSide.US, now)
        side = HangupSide.US if signal.cause.sip_status == REQUEST_TERMINATED else HangupSide.NETWORK
        return self._end(signal.disposition or Disposition.NO_ANSWER, side, now)

    def ring_timeout(self, _: Signal, now: float) -> list[Order]:
        return self._cancel(Disposition.NO_ANSWER, "ring timeout", now)

    def stop(self, signal: Signal, now: float) -> list[Order]:
        self.facts.stop_reason = signal.reason
        return self._cancel(Disposition.CANCELLED, signal.reason, now)

    def _cancel(self, disposition: Disposition, reason: str, now: float) -> list[Order]:
        self.facts.disposition = disposition
        self._set_phase(P.CANCELLING, now, CANCEL_LIMIT_S)
        return [s.Cancel(reason)]

    def cancelled(self, signal: Signal, now: float) -> list[Order]:
        """The final response to our CANCEL, or its absence: the end was decided when we cancelled."""
        self.facts.cause = signal.cause
        self.facts.crossed = signal.crossed
        return self._end(self.facts.disposition or Disposition.NO_ANSWER, HangupSide.US, now)

    # ---- after the answer, before a collector

    def answered(self, _: Signal, now: float) -> list[Order]:
        self.facts.answered_at = now
        self.facts.cause = NO_CAUSE  # an earlier trunk's refusal is not this call's
        orders: list[Order] = [s.Mark(AttemptState.ANSWERED)]
        if self.plan.amd is not AmdMode.OFF and self.plan.dedicated_agent is None:
            self.listens = True
            self._set_phase(P.DETECTING, now, DETECT_LIMIT_S)
            return [*orders, s.Listen(ListenTarget.GREETING)]
        orders.append(s.StopListening())
        if self.plan.dedicated_agent is not None:
            return orders + self._connect(self.plan.dedicated_agent, now)
        return orders + self._person(now, now)

    def greeting_over(self, signal: Signal, now: float) -> list[Order]:
        """Probably: kept for whoever stays undecided, and the moment to ask for a collector in parallel mode."""
        self.facts.greeting_end_at = signal.greeting_end_at
        if not self.plan.connects_early:
            return []
        return self._person(signal.greeting_end_at or now, now)

    def greeting_resumed(self, _: Signal, now: float) -> list[Order]:
        self.facts.greeting_end_at = None
        return []

    def resumed_while_waiting(self, signal: Signal, now: float) -> list[Order]:
        """The greeting was not over: no clock runs, and nobody is asked for, until it is."""
        self.facts.waiting_since = None
        left_s = (self.facts.answered_at or now) + DETECT_LIMIT_S - now
        self._set_phase(P.DETECTING, now, max(left_s, 0.0))
        return [s.ForgetCollector(), *self.greeting_resumed(signal, now)]

    def human(self, signal: Signal, now: float) -> list[Order]:
        self._keep_verdict(signal)
        orders = [s.Mark(AttemptState.CLASSIFIED), *self._stop_listening()]
        return [*orders, *self._person(signal.greeting_end_at or now, now)]

    def no_verdict(self, _: Signal, now: float) -> list[Order]:
        heard_until = self.facts.greeting_end_at
        return self.human(Signal(K.UNSURE, reason="no verdict in time", greeting_end_at=heard_until), now)

    def _stop_listening(self) -> list[Order]:
        listened, self.listens = self.listens, False
        return [s.StopListening()] if listened else []

    def _person(self, greeting_end_at: float, now: float) -> list[Order]:
        self.facts.greeting_end_at = greeting_end_at
        if self.plan.reminder:
            self._set_phase(P.DIALOGUE, now, DIALOGUE_LIMIT_S)
            return [s.StartDialogue()]
        self.facts.waiting_since = greeting_end_at
        self._set_phase(P.WAITING, now, max(greeting_end_at + self.plan.abandon_wait_s - now, 0.0))
        return [s.FindCollector()]

    def machine(self, signal: Signal, now: float) -> list[Order]:
        self._keep_verdict(signal)
        if self.plan.machine_action is MachineAction.HANG_UP:
            return self._hang_up(Disposition.MACHINE, "machine", now)
        self.listens = False
        self._set_phase(P.BEEP_WAIT, now, BEEP_LIMIT_S)
        return [s.Mark(AttemptState.CLASSIFIED), s.Listen(ListenTarget.BEEP)]

    def beep(self, _: Signal, now: float) -> list[Order]:
        self._set_phase(P.MESSAGE, now, PROMPT_LIMIT_S)
        return [s.StopListening(), s.Play(PromptRole.MACHINE_MESSAGE)]

    def no_beep(self, _: Signal, now: float) -> list[Order]:
        return self._hang_up(Disposition.MACHINE, "no beep", now)

    def message_left(self, _: Signal, now: float) -> list[Order]:
        return self._hang_up(Disposition.MESSAGE_LEFT, "message left", now)

    def fax(self, signal: Signal, now: float) -> list[Order]:
        self._keep_verdict(signal)
        return self._hang_up(Disposition.FAX, "fax", now)

    def silence(self, signal: Signal, now: float) -> list[Order]:
        self._keep_verdict(signal)
        return self._hang_up(Disposition.SILENCE, "silence", now)

    def announced(self, signal: Signal, now: float) -> list[Order]:
        """The network answered by itself, with an announcement."""
        self._keep_verdict(signal)
        return self._hang_up(signal.disposition or Disposition.MACHINE, signal.reason, now)

    def _keep_verdict(self, signal: Signal) -> None:
        self.facts.verdict = signal.kind.value
        self.facts.verdict_confidence = signal.confidence
        if self.facts.connected_at is None:  # else the wait is over, and its beginning on record
            self.facts.greeting_end_at = signal.greeting_end_at if signal.kind in (K.HUMAN, K.UNSURE) else None

    # ---- the verdict comes after the question for a collector: parallel mode

    def verdict_while_waiting(self, signal: Signal, now: float) -> list[Order]:
        """A person, or nothing so sure that it would be more than a person's doubt."""
        if not self.listens:
            return []
        self._keep_verdict(signal)
        greeting_end_at = signal.greeting_end_at or now
        self.facts.greeting_end_at = self.facts.waiting_since = greeting_end_at
        self.next_deadline = max(greeting_end_at + self.plan.abandon_wait_s, now)
        return [s.Mark(AttemptState.CLASSIFIED), *self._stop_listening()]

    def no_person_waits(self, signal: Signal, now: float) -> list[Order]:
        if not self._is_sure(signal):
            return self.verdict_while_waiting(signal, now)
        return [s.ForgetCollector(), *_NO_PERSON[signal.kind](self, signal, now)]

    def verdict_in_talk(self, signal: Signal, _: float) -> list[Order]:
        if self.listens:
            self._keep_verdict(signal)
        return self._stop_listening()

    def no_person_talks(self, signal: Signal, now: float) -> list[Order]:
        agent_id, too_late = self.facts.agent_id, now - (self.facts.connected_at or now) > PULL_BACK_LIMIT_S
        if agent_id is None or too_late or not self._is_sure(signal):
            return self.verdict_in_talk(signal, now)
        return [s.TakeBack(agent_id, signal.kind.value), *_NO_PERSON[signal.kind](self, signal, now)]

    def _is_sure(self, signal: Signal) -> bool:
        return self.listens and signal.confidence >= PULL_BACK_CONFIDENCE

    # ---- a collector, or none

    def collector(self, signal: Signal, now: float) -> list[Order]:
        return [] if signal.agent_id is None else self._connect(signal.agent_id, now)

    def _connect(self, agent_id: int, now: float) -> list[Order]:
        if self.facts.connected_at is None:
            self.facts.connected_at = now
        self.facts.agent_id = agent_id
        self._set_phase(P.TALKING, now, TALK_LIMIT_S)
        return [s.Bridge(agent_id), s.Mark(AttemptState.CONNECTED)]

    def abandon(self, _: Signal, now: float) -> list[Order]:
        self.facts.disposition = Disposition.ABANDONED
        self._set_phase(P.APOLOGY, now, PROMPT_LIMIT_S)
        return [s.ForgetCollector(), *self._stop_listening(), s.Play(PromptRole.SAFE_HARBOUR)]

    def abandoned(self, _: Signal, now: float) -> list[Order]:
        return self._hang_up(Disposition.ABANDONED, "no collector", now)

    def collector_hung_up(self, _: Signal, now: float) -> list[Order]:
        return [*self._end_talk(), s.HangUp("collector hung up"), *self._talked(HangupSide.COLLECTOR, now)]

    def talk_limit(self, _: Signal, now: float) -> list[Order]:
        return [*self._end_talk(), s.HangUp("talk limit"), *self._talked(HangupSide.US, now)]

    def person_ended_talk(self, _: Signal, now: float) -> list[Order]:
        return [*self._end_talk(), *self._talked(HangupSide.PERSON, now)]

    def media_lost_in_talk(self, _: Signal, now: float) -> list[Order]:
        return [*self._end_talk(), s.HangUp("no audio"), *self._talked(HangupSide.NETWORK, now)]

    def collector_lost(self, _: Signal, now: float) -> list[Order]:
        self._set_phase(P.HOLDING_ON, now, HOLD_ON_LIMIT_S)
        return [*self._stop_listening(), s.Play(PromptRole.HOLD_ON), s.FindCollector()]

    def nobody_took_over(self, _: Signal, now: float) -> list[Order]:
        self._set_phase(P.GOODBYE, now, PROMPT_LIMIT_S)
        return [s.ForgetCollector(), s.Play(PromptRole.GOODBYE)]

    def goodbye_said(self, _: Signal, now: float) -> list[Order]:
        return [s.HangUp("collector lost"), *self._talked(HangupSide.US, now)]

    def person_left_hold(self, _: Signal, now: float) -> list[Order]:
        return [s.ForgetCollector(), *self._talked(HangupSide.PERSON, now)]

    def _end_talk(self) -> list[Order]:
        return [] if self.facts.agent_id is None else [s.EndTalk(self.facts.agent_id)]

    def _talked(self, side: HangupSide, now: float) -> list[Order]:
        return self._end(Disposition.CONNECTED, side, now)

    # ---- the person hangs up elsewhere

    def left_during_greeting(self, _: Signal, now: float) -> list[Order]:
        return self._end(Disposition.SHORT_ANSWER, HangupSide.PERSON, now)

    def left_while_waiting(self, _: Signal, now: float) -> list[Order]:
        return [s.ForgetCollector(), *self._end(Disposition.ABANDONED, HangupSide.PERSON, now)]

    def left_apology(self, _: Signal, now: float) -> list[Order]:
        return self._end(Disposition.ABANDONED, HangupSide.PERSON, now)

    def left_goodbye(self, _: Signal, now: float) -> list[Order]:
        return self._talked(HangupSide.PERSON, now)

    def machine_left(self, _: Signal, now: float) -> list[Order]:
        return self._end(Disposition.MACHINE, HangupSide.PERSON, now)

    def left_dialogue(self, _: Signal, now: float) -> list[Order]:
        return [s.ForgetCollector(), *self._end(Disposition.REMINDED, HangupSide.PERSON, now)]

    def dialogue_ended(self, _: Signal, now: float) -> list[Order]:
        return [s.ForgetCollector(), *self._hang_up(Disposition.REMINDED, "reminder ended", now)]

    def media_lost(self, _: Signal, now: float) -> list[Order]:
        """The answered leg went dead before a collector was there."""
        disposition = self.facts.disposition or Disposition.SILENCE
        return [s.ForgetCollector(), *self._hang_up(disposition, "no audio", now, HangupSide.NETWORK)]

    # ---- the end

    def abort(self, signal: Signal, now: float) -> list[Order]:
        """The service stops, or this attempt failed inside: end whatever there is, now."""
        self.facts.stop_reason = signal.reason
        phase, answered = self.phase, self.facts.answered_at is not None
        orders: list[Order] = [s.ForgetCollector()] if answered else []
        if phase is P.TALKING:
            orders += self._end_talk()
        if phase is not P.PLACING:
            orders.append(s.HangUp(signal.reason) if answered else s.Cancel(signal.reason))
        return orders + self._end(_WHEN_ABORTED.get(phase, Disposition.CANCELLED), HangupSide.US, now)

    def _hang_up(
        self, disposition: Disposition, reason: str, now: float, side: HangupSide = HangupSide.US
    ) -> list[Order]:
        return [s.StopListening(), s.HangUp(reason), *self._end(disposition, side, now)]

    def _end(self, disposition: Disposition, side: HangupSide, now: float) -> list[Order]:
        self.facts.disposition, self.facts.hangup_side, self.facts.ended_at = disposition, side, now
        self._set_phase(P.ENDED, now, None)
        return [s.Settle(disposition, side)]


M = AttemptMachine
_NO_PERSON: Mapping[K, Action] = {K.MACHINE: M.machine, K.FAX: M.fax, K.DEAD_END: M.announced}
"""What becomes of a call without a person, in parallel mode as before the connection."""
_WHEN_ABORTED: Mapping[Phase, Disposition] = {
    P.DETECTING: Disposition.ABANDONED,  # perhaps a person: the strict reading
    P.WAITING: Disposition.ABANDONED,
    P.APOLOGY: Disposition.ABANDONED,
    P.TALKING: Disposition.CONNECTED,
    P.HOLDING_ON: Disposition.CONNECTED,
    P.GOODBYE: Disposition.CONNECTED,
    P.BEEP_WAIT: Disposition.MACHINE,
    P.MESSAGE: Disposition.MACHINE,
    P.DIALOGUE: Disposition.REMINDED,
}
PERHAPS_A_PERSON = (K.HUMAN, K.UNSURE, K.SILENCE)
"""Verdicts on somebody who has greeted already; such a one who is silent now only waits."""
UNANSWERED = (P.DIALING, P.RINGING, P.EARLY_MEDIA)

TABLE: Mapping[tuple[Phase, K], Action] = {
    **{(phase, K.ABORT): M.abort for phase in Phase if phase is not P.ENDED},
    (P.PLACING, K.INVITE_SENT): M.invite_sent,
    (P.PLACING, K.NO_TRUNK): M.no_trunk,
    **{(P.PLACING, kind): M.stopped_before_invite for kind in (K.STOP, K.COLLECTOR_HUNG_UP, K.COLLECTOR_LOST)},
    (P.DIALING, K.TIMEOUT): M.ring_timeout,
    (P.DIALING, K.TRUNK_FAULT): M.trunk_fault,
    (P.DIALING, K.RINGING): M.ringing,
    (P.RINGING, K.TIMEOUT): M.ring_timeout,
    (P.RINGING, K.TRUNK_FAULT): M.failed,
    (P.EARLY_MEDIA, K.TIMEOUT): M.ring_timeout,
    (P.EARLY_MEDIA, K.TRUNK_FAULT): M.failed,
    (P.EARLY_MEDIA, K.DEAD_END): M.dead_end,
    (P.DIALING, K.EARLY_MEDIA): M.early_media,
    (P.RINGING, K.EARLY_MEDIA): M.early_media,
    **{(phase, K.FAILED): M.failed for phase in UNANSWERED},
    **{(phase, K.STOP): M.stop for phase in UNANSWERED},
    **{(phase, K.ANSWERED): M.answered for phase in UNANSWERED},
    **{(phase, kind): M.stop for phase in UNANSWERED for kind in (K.COLLECTOR_HUNG_UP, K.COLLECTOR_LOST)},
    (P.CANCELLING, K.FAILED): M.cancelled,
    (P.CANCELLING, K.TRUNK_FAULT): M.cancelled,
    (P.CANCELLING, K.PERSON_HUNG_UP): M.cancelled,
    (P.CANCELLING, K.MEDIA_LOST): M.cancelled,
    (P.CANCELLING, K.TIMEOUT): M.cancelled,
    (P.DETECTING, K.HUMAN): M.human,
    (P.DETECTING, K.UNSURE): M.human,
    (P.DETECTING, K.TIMEOUT): M.no_verdict,
    (P.DETECTING, K.MACHINE): M.machine,
    (P.DETECTING, K.FAX): M.fax,
    (P.DETECTING, K.SILENCE): M.silence,
    (P.DETECTING, K.DEAD_END): M.announced,
    (P.DETECTING, K.GREETING_OVER): M.greeting_over,
    (P.DETECTING, K.GREETING_RESUMED): M.greeting_resumed,
    (P.DETECTING, K.PERSON_HUNG_UP): M.left_during_greeting,
    (P.DETECTING, K.MEDIA_LOST): M.media_lost,
    (P.WAITING, K.COLLECTOR): M.collector,
    (P.WAITING, K.TIMEOUT): M.abandon,
    (P.WAITING, K.GREETING_RESUMED): M.resumed_while_waiting,
    **{(P.WAITING, kind): M.verdict_while_waiting for kind in PERHAPS_A_PERSON},
    **{(P.WAITING, kind): M.no_person_waits for kind in _NO_PERSON},
    (P.WAITING, K.PERSON_HUNG_UP): M.left_while_waiting,
    (P.WAITING, K.MEDIA_LOST): M.abandon,
    (P.APOLOGY, K.PROMPT_ENDED): M.abandoned,
    (P.APOLOGY, K.TIMEOUT): M.abandoned,
    (P.APOLOGY, K.MEDIA_LOST): M.abandoned,
    (P.APOLOGY, K.PERSON_HUNG_UP): M.left_apology,
    (P.TALKING, K.PERSON_HUNG_UP): M.person_ended_talk,
    (P.TALKING, K.MEDIA_LOST): M.media_lost_in_talk,
    (P.TALKING, K.COLLECTOR_HUNG_UP): M.collector_hung_up,
    (P.TALKING, K.COLLECTOR_LOST): M.collector_lost,
    (P.TALKING, K.TIMEOUT): M.talk_limit,
    **{(P.TALKING, kind): M.verdict_in_talk for kind in PERHAPS_A_PERSON},
    **{(P.TALKING, kind): M.no_person_talks for kind in _NO_PERSON},
    (P.HOLDING_ON, K.COLLECTOR): M.collector,
    (P.HOLDING_ON, K.TIMEOUT): M.nobody_took_over,
    (P.HOLDING_ON, K.PERSON_HUNG_UP): M.person_left_hold,
    (P.HOLDING_ON, K.MEDIA_LOST): M.nobody_took_over,
    (P.GOODBYE, K.PROMPT_ENDED): M.goodbye_said,
    (P.GOODBYE, K.TIMEOUT): M.goodbye_said,
    (P.GOODBYE, K.MEDIA_LOST): M.goodbye_said,
    (P.GOODBYE, K.PERSON_HUNG_UP): M.left_goodbye,
    (P.BEEP_WAIT, K.BEEP): M.beep,
    (P.BEEP_WAIT, K.SILENCE): M.beep,
    (P.BEEP_WAIT, K.TIMEOUT): M.no_beep,
    (P.BEEP_WAIT, K.MEDIA_LOST): M.no_beep,
    (P.BEEP_WAIT, K.PERSON_HUNG_UP): M.machine_left,
    (P.MESSAGE, K.PROMPT_ENDED): M.message_left,
    (P.MESSAGE, K.TIMEOUT): M.message_left,
    (P.MESSAGE, K.MEDIA_LOST): M.message_left,
    (P.MESSAGE, K.PERSON_HUNG_UP): M.machine_left,
    (P.DIALOGUE, K.COLLECTOR): M.collector,
    (P.DIALOGUE, K.DIALOGUE_ENDED): M.dialogue_ended,
    (P.DIALOGUE, K.TIMEOUT): M.dialogue_ended,
    (P.DIALOGUE, K.MEDIA_LOST): M.dialogue_ended,
    (P.DIALOGUE, K.PERSON_HUNG_UP): M.left_dialogue,
}
