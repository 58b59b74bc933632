"""Checks chains of proofs, link by link as they come, whoever wrote them down. Pure; no more memory than faults need.

Theory: a link names its chain, its place and the hash of the one before, and its own hash covers all of that. Whoever
changes, removes, inserts or swaps links and recomputes every later hash still ends in another head; so a head that was
noted elsewhere closes a chain at its end, as the first link's fixed `previous` closes it at its beginning. Between
these two nothing can be altered unseen; without a noted head only what is inside the chain can be told.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import msgspec

from dialer.compliance.proof import GENESIS, VERSION

MAX_FAULTS = 1000
"""Faults kept with their words; beyond that they are only counted."""


class Trouble(str, Enum):
    """What can be wrong with a link or a chain."""

    UNREADABLE = "unreadable"
    CHANGED = "changed"
    BROKEN = "broken"
    MISSING = "missing"
    REORDERED = "reordered"
    INSERTED = "inserted"
    CUT_OFF = "cut_off"
    OTHER_HEAD = "other_head"
    OTHER_DECISION = "other_decision"
    OTHER_ATTEMPTS = "other_attempts"


@dataclass(frozen=True, slots=True)
class Head:
    """A chain's newest link at some time, as noted elsewhere or as the service says it; `hash` in hex."""

    chain: str
    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: where, and what, in words. An unreadable link has no chain and no sequence."""

    trouble: Trouble
    chain: str
    sequence: int | None
    words: str
    attempt_id: int | None = None


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What was seen of one chain; `head` is the hash of its last link, in hex.

    `starts_open`: it begins in the middle, and no noted head vouches for what the first link says of the one before.
    `ends_open`: the chain went on after `last`; what followed is not here.
    """

    chain: str
    links: int
    first: int
    last: int
    head: str
    starts_open: bool = False
    ends_open: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found. `n_faults` counts them all, `faults` holds the first of them."""

    chains: tuple[ChainReport, ...]
    faults: tuple[Fault, ...]
    n_faults: int
    links: int

    @property
    def well(self) -> bool:
        """Whether nothing is wrong with what is here."""
        return self.n_faults == 0

    @property
    def complete(self) -> bool:
        """Whether every chain is here from its beginning, or from a noted head, to its end."""
        return not any(chain.starts_open or chain.ends_open for chain in self.chains)


@dataclass(frozen=True, slots=True)
class Extent:
    """What a source left out on purpose: the oldest links, the newest ones, those up to `had` (chain and sequence)."""

    since: bool = False
    until: bool = False
    had: frozenset[tuple[str, int]] = frozenset()


WHOLE = Extent()


class LinkHeader(msgspec.Struct, frozen=True):
    """What a link says of its place; the rest of it is not read here."""

    v: int
    chain: str
    sequence: int
    previous: str
    kind: str
    attempt_id: int | None = None


_header_decoder = msgspec.json.Decoder(LinkHeader)


@dataclass(slots=True)
class _Chain:
    """One chain as far as it was read. `gaps` are sequence numbers not seen yet, first and last of each run."""

    first: int
    first_previous: str
    last: int
    computed: str = ""
    stated: str = ""
    links: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)
    noted: dict[int, str] = field(default_factory=dict)


class ChainCheck:
    """Takes links one after the other, chains mixed or not; within a chain they come in order."""

    def __init__(self, noted: Iterable[Head] = ()) -> None:
        self._noted = tuple(noted)
        self._places = {(head.chain, head.sequence) for head in self._noted}
        self._chains: dict[str, _Chain] = {}
        self._faults: list[Fault] = []
        self._n_faults = 0
        self._links = 0

    def add(self, stated: str, body: bytes) -> LinkHeader | None:
        """One link: the hash (hex) that stands beside it, and its body. None when it cannot be read."""
        self._links += 1
        computed = hashlib.sha256(body).hexdigest()
        header = _read(body)
        if header is None:
            self.fault(Trouble.UNREADABLE, None, f"link {self._links} of the input is not a proof of this program")
            return None
        if computed != stated:
            self.fault(Trouble.CHANGED, header, "its content does not give the hash beside it: one of them was changed")
        self._place(header, computed, stated)
        return header

    def fault(self, trouble: Trouble, header: LinkHeader | None, words: str) -> None:
        """One more fault; callers that look further into a link report theirs here, too."""
        chain, sequence = ("", None) if header is None else (header.chain, header.sequence)
        self._keep(Fault(trouble, chain, sequence, words, None if header is None else header.attempt_id))

    def fault_of_attempt(self, chain: str, attempt_id: int | None, words: str) -> None:
        """One more fault, which no link of the chain shows."""
        self._keep(Fault(Trouble.OTHER_ATTEMPTS, chain, None, words, attempt_id))

    def finish(self, heads: Sequence[Head] | None = None, extent: Extent = WHOLE) -> Report:
        """The report. `heads` are those the source says its chains have; None: it did not say, so any end is one."""
        for name, chain in self._chains.items():
            for first, last in chain.gaps:
                run = f"link {first} is" if first == last else f"links {first} to {last} are"
                self._keep(Fault(Trouble.MISSING, name, first, f"{run} missing"))
        known = {head.chain: head for head in heads or ()}
        if heads is not None:
            self._compare_heads(known, extent)
        for head in self._noted:
            self._compare_noted(head, known.get(head.chain))
        names = sorted(self._chains.keys() | known.keys())
        chains = tuple(self._chain_report(name, known.get(name), extent) for name in names)
        faults = tuple(sorted(self._faults, key=lambda fault: (fault.chain, fault.sequence or 0)))
        return Report(chains, faults, self._n_faults, self._links)

    def _place(self, header: LinkHeader, computed: str, stated: str) -> None:
        chain = self._chains.get(header.chain)
        if chain is None:
            chain = self._begin(header)
        elif header.sequence == chain.last + 1:
            self._check_previous(header, chain)
        elif header.sequence > chain.last:
            chain.gaps.append((chain.last + 1, header.sequence - 1))
        else:
            self._late(header, chain)
            chain.links += 1
            return
        chain.links += 1
        chain.last, chain.computed, chain.stated = header.sequence, computed, stated
        if (header.chain, header.sequence) in self._places:
            chain.noted[header.sequence] = computed

    def _begin(self, header: LinkHeader) -> _Chain:
        if header.sequence == 1 and header.previous != GENESIS.hex():
            self.fault(Trouble.BROKEN, header, "the first link of a chain names one before it")
        chain = self._chains[header.chain] = _Chain(header.sequence, header.previous, header.sequence)
        return chain

    def _check_previous(self, header: LinkHeader, chain: _Chain) -> None:
        """A changed link was told of already: the one after it, which still names its old hash, is not at fault."""
        if header.previous not in (chain.computed, chain.stated):
            words = "it does not name the link before it: that one was replaced, or this one was put there"
            self.fault(Trouble.BROKEN, header, words)

    def _late(self, header: LinkHeader, chain: _Chain) -> None:
        """A link with a number that was passed already: a swapped one, or one too many."""
        at = header.sequence
        gap = next((gap for gap in chain.gaps if gap[0] <= at <= gap[1]), None)
        if gap is None and at >= chain.first:
            self.fault(Trouble.INSERTED, header, "a second link with this number: one of them was put there")
            return
        self.fault(Trouble.REORDERED, header, f"it stands after link {chain.last}, where it does not belong")
        if gap is not None:
            chain.gaps.remove(gap)
            chain.gaps += [run for run in ((gap[0], at - 1), (at + 1, gap[1])) if run[0] <= run[1]]

    def _compare_heads(self, known: Mapping[str, Head], extent: Extent) -> None:
        for name in self._chains.keys() - known.keys():
            self._keep(Fault(Trouble.INSERTED, name, None, "the source knows of no such chain"))
        for name, head in known.items():
            chain = self._chains.get(name)
            last = 0 if chain is None else chain.last
            if chain is not None and last == head.sequence:
                self._compare(head, chain.computed, "the source")
            elif not _may_end_early(head, extent, is_absent=chain is None):
                words = f"it ends at link {last}, but the source says that its head is link {head.sequence}"
                self._keep(Fault(Trouble.CUT_OFF, name, last, words))

    def _compare_noted(self, noted: Head, source: Head | None) -> None:
        chain = self._chains.get(noted.chain)
        if chain is None:
            self._compare_absent(noted, source)
        elif noted.sequence in chain.noted:
            self._compare(noted, chain.noted[noted.sequence], "your note")
        elif noted.sequence == chain.first - 1:
            self._compare(noted, chain.first_previous, "your note")
        elif noted.sequence > chain.last:
            words = f"the head noted elsewhere is link {noted.sequence}, but it ends at link {chain.last}: cut off"
            self._keep(Fault(Trouble.CUT_OFF, noted.chain, chain.last, words))

    def _compare_absent(self, noted: Head, source: Head | None) -> None:
        """Of a chain without a link here only the source's word can be compared."""
        if source is None or source.sequence < noted.sequence:
            words = f"the head noted elsewhere is link {noted.sequence}, but there is no such link: cut off"
            self._keep(Fault(Trouble.CUT_OFF, noted.chain, noted.sequence, words))
        elif source.sequence == noted.sequence:
            self._compare(noted, source.hash, "your note")

    def _compare(self, head: Head, computed: str, who: str) -> None:
        if head.hash != computed:
            words = f"by {who} its hash is {head.hash}, but it is {computed}: the chain was rewritten"
            self._keep(Fault(Trouble.OTHER_HEAD, head.chain, head.sequence, words))

    def _chain_report(self, name: str, source: Head | None, extent: Extent) -> ChainReport:
        chain = self._chains.get(name)
        if chain is None:
            head = "" if source is None else source.hash
            had = source is not None and (name, source.sequence) in extent.had
            return ChainReport(name, 0, 0, 0, head, starts_open=not had)
        vouched = any(noted.chain == name and noted.sequence == chain.first - 1 for noted in self._noted)
        return ChainReport(
            name,
            chain.links,
            chain.first,
            chain.last,
            chain.computed,
            starts_open=chain.first > 1 and not vouched,
            ends_open=source is not None and source.sequence > chain.last,
        )

    def _keep(self, fault: Fault) -> None:
        self._n_faults += 1
        if len(self._faults) < MAX_FAULTS:
            self._faults.append(fault)


def verify_chain(links: Iterable[tuple[str, bytes]], noted: Iterable[Head] = ()) -> Report:
    """Checks links, each as its hash (hex) and its body, against each other and against heads noted elsewhere."""
    check = ChainCheck(noted)
    for stated, body in links:
        check.add(stated, body)
    return check.finish()


def _may_end_early(head: Head, extent: Extent, *, is_absent: bool) -> bool:
    had = (head.chain, head.sequence) in extent.had
    return extent.until or (is_absent and (extent.since or had))


def _read(body: bytes) -> LinkHeader | None:
    try:
        header = _header_decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return header if header.v == VERSION and header.sequence >= 1 else None
