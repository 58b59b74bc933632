"""One attempt's life, from the reservation to the settlement: the shell around `dialer.calls.attempt`.

One task runs one attempt and reads one mailbox; whatever happens (SIP, audio, verdicts, collectors, stops) is put
there by callbacks that return at once. Orders of the machine are carried out without waiting for anything, so that
from a verdict to the bridge there is a single turn of the loop. The database is touched twice: before the INVITE, and
at the end.

The end always comes: whatever goes wrong inside, the collector, the leg and the trunk are given back and the attempt is
settled, in the task's last steps, each with a limit.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count

from dialer.agents.audio_path import AudioPath
from dialer.calls import signals as s
from dialer.calls.attempt import AttemptMachine, Phase
from dialer.calls.call_audio import CallAudio
from dialer.calls.collector_link import CollectorLink
from dialer.calls.facts import AttemptFacts
from dialer.calls.listening import no_library
from dialer.calls.mailbox import Mailbox
from dialer.calls.notice import RecordingNotice
from dialer.calls.order import CallOrder
from dialer.calls.pace_story import Observe, PaceStory, call_view
from dialer.calls.placing import NotPlaced, Placed, lease_trunk, place
from dialer.calls.prompts import CallPrompts
from dialer.calls.recording_pause import RecordingPause
from dialer.calls.reminder import Ask
from dialer.calls.reminder_talk import ReminderTalk
from dialer.calls.services import CallServices
from dialer.calls.settling import corrected, hand_over, keep_objection, release, settle, settlement_of
from dialer.calls.signals import Order, Signal
from dialer.calls.signals import SignalKind as K
from dialer.calls.trunk_call import TrunkCall
from dialer.campaigns.pacing import CallOutcome, CallView
from dialer.errors import LocalProtocolError, TransportError
from dialer.model.attempt import AttemptState, Disposition
from dialer.progress.amd import AmdConfig

logger = logging.getLogger(__name__)

NO_INVITE_PAUSE = timedelta(seconds=10)
"""When a contact is tried again whose INVITE could not be sent."""

_unreserved_ids = count(-1, -1)
"""What pacing knows a call by until it has its attempt's id: negative, so that the two never meet."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key the called person pressed."""

    digit: str


@dataclass(frozen=True, slots=True)
class Woken:
    """Something changed when there is to be done what time brings."""


