"""Which rules bind a recording: those of now, and those its node worked under on the day of the call."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from dialer.compliance.packs import pack_from_content
from dialer.compliance.policy import Pack, Policy
from dialer.model.policy_change import PolicyChange
from dialer.model.retention import Judged, Keepable
from dialer.storage import Storage
from recording.retention import Reason, Standing, Terms, binding, judge

EVER = datetime(1970, 1, 1, tzinfo=UTC)


class TermsBook:
    """The terms of now beside all that were in force before. Made for one look at recordings; holds no connection."""

    def __init__(
        self, policy: Policy, now: datetime, changes: Sequence[PolicyChange], packs: Mapping[str, Pack]
    ) -> None:
        self.now = now
        self.terms = policy.retention(now)
        self._of_node: dict[str, list[tuple[datetime, Policy]]] = {}
        self._of_all: list[tuple[datetime, Policy]] = []
        policies: dict[frozenset[str], Policy] = {}
        for change in sorted(changes, key=lambda each: each.at):
            if change.packs not in policies:
                policies[change.packs] = Policy(tuple(packs[sha256] for sha256 in sorted(change.packs)))
            known = change.at, policies[change.packs]
            self._of_node.setdefault(change.node, []).append(known)
            self._of_all.append(known)

    def of(self, recording: Keepable) -> tuple[Terms, ...]:
        """What binds a recording. Of a node without a word about then, what any node was under counts."""
        before = _latest(self._of_node.get(recording.node, []), recording.started_at)
        before = before or _latest(self._of_all, recording.started_at)
        return self.terms if before is None else binding(self.terms, before.retention(recording.started_at))

    def judge(self, recording_id: str, recording: Keepable | None, *, named: bool) -> Judged:
        """What may be done with a recording now; `named`: somebody asked for this one, by its id."""
        if recording is None:
            return Judged(recording_id, None, None, False, (Reason("unknown"),))
        if not recording.is_kept:
            return Judged(recording_id, recording, None, False, (Reason("already_gone"),))
        if recording.parent_id:
            made = Reason("derived", {"original": recording.parent_id})
            return Judged(recording_id, recording, None, False, (made,))
        verdict = judge(recording.ended_at, self.of(recording), recording.holds, self.now)
        in_house_period = verdict.standing is Standing.HOUSE_PERIOD
        reasons = verdict.reasons if named or not in_house_period else (*verdict.reasons, Reason("not_named"))
        return Judged(recording_id, recording, verdict, verdict.may_go or (named and in_house_period), reasons)


async def terms_book(storage: Storage, policy: Policy, now: datetime) -> TermsBook:
    """The book as of now. ConfigError: a pack of earlier cannot be read any more; StorageError."""
    changes = await storage.policies.changes(EVER)
    hashes = {sha256 for change in changes for sha256 in change.packs}
    contents = await storage.policies.contents(hashes)
    packs = {sha256: pack_from_content(contents.get(sha256, ""), sha256) for sha256 in hashes}
    return TermsBook(policy, now, changes, packs)


def _latest(known: Sequence[tuple[datetime, Policy]], at: datetime) -> Policy | None:
    place = bisect_right(known, at, key=lambda each: each[0])
    return known[place - 1][1] if place else None
