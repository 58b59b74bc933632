"""Puts a link's question to the gate again: its own facts, its own instant, its own packs. Pure.

The packs come by content, their hashes computed anew, so a pack that was altered since cannot give an old answer.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import msgspec

from dialer.compliance.answer import GUARDS, NUMBER_IN_FLIGHT, answer, guarded, is_dialed
from dialer.compliance.counters import Counter, counters
from dialer.compliance.facts import GateFacts
from dialer.compliance.packs import pack_from_content
from dialer.compliance.policy import Pack, Policy
from dialer.compliance.registry import Registry
from dialer.errors import ConfigError
from dialer.model.decision import Decision, RuleResult


@dataclass(frozen=True, slots=True)
class PolicySet:
    """Which packs bind together, by hash and in their order, and until when those bind that a change has replaced."""

    packs: tuple[str, ...]
    retiring: tuple[tuple[str, datetime], ...] = ()

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """What a policy is made of."""
        retiring = tuple((pack.sha256, until) for pack, until in policy.retiring)
        return cls(tuple(pack.sha256 for pack in policy.packs), retiring)

    @classmethod
    def parse(cls, text: str) -> Self:
        """From what `str` gives (ValueError)."""
        parts = [part.partition("@") for part in text.split(",") if part]
        retiring = tuple((sha256, datetime.fromisoformat(until)) for sha256, at, until in parts if at)
        return cls(tuple(sha256 for sha256, at, _ in parts if not at), retiring)

    def __str__(self) -> str:
        """Hashes with commas; a retiring one with `@` and its last instant."""
        return ",".join([*self.packs, *(f"{sha256}@{until.isoformat()}" for sha256, until in self.retiring)])

    @property
    def hashes(self) -> tuple[str, ...]:
        """Each once."""
        return tuple(dict.fromkeys((*self.packs, *(sha256 for sha256, _ in self.retiring))))

    @property
    def pack_hash(self) -> str:
        """As `Policy.pack_hash`: by this name decisions know it."""
        if len(self.hashes) == 1:
            return self.hashes[0]
        return hashlib.sha256("\n".join(sorted(self.hashes)).encode()).hexdigest()


class _PackInForce(msgspec.Struct, frozen=True):
    sha256: str


class _Retiring(msgspec.Struct, frozen=True):
    sha256: str
    until: datetime


class _PolicyBody(msgspec.Struct, frozen=True):
    packs: tuple[_PackInForce, ...]
    retiring: tuple[_Retiring, ...] = ()


_policy_decoder = msgspec.json.Decoder(_PolicyBody)


def read_policy(body: bytes) -> PolicySet:
    """Which packs a link says are in force from then on (ValueError: it does not)."""
    try:
        said = _policy_decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"its packs cannot be read: {error}") from error
    retiring = tuple((pack.sha256, pack.until) for pack in said.retiring)
    return PolicySet(tuple(pack.sha256 for pack in said.packs), retiring)


class _RegistryBody(msgspec.Struct, frozen=True):
    registry: Registry


_registry_decoder = msgspec.json.Decoder(_RegistryBody)


def read_registry(body: bytes) -> Registry:
    """The registers a link says count from then on (ValueError: it does not)."""
    try:
        return _registry_decoder.decode(body).registry
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"its registers cannot be read: {error}") from error


class Question(msgspec.Struct, frozen=True):
    """What a link holds of a decision: the instant, the facts, the answer, the packs used, what it took."""

    at: datetime
    facts: GateFacts
    decision: Decision
    packs: tuple[str, ...] = ()
    counters: tuple[Counter, ...] | None = None


_question_decoder = msgspec.json.Decoder(Question)


def read_question(body: bytes) -> Question:
    """The decision in the body of an allowed or refused link (ValueError: there is none)."""
    try:
        return _question_decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"its decision cannot be read: {error}") from error


class Replay:
    """Evaluates links again, with the packs and the sets of packs it was given."""

    def __init__(self) -> None:
        self._packs: dict[str, Pack] = {}
        self._sets: dict[str, dict[PolicySet, None]] = {}
        self._policies: dict[PolicySet, Policy] = {}

    def add_pack(self, sha256: str, content: str) -> None:
        """A pack's content; ValueError when it does not give the hash, or is no pack."""
        try:
            self._packs[sha256] = pack_from_content(content, sha256)
        except ConfigError as error:
            raise ValueError(str(error)) from error

    def add_set(self, packs: PolicySet) -> None:
        """Packs that were in force together; then also without those that retired beside them. One alone needs none."""
        for known in (packs, PolicySet(packs.packs)):
            self._sets.setdefault(known.pack_hash, {})[known] = None

    def learn(self, body: bytes) -> tuple[str, ...]:
        """Takes over what a link says of the packs in force from then on; what is wrong with it, in words."""
        try:
            self.add_set(read_policy(body))
        except ValueError as error:
            return (str(error),)
        return ()

    def check(self, body: bytes) -> tuple[str, ...]:
        """Everything in which the gate's answer to the link's question differs from the one on record, in words.

        Several sets of packs may share a hash, by when the retiring ones ended; one that gives the answer is enough.
        """
        try:
            question = read_question(body)
        except ValueError as error:
            return (str(error),)
        found: tuple[str, ...] = ("it names other packs than it was decided by",)
        for packs in self._candidates(question):
            found = self._again(question, packs)
            if not found:
                break
        return found

    def _candidates(self, question: Question) -> Iterable[PolicySet]:
        """A link that names its packs needs no saying which were in force together, unless some were retiring."""
        pack_hash = question.decision.pack_hash
        named = PolicySet(question.packs or (pack_hash,))
        yield from self._sets.get(pack_hash, ())
        if named.pack_hash == pack_hash:
            yield named

    def _again(self, question: Question, packs: PolicySet) -> tuple[str, ...]:
        try:
            policy = self.policy(packs)
        except ValueError as error:
            return (str(error),)
        again = answer(policy, question.facts, question.at)
        found = differences(question.decision, again, question.facts)
        if question.counters in (None, counters(policy, question.facts, question.decision)):
            return found
        return (*found, "its counters before and after are not those of its own facts and rules")

    def policy(self, packs: PolicySet) -> Policy:
        """The policy of these packs, built once (ValueError: one of them was not given)."""
        known = self._policies.get(packs)
        if known is None:
            known = self._policies[packs] = self._build(packs)
        return known

    def _build(self, packs: PolicySet) -> Policy:
        missing = [sha256 for sha256 in packs.hashes if sha256 not in self._packs]
        if missing:
            raise ValueError(f"the rules it was decided by are not here: pack {missing[0]}")
        retiring = tuple((self._packs[sha256], until) for sha256, until in packs.retiring)
        return Policy(tuple(self._packs[sha256] for sha256 in packs.packs), retiring=retiring)


