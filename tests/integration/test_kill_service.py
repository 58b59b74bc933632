"""The service is killed 25 times while it dials; afterwards the carrier's own record, the database and what the case
system heard are put side by side.

One rehearsal, judged by several tests. Instants of different processes are compared only where they come from the same
clock; where a margin is needed it is a constant with its reason.
"""

from collections import Counter, defaultdict
from datetime import timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import uvloop

from dialer.model.attempt import REACHED_A_PERSON, TRUNK_FAULTS, Attempt, AttemptState
from dialer.model.outcome import EventType
from dialer.simulator import collectors
from dialer.simulator.voices import load_voices
from recording.spool import HEADER_BYTES
from tests.support.service_evidence import Evidence, wall
from tests.support.service_kills import rehearse

N_KILLS = 25
CAP = 6
"""Rule cn.unreached of the shipped pack."""
REST = timedelta(seconds=600)
"""Rule cn.after-unknown of the shipped pack."""
LOSABLE_S = 1.0
"""A kill may cost so much audio."""
ANSWER_LAG_S = 2.0
"""From the person's pick-up to the start of the recording, on a machine with other things to do: the 200 has to get
through two processes. The recording's own clock is not forgiven this."""
NORMAL_END_S = 0.5
"""How much shorter a recording may be than the call was for the service: the first packet and the BYE are under way."""
SHANGHAI = ZoneInfo("Asia/Shanghai")

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collectors, "TRIES_AFTER_S", 0.3)  # robots that come back soon leave more to be killed
        found = uvloop.run(rehearse(tmp_path_factory.mktemp("kills"), load_voices(), N_KILLS))
    dispositions = Counter(attempt.disposition.value for attempt in found.books.attempts if attempt.disposition)
    print(f"{len(found.calls)} INVITEs, {len(found.books.attempts)} attempts: {dict(dispositions)}")
    print(f"{len(found.unknown_ids)} left unknown, {len(found.books.recordings)} recordings, {found.repeats} repeats")
    return found


def test_the_rehearsal_was_worth_judging(evidence: Evidence) -> None:
    assert sum(run.killed for run in evidence.runs) == N_KILLS
    assert len(evidence.unknown_ids) >= N_KILLS  # on average, every kill hit a call
    assert sum(call.is_up(run.ended_at) for run in evidence.runs for call in evidence.calls) >= N_KILLS / 2
    attempts = evidence.books.attempts
    with_talks = {evidence.run_of(attempt).number for attempt in attempts if attempt.connected_at is not None}
    with_ends = {evidence.run_of(a).number for a in attempts if a.attempt_id not in evidence.unknown_ids}
    print(f"of {len(evidence.runs)} runs {len(with_talks)} had talks, {len(with_ends)} had ends in order")
    assert len(with_talks) >= N_KILLS / 5  # the robots came back to work
    assert len(with_ends) >= N_KILLS / 5
    assert evidence.refusals["cn.unreached"] > 0
    assert evidence.books.wrap_ups
    assert evidence.exit_code == 0
    assert "Traceback" not in evidence.log


# ---- (a) no cap broken, no INVITE without its reservation


def test_every_invite_has_its_durable_reservation(evidence: Evidence) -> None:
    for (number, run), (calls, attempts) in evidence.dialed().items():
        certain = [attempt for attempt in attempts if attempt.attempt_id not in evidence.unknown_ids]
        assert len(certain) <= len(calls) <= len(attempts), (number, run, calls, attempts)


def test_no_two_calls_to_a_number_at_a_time(evidence: Evidence) -> None:
    for (number, run), (calls, _) in evidence.dialed().items():
        for earlier, later in pairwise(calls):
            assert earlier.is_over(later.invited_at), (number, run)


def test_the_carrier_saw_no_number_unanswered_more_often_than_the_cap(evidence: Evidence) -> None:
    unanswered = Counter(c.number for c in evidence.calls if c.answered_at is None and c.refused_with != 503)
    assert max(unanswered.values()) <= CAP
    assert CAP in unanswered.values()  # and it was the cap that held them back


def test_no_attempt_was_reserved_beyond_the_cap(evidence: Evidence) -> None:
    unreached: Counter[tuple[str, object]] = Counter()
    for attempt in evidence.books.attempts:
        if attempt.state is AttemptState.RELEASED:
            continue
        key = evidence.books.number_of(attempt), attempt.reserved_at.astimezone(SHANGHAI).date()
        assert unreached[key] < CAP, attempt
        unreached[key] += _is_unreached(attempt)


def _is_unreached(attempt: Attempt) -> bool:
    at_trunk = attempt.disposition in TRUNK_FAULTS and attempt.ringing_at is None
    return not at_trunk and attempt.disposition not in REACHED_A_PERSON


# ---- (b) nobody is dialed again blindly