class AttemptRunner:
    """Runs one order. It is the `CallHandle` of its collector's session and the host of a reminder's dialogue."""

    def __init__(
        self,
        services: CallServices,
        order: CallOrder,
        prompts: CallPrompts,
        observe: Observe,
        on_objection: "Callable[[AttemptRunner], None]",
    ) -> None:
        """`on_objection` hears that the person asked not to be called; it returns at once."""
        self.order = order
        self.machine = AttemptMachine(0, order.plan(), services.clock.monotonic())
        self.placed: Placed | None = None
        self.needed_agent = False
        """The gate allowed the call only with a collector reserved for it."""
        self.audio: CallAudio | None = None
        self.talk: ReminderTalk | None = None
        self.pause = RecordingPause(services.clock, services.longest_pause_s)
        self._services = services
        self.prompts = prompts
        self._notice = RecordingNotice(prompts.notice, services.clock)
        self._story = PaceStory(observe)
        self._mailbox: Mailbox[Signal | Key | Woken] = Mailbox()
        settings = order.campaign.settings
        self._link = CollectorLink(services.agents, self, self._mailbox.put, settings.skills, settings.wrap_up_limit_s)
        self._trunk_call: TrunkCall | None = None
        self._tried: set[str] = set()
        self._marks: list[tuple[AttemptState, datetime]] = []
        self._stopping = False
        self._objected = False
        self._on_objection = on_objection
        self._ordered_as = next(_unreserved_ids)

    # ---- what others see and do

    @property
    def attempt_id(self) -> int:
        """0 until the attempt is reserved."""
        return self.machine.attempt_id

    @property
    def campaign_id(self) -> int:
        return self.order.campaign.campaign_id

    def view(self) -> CallView:
        """The call as pacing sees it."""
        return call_view(self.attempt_id or self._ordered_as, self.machine)

    def dedicate(self, agent_id: int, cause: str) -> None:
        """Reserves the collector this call is for, before `run`. Raises AgentStateError."""
        self._link.dedicate(agent_id, cause)

    def stop(self, reason: str) -> None:
        """A payment, hold or do-not-call, or the pacing: ends the call unless it was answered."""
        self._mailbox.put(Signal(K.STOP, reason=reason))

    def collector_came(self, agent_id: int) -> None:
        self._link.came(agent_id)

    def collector_hung_up(self) -> None:
        self._mailbox.put(Signal(K.COLLECTOR_HUNG_UP, reason="the collector gave up"))

    def collector_lost(self, cause: str) -> None:
        self._mailbox.put(Signal(K.COLLECTOR_LOST, reason=cause))

    @property
    def is_recorded(self) -> bool:
        """Whether a recording is being made; a pause is a part of it."""
        return self.audio is not None and self.audio.is_recording

    def pause_recording(self) -> bool:
        """What is said from here on is not recorded, for a limited time; False: it is so already, or nothing is."""
        begun = self.audio is not None and self.audio.is_recording and self.pause.begin(self.audio)
        if begun:
            logger.info("recording is paused", extra=self._facts())
            self._mailbox.put(Woken())
        return begun

    def resume_recording(self, cause: str) -> bool:
        """Records again; False when it does so already."""
        ended = self.audio is not None and self.pause.end(self.audio)
        if ended:
            logger.info("recording goes on: %s", cause, extra=self._facts())
            self._show_anew()
        return ended

    # ---- the life

    async def run(self) -> NotPlaced | Disposition:
        """Reserves, dials, lives through the call and settles it. Raises nothing but CancelledError, after settling."""
        not_placed = NotPlaced("no INVITE left", self._services.clock.utcnow() + NO_INVITE_PAUSE)
        try:
            outcome = await self._place()
            if outcome is not None:
                not_placed = outcome
            else:
                await self._live()
        except asyncio.CancelledError:
            self._stopping = True
            self._abort("the service stops")
            raise
        except Exception:  # the edge of one attempt: no fault in here may end another call
            logger.exception("attempt failed", extra=self._facts())
            self._abort("internal error")
        finally:
            self._give_back()
            disposition = await self._settle()
        return disposition or not_placed

    async def _place(self) -> NotPlaced | None:
        settings = self.order.campaign.settings
        amd = AmdConfig(lost_person_cost_s=settings.lost_person_cost_s, patient=self.machine.plan.connects_early)
        library = self._services.announcements
        listening = self._services.new_listening(amd, no_library if library is None else library.matcher)
        self.audio = audio = CallAudio(
            self._services.media, self._mailbox.put, self._press, listening, self._recording_broke_off
        )
        self.order, outcome = await place(self._services, self.order, self._dedicate_any)
        if isinstance(outcome, NotPlaced):
            return outcome
        self.placed = outcome
        self.machine.attempt_id = outcome.attempt.attempt_id
        path = AudioPath(audio.leg, host=self._services.advertised_host, codecs=outcome.lease.trunk.codecs)
        self._trunk_call = TrunkCall(
            self._services.sip, path, self._mailbox.put, self._record, self._services.note_call
        )
        return None

    def _dedicate_any(self) -> int | None:
        """The gate allows no other call: one collector is this call's from now on, and the answer connects."""
        agent_id = self._link.dedicate_any("the abandonment budget is spent")
        if agent_id is not None:
            self.machine.plan = self.order.with_collector(agent_id).plan()
            self.needed_agent = True
        return agent_id

    async def _live(self) -> None:
        for early in self._mailbox.drain():  # a stop that came while the gate was asked
            self._take(early)
        if self.machine.phase is Phase.PLACING:
            self._send_invite()
        while self.machine.phase is not Phase.ENDED:
            await self._write_marks()
            await self._keep_objection()
            message = await self._mailbox.get(self._next_deadline())
            if message is not None:
                self._take(message)
            if self._mailbox.is_empty:  # a collector who came counts before a deadline that passed
                self._take_timeouts()

    def _next_deadline(self) -> float | None:
        talk_until = self.talk.next_deadline if self.talk else None
        deadlines = (self.machine.next_deadline, talk_until, self.pause.next_deadline)
        return min((at for at in deadlines if at is not None), default=None)

    def _take(self, message: Signal | Key | Woken) -> None:
        talk = self.talk if self.machine.phase is Phase.DIALOGUE else None
        if isinstance(message, Woken):
            return
        if isinstance(message, Key):
            if talk is not None:
                talk.key(message.digit, self._now())
        elif message.kind is K.PROMPT_ENDED and talk is not None:
            self._notice.prompt_ended()
            talk.prompt_ended(self._now())
        else:
            self._feed(message)

    def _take_timeouts(self) -> None:
        self._obey(self.machine.handle_timeout(self._now()))
        if self.pause.next_deadline is not None and self._now() >= self.pause.next_deadline:
            self.resume_recording("the pause was too long")
        if self.talk is not None and self.machine.phase is Phase.DIALOGUE:
            self.talk.handle_timeout(self._now())

    def _feed(self, signal: Signal) -> None:
        if signal.kind is K.COLLECTOR and not self._link.holds(signal.agent_id):
            if self.machine.phase in (Phase.WAITING, Phase.HOLDING_ON, Phase.DIALOGUE):
                self._link.find()  # that one vanished between the reservation and now
            return
        self._obey(self.machine.handle_input(signal, self._now()))

    def _abort(self, reason: str) -> None:
        try:
            self._feed(Signal(K.ABORT, reason=reason))
        except Exception:  # still the edge: what can be given back is given back next
            logger.exception("attempt could not be ended in order", extra=self._facts())

    def _give_back(self) -> None:
        """The collector, the call, the leg and the channel are free, each whatever becomes of the others.

        A recording is complete from here on.
        """
        lease = self.placed.lease if self.placed else None
        for part in (self._link.close, *(part.close for part in (self._trunk_call, self.audio) if part)):
            try:
                part()
            except Exception:  # still the edge: the other parts must be given back and the end be settled
                logger.exception("not given back in order", extra=self._facts())
        if lease is not None:
            lease.release()
        self._story.ended(self.attempt_id, self._corrected(), self._now())

    def _corrected(self) -> AttemptFacts:
        """What is known of the end, what was heard included."""
        facts = replace(self.machine.facts, notice_at=self._notice.heard_at)
        return facts if self.audio is None else corrected(facts, self.audio.listening)

    async def _settle(self) -> Disposition | None:
        """The end on record; None when nothing was dialed."""
        if self.placed is None or self.audio is None:
            return None
        facts = self.machine.facts
        if facts.invites == 0:
            await release(self._services, self.attempt_id, facts.stop_reason or "no INVITE left")
            return None
        recording_id = self.audio.recording_id
        settlement = settlement_of(self.placed, self._corrected(), recording_id, self._services.clock)
        wishes = self.talk.wishes if self.talk else frozenset()
        await settle(self._services, self.order, settlement, wishes, stopping=self._stopping)
        if recording_id:
            self._services.keep_recording(recording_id, self.placed.attempt)
        hand_over(self._services, self.placed.attempt, settlement, self.audio.listening)
        return settlement.disposition

    # ---- what comes in

    def _record(self) -> None:
        if self.audio is not None and self.placed is not None:
            self.audio.record(self.placed.recording_id)

    def _recording_broke_off(self) -> None:
        if self.audio is not None:
            self.pause.end(self.audio)
        self._show_anew()

    def _show_anew(self) -> None:
        if self._link.agent_id is not None:
            self._services.refresh_desk(self._link.agent_id)

    def _press(self, digit: str) -> None:
        self._mailbox.put(Key(digit))

    # ---- what goes out

    def _send_invite(self) -> None:
        """The INVITE under the present lease; where none left, the next trunk's. None once the gate's word is old."""
        placed, trunk_call = self.placed, self._trunk_call
        if placed is None or trunk_call is None:
            raise LocalProtocolError("no INVITE without a reservation")
        if not placed.may_dial(self._services.clock.utcnow()):
            self._feed(Signal(K.NO_TRUNK, reason="the gate's word is too old"))
            return
        self._tried.add(placed.lease.trunk.name)
        ring_timeout_s = self.order.campaign.settings.ring_timeout_s
        try:
            trunk_call.send_invite(placed.attempt, placed.lease, self.order.phone, ring_timeout_s)
        except TransportError as error:
            logger.warning("no INVITE left: %s", error, extra=self._facts())
            self._next_trunk(str(error))
            return
        if self.machine.facts.invites == 0:
            self._story.placed(self.attempt_id, self._now())
        self._feed(Signal(K.INVITE_SENT))

    def _next_trunk(self, reason: str) -> None:
        """The same reservation, another trunk of the group; the channel of the first is free at once."""
        if self.placed is None:
            raise LocalProtocolError("no next trunk without a first")
        self.placed.lease.release()
        lease = lease_trunk(self._services, self.order, self._tried)
        if lease is None:
            self._feed(Signal(K.NO_TRUNK, reason=reason))
            return
        self.placed = self.placed.over(lease)
        self._send_invite()

    def _obey(self, orders: list[Order]) -> None:
        for order in orders:
            self._carry_out(order)

    def _carry_out(self, order: Order) -> None:
        match order:
            case s.Mark(state=state):
                self._mark(state)
            case s.NextTrunk(reason=reason):
                self._next_trunk(reason)
            case s.Cancel() | s.HangUp():
                self._end_sip(order)
            case s.FindCollector():
                self.find_collector()
            case s.ForgetCollector():
                self.forget_collector()
            case s.Bridge() | s.EndTalk() | s.TakeBack():
                self._talk_order(order)
            case s.Listen() | s.StopListening() | s.Play() | s.StartDialogue():
                self._audio_order(order)
            case s.Settle():
                pass  # the phase is ENDED: the task's last steps settle

    def _end_sip(self, order: s.Cancel | s.HangUp) -> None:
        if self._trunk_call is None:
            return
        if isinstance(order, s.Cancel):
            self._trunk_call.cancel()
        else:
            self._trunk_call.hang_up(order.reason)

    def _talk_order(self, order: s.Bridge | s.EndTalk | s.TakeBack) -> None:
        if self.audio is None:
            return
        match order:
            case s.Bridge(agent_id=agent_id):
                self._link.bridge(agent_id, self.audio)
                self._notice.tell(self.audio, self._link.chime)
                self._story.connected(self.attempt_id, agent_id, self.machine.facts, self._now())
            case s.EndTalk(agent_id=agent_id):
                self.resume_recording("the talk ended")
                self._link.end_talk(agent_id, self.audio, "the talk ended")
                self._story.talk_ended(self.attempt_id, self._now())
            case s.TakeBack(agent_id=agent_id, what=what):
                self.resume_recording("the call was taken back")
                self._link.take_back(agent_id, self.audio, f"the call was taken back: {what}")
                self._story.talk_ended(self.attempt_id, self._now(), CallOutcome.NOT_LIVE)

    def _audio_order(self, order: s.Listen | s.StopListening | s.Play | s.StartDialogue) -> None:
        if self.audio is None:
            return
        match order:
            case s.Listen(target=target):
                self.audio.listen(target)
            case s.StopListening():
                self.audio.stop_listening()
            case s.Play(prompt=role):
                self.audio.play(self.prompts.roles[role])
            case s.StartDialogue():
                self.talk = ReminderTalk(self.prompts.dialogue, self)
                self.talk.begin(self._now())

    async def _write_marks(self) -> None:
        marks, self._marks = self._marks, []
        for state, at in marks:
            await self._services.storage.attempts.mark(self.attempt_id, state, at)

    async def _keep_objection(self) -> None:
        """It binds from the moment of the key, not from the end of the call; other calls to the person end, too."""
        if self.talk is None or self._objected or Ask.DO_NOT_CALL not in self.talk.wishes:
            return
        self._objected = True
        await keep_objection(self._services, self.order, self.attempt_id)
        self._on_objection(self)

    def _mark(self, state: AttemptState) -> None:
        logger.info("attempt %s", state.value, extra=self._facts())
        self._marks.append((state, self._services.clock.utcnow()))
        if state is AttemptState.ANSWERED:
            self._story.answered(self.attempt_id, self.machine.facts, self._now())

    # ---- the host of a dialogue

    def play(self, pcm: bytes) -> None:
        if self.audio is not None:
            self._notice.prompt_begins(pcm)
            self.audio.play(pcm)

    def find_collector(self) -> None:
        self._link.find()

    def forget_collector(self) -> None:
        self._link.forget()

    def dialogue_ended(self) -> None:
        self._mailbox.put(Signal(K.DIALOGUE_ENDED))

    def _now(self) -> float:
        return self._services.clock.monotonic()

    def _facts(self) -> dict[str, object]:
        trunk = self.placed.lease.trunk.name if self.placed else ""
        return {
            "action": "attempt",
            "campaign_id": self.campaign_id,
            "attempt_id": self.attempt_id,
            "phase": self.machine.phase.value,
            "trunk": trunk,
        }