def differences(recorded: Decision, again: Decision, facts: GateFacts) -> tuple[str, ...]:
    """In what two answers to one question differ, in words; none: they are the same."""
    if recorded == again:
        return ()
    found: list[str] = []
    if recorded.rule in GUARDS:
        found += _guarded(recorded, again, facts)
    else:
        if recorded.allowed is not again.allowed:
            found.append(f"on record it is {_word(recorded)}, by its own facts and rules it is {_word(again)}")
        elif recorded.rule != again.rule:
            found.append(f"on record {recorded.rule} refuses, by its own facts and rules {again.rule or 'none'} does")
        found += _retry_difference(recorded, again)
    found += _rule_differences(recorded.evaluated, again.evaluated)
    if recorded.needs_agent is not again.needs_agent:
        found.append("whether a reserved collector would make it allowed differs")
    return tuple(found)


def _guarded(recorded: Decision, again: Decision, facts: GateFacts) -> list[str]:
    found = []
    if recorded.allowed or not again.allowed:
        found.append(f"on record {recorded.rule} refuses after all rules allowed, but they do not all allow")
    if recorded.rule == NUMBER_IN_FLIGHT and not is_dialed(facts):
        found.append("on record the number is being dialed, but no call to it is among the facts")
    return [*found, *_retry_difference(recorded, guarded(again, recorded.rule))]


def _retry_difference(recorded: Decision, again: Decision) -> list[str]:
    if recorded.retry_at == again.retry_at:
        return []
    return [f"on record it may be tried again {_when(recorded)}, by its own facts and rules {_when(again)}"]


def _rule_differences(recorded: tuple[RuleResult, ...], again: tuple[RuleResult, ...]) -> list[str]:
    before, after = _by_rule(recorded), _by_rule(again)
    found = [f"the rule {rule} is on record, but is not among its rules" for rule, _ in before.keys() - after.keys()]
    found += [f"the rule {rule} is not on record, but is among its rules" for rule, _ in after.keys() - before.keys()]
    for key in before.keys() & after.keys():
        fields = [name for name in RuleResult.__slots__ if getattr(before[key], name) != getattr(after[key], name)]
        if fields:
            found.append(f"the rule {key[0]} comes out otherwise: {', '.join(fields)}")
    return sorted(found)


def _by_rule(results: tuple[RuleResult, ...]) -> Mapping[tuple[str, str], RuleResult]:
    return {(result.rule, result.pack): result for result in results}


def _word(decision: Decision) -> str:
    return "allowed" if decision.allowed else f"refused by {decision.rule}"


def _when(decision: Decision) -> str:
    return "never" if decision.retry_at is None else f"at {decision.retry_at.isoformat()}"