def test_no_invite_between_a_lost_end_and_its_reconciliation(evidence: Evidence) -> None:
    by_number = defaultdict(list)
    for call, attempt, _ in evidence.pairs():
        by_number[call.number].append((call, attempt))
    for lost in evidence.books.attempts:
        if lost.attempt_id not in evidence.unknown_ids:
            continue
        until = evidence.reconciled.get(lost.attempt_id, float("inf"))
        for call, attempt in by_number[evidence.books.number_of(lost)]:
            if attempt.attempt_id <= lost.attempt_id or call.invited_at >= until:
                continue
            # Another campaign has this number, too: it may, but only after the rest.
            assert attempt.campaign_id != lost.campaign_id, (lost, attempt)
            assert lost.ended_at is not None
            assert attempt.reserved_at >= lost.ended_at + REST, (lost, attempt)


def test_reconciled_entries_go_on(evidence: Evidence) -> None:
    assert set(evidence.reconciled) == evidence.unknown_ids
    books = evidence.books
    assert not [a for a in books.attempts if a.state is AttemptState.UNKNOWN]
    lost = {(a.campaign_id, a.contact_id): a.attempt_id for a in books.attempts if a.attempt_id in evidence.unknown_ids}
    again = [a for a in books.attempts if a.attempt_id > lost.get((a.campaign_id, a.contact_id), a.attempt_id)]
    assert again, "no entry was dialed again after the word"


# ---- (c) every recording but its last second


def test_a_kill_costs_at_most_the_last_second_of_a_recording(evidence: Evidence) -> None:
    losses = []
    for call, attempt, run in evidence.pairs():
        if not run.killed or not call.is_up(run.ended_at) or call.answered_at is None:
            continue
        talked_s = run.ended_at - call.answered_at
        recording = evidence.books.recording_of(attempt)
        if recording is None:
            assert talked_s <= LOSABLE_S + ANSWER_LAG_S, f"attempt {attempt.attempt_id}: {talked_s:.2f} s not recorded"
            continue
        lost_s = run.ended_wall - wall(recording.started_at) - recording.duration_s
        losses.append(lost_s)
        assert lost_s <= LOSABLE_S, f"attempt {attempt.attempt_id}: the last {lost_s:.2f} s are missing"
        assert talked_s - recording.duration_s <= LOSABLE_S + ANSWER_LAG_S, attempt
    print(f"{len(losses)} recordings cut by a kill, the most that was lost: {max(losses):.2f} s")
    assert losses


def test_calls_that_ended_in_order_are_recorded_to_the_end(evidence: Evidence) -> None:
    whole = 0
    for attempt in evidence.books.attempts:
        if attempt.answered_at is None or attempt.attempt_id in evidence.unknown_ids:
            continue
        recording = evidence.books.recording_of(attempt)
        assert recording is not None, attempt
        assert attempt.ended_at is not None
        missing_s = (attempt.ended_at - attempt.answered_at).total_seconds() - recording.duration_s
        allowed_s = LOSABLE_S if recording.truncated else NORMAL_END_S  # killed before the last words reached the file
        assert missing_s <= allowed_s, (missing_s, attempt, recording)
        whole += not recording.truncated
    assert whole


def test_every_recording_is_told_once(evidence: Evidence) -> None:
    told = Counter(data["recording_id"] for data in evidence.told(EventType.RECORDING_READY))
    assert told == Counter(list(evidence.books.recordings))


def test_a_spool_that_was_set_aside_held_no_audio(evidence: Evidence) -> None:
    assert {name: size for name, size in evidence.set_aside.items() if size > HEADER_BYTES} == {}


# ---- (d) every outcome told once


def test_every_attempt_is_told_once(evidence: Evidence) -> None:
    settled = Counter(data["attempt_id"] for data in evidence.told(EventType.ATTEMPT_SETTLED))
    unknown = Counter(data["attempt_id"] for data in evidence.told(EventType.ATTEMPT_UNKNOWN))
    assert set(settled.values()) | set(unknown.values()) == {1}
    made = {a.attempt_id for a in evidence.books.attempts if a.state is not AttemptState.RELEASED}
    assert set(settled) == made  # those once unknown, too: all were reconciled
    assert evidence.forged == 0


def test_nothing_is_lost_on_the_way(evidence: Evidence) -> None:
    assert {event["id"] for event in evidence.received} == {event.event_id for event in evidence.books.events}


def test_events_of_a_case_arrive_in_order(evidence: Evidence) -> None:
    seen: dict[str, list[int]] = defaultdict(list)
    for event in evidence.received:
        seen[event.get("subject", "")].append(int(event["sequence"]))
    for case, sequence in seen.items():
        assert not case or sequence == sorted(sequence), case


def test_every_wrap_up_is_told_once(evidence: Evidence) -> None:
    told = Counter(data["attempt_id"] for data in evidence.told(EventType.WRAP_UP))
    assert told == Counter(list(evidence.books.wrap_ups))
