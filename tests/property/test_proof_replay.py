"""A decision of random packs, written down as a link and put to the gate again, comes out the same, counters too."""

import json
import random
from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.compliance.answer import answer
from dialer.compliance.counters import counters
from dialer.compliance.facts import BudgetUse, Consent, EarlierAttempt, GateFacts, OwnNumber, ShownNumber, Tally
from dialer.compliance.packs import parse_pack
from dialer.compliance.policy import Policy
from dialer.compliance.proof_replay import PolicySet, Replay
from dialer.model.attempt import CallPath, Disposition
from dialer.model.contact import CaseStatus, PhoneRole
from dialer.model.verdict_sample import Heard
from schedules.zones import candidates
from tests.support.gate_packs import random_pack

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
NUMBERS = ("+8613800001234", "+12125550123", "+442079460123", "+8699112345678")


def _policy(chance: random.Random) -> Policy:
    packs = [parse_pack(json.dumps(random_pack(chance, name)), f"{name}.yaml") for name in ("a", "b", "c")]
    policy = Policy(tuple(packs[: chance.randint(1, 2)]))
    if chance.random() < 0.5:
        return policy.with_retiring([(packs[2], AT + timedelta(hours=chance.randrange(24)))])
    return policy


def _attempt(chance: random.Random, at: datetime) -> EarlierAttempt:
    placed = at - timedelta(seconds=chance.randrange(10 * 86400))
    ended = chance.random() < 0.9
    answered = chance.random() < 0.5
    return EarlierAttempt(
        placed,
        chance.choice(list(Disposition)) if ended else None,
        placed + timedelta(seconds=chance.randrange(300)) if ended else None,
        alerted=answered or chance.random() < 0.5,
        answered=answered,
        right_party=chance.choice([None, True, False]),
        conversation=chance.choice([None, True, False]),
        role=chance.choice(list(PhoneRole)),
        same_phone=chance.random() < 0.7,
        same_person=chance.random() < 0.7,
        same_case=chance.random() < 0.7,
        same_campaign=chance.random() < 0.7,
    )


def _facts(chance: random.Random, policy: Policy, at: datetime) -> GateFacts:
    attempts = sorted((_attempt(chance, at) for _ in range(chance.randrange(8))), key=lambda attempt: attempt.placed_at)
    return GateFacts(
        zones=candidates(chance.choice(NUMBERS)),
        max_ring_s=chance.choice([0.0, 28.0, 45.5]),
        role=chance.choice(list(PhoneRole)),
        case_status=chance.choice([CaseStatus.OPEN] * 5 + [CaseStatus.PAID]),
        do_not_call=chance.random() < 0.1,
        attempts=tuple(attempts),
        path=chance.choice(list(CallPath)),
        dedicated_agent=chance.random() < 0.5,
        agency=chance.choice(["", "north"]),
        caller_id=ShownNumber("95599", ("collection",)),
        consents=(Consent("night", at - timedelta(days=1), at + timedelta(days=1)),) if chance.random() < 0.3 else (),
        own_numbers=(OwnNumber(chance.randrange(5), chance.randrange(3)),),
        tallies=tuple(
            Tally(demand.key, chance.randrange(demand.limit + 1), chance.choice([None, at - timedelta(hours=1)]))
            for demand in policy.demand.tallies
        ),
        budgets=tuple(
            BudgetUse(
                demand.key,
                100,
                chance.randrange(9),
                chance.randrange(9),
                at - timedelta(hours=2),
                at,
                Heard(60, chance.randrange(9), chance.randrange(9)) if demand.heard else None,
            )
            for demand in policy.demand.budgets
        ),
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_what_was_written_down_comes_out_the_same(seed: int) -> None:
    chance = random.Random(seed)
    policy = _policy(chance)
    at = AT + timedelta(seconds=chance.randrange(14 * 86400), microseconds=chance.randrange(10**6))
    facts = _facts(chance, policy, at)
    decision = answer(policy, facts, at)
    replay = Replay()
    for pack in policy.used_packs:
        replay.add_pack(pack.sha256, pack.content)
    replay.add_set(PolicySet.parse(str(PolicySet.of(policy))))
    said = {"at": at, "facts": facts, "decision": decision, "counters": counters(policy, facts, decision)}
    assert replay.check(msgspec.json.encode(said, order="deterministic")) == ()
