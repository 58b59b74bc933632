"""Checks chains of the ledger, entry by entry as they come, against signatures and noted heads. Pure, in flat memory.

Theory: an entry's hash covers its content and, by the hash before it, everything before. Whoever changes, removes, puts
in or swaps entries breaks the chain there; whoever makes all later hashes anew as well ends in another head than the
one that was signed; whoever signs that anew needs the node's key, or shows another; and whoever has the key as well
still contradicts every head that was noted or stamped elsewhere. So the check is as strong as what it is given: which
keys are trusted, and which heads are known from elsewhere.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from recording.faults import Fault, Faults, Trouble
from recording.heads import Head, SignedHead, Statement, read_statement
from recording.ledger import GENESIS, Entry, EntryKind, entry_hash
from recording.ledger_header import EntryHeader, key_of, read_header


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose signatures count: public keys by their ids, and the chains that must bear them; None: every chain.

    Another chain may be signed by a key that only itself names; that is reported, and is no fault.
    """

    keys: Mapping[str, Ed25519PublicKey]
    chains: frozenset[str] | None = None

    def binds(self, chain: str) -> bool:
        """Whether a chain must be signed by these keys."""
        return self.chains is None or chain in self.chains


@dataclass(frozen=True, slots=True)
class KeyReport:
    """One key that signed heads of a chain: from which entry to which, how many."""

    key_id: str
    trusted: bool
    first: int
    last: int
    heads: int


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What was seen of one chain; `head` is the hash of its last entry, in hex; `signed` the last signed place."""

    chain: str
    entries: int
    first: int
    last: int
    head: str
    signed: int
    keys: tuple[KeyReport, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found. `n_faults` counts them all, `faults` holds the first of them."""

    chains: tuple[ChainReport, ...]
    faults: tuple[Fault, ...]
    n_faults: int

    @property
    def well(self) -> bool:
        """Whether nothing is wrong."""
        return self.n_faults == 0

    @property
    def vouched(self) -> bool:
        """Whether every key that signed is one the check was told to trust."""
        return all(key.trusted for chain in self.chains for key in chain.keys)


@dataclass(slots=True)
class _Signer:
    first: int
    last: int
    heads: int = 1


@dataclass(slots=True)
class _Chain:
    """One chain as far as it was read. `stated` and `computed` are the last entry's hash as it stands there, and as
    its content gives it; None: not known, because entries are missing. `displaced`: hashes of entries that stand in a
    wrong place, by the place they name. `unsigned_at`: the time of the first entry after the last signed one.
    """

    name: str
    start: int
    before: bytes
    last: int
    stated: bytes | None
    computed: bytes | None
    entries: int = 0
    signed: int = 0
    unsigned_at: datetime | None = None
    key_id: str = ""
    named_keys: dict[str, Ed25519PublicKey] = field(default_factory=dict)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    displaced: dict[int, bytes] = field(default_factory=dict)
    signers: dict[str, _Signer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Claim:
    """What somebody says of the hash at one place."""

    hash: str
    who: str
    signed: SignedHead | None = None
    key_id: str = ""


class LedgerCheck:
    """Takes entries, a chain's in order; before an entry, the signed heads at its place."""

    def __init__(self, trust: Trust, noted: Iterable[Head] = (), anchors: Iterable[Head] = ()) -> None:
        """`noted`: heads known from elsewhere. `anchors`: entries, vouched for, after which chains are read."""
        self._trust = trust
        self._anchors = {head.chain: head for head in anchors}
        self._chains: dict[str, _Chain] = {}
        self._claims: dict[tuple[str, int], list[_Claim]] = {}
        self.faults = Faults()
        for head in noted:
            self._claim(head, _Claim(head.hash, "the note"))

    # ---- what is read

    def sign(self, signed: SignedHead) -> Statement | None:
        """A signed head, to be compared with the entry at its place. None: it is not one (told as a fault)."""
        try:
            statement = read_statement(signed.statement)
        except ValueError as error:
            self.faults.add(Trouble.BAD_SIGNATURE, "a signed head", str(error))
            return None
        who = f"the head signed at {statement.signed_at}"
        self._claim(statement.head, _Claim(statement.head.hash, who, signed, statement.key_id))
        return statement

    def add(self, entry: Entry) -> EntryHeader | None:
        """The next entry. None when its content cannot be read (told as a fault)."""
        header = read_header(entry.body)
        chain = self._chain(entry.chain)
        place = f"{entry.chain}:{entry.sequence}"
        misplaced = False
        if header is None:
            self.faults.add(Trouble.UNREADABLE, place, "its content is not an entry of this program")
        elif (header.chain, header.sequence) != (entry.chain, entry.sequence):
            misplaced = True
            chain.displaced[header.sequence] = entry.hash
            words = f"here stands what was made as entry {header.chain}:{header.sequence}"
            self.faults.add(Trouble.REORDERED, place, words)
        elif (header.kind, header.subject, header.at) != (entry.kind, entry.subject, entry.at):
            words = "kind, subject or time in its row are not those of its content"
            self.faults.add(Trouble.ALTERED, place, words)
        if header is not None and header.kind == EntryKind.SIGNING_KEY:
            self._take_key(chain, header)
        chain.unsigned_at = chain.unsigned_at or entry.at
        self._grow(chain, entry.sequence, hashlib.sha256(entry.body).digest(), entry.hash, misplaced=misplaced)
        return header

    def add_digest(self, chain: str, sequence: int, digest: bytes, stated: bytes) -> None:
        """The next entry, where only the digest of its content is shown."""
        self._grow(self._chain(chain), sequence, digest, stated)

    # ---- the end

    def finish(self, heads: Iterable[Head] | None = None, signed_until: datetime | None = None) -> Report:
        """The report. `heads`: where the source says its chains end; None: it does not say.

        `signed_until`: entries from before then should have been signed; None: whatever is signed is enough.
        """
        if heads is not None:
            self._compare_ends({head.chain: head for head in heads})
        for chain in self._chains.values():
            for first, last in chain.gaps:
                run = f"entry {first} is" if first == last else f"entries {first} to {last} are"
                self.faults.add(Trouble.MISSING, f"{chain.name}:{first}", f"{run} missing")
        for (name, sequence), claims in self._claims.items():
            self._unmet(name, sequence, claims)
        for chain in self._chains.values():
            self._judge_keys(chain)
            if signed_until is not None and chain.unsigned_at is not None and chain.unsigned_at < signed_until:
                words = (
                    f"entries {chain.signed + 1} to {chain.last} are not signed, the first is of {chain.unsigned_at}"
                )
                self.faults.add(Trouble.UNSIGNED, f"{chain.name}:{chain.signed + 1}", words)
        chains = tuple(self._report(chain) for _, chain in sorted(self._chains.items()))
        return Report(chains, tuple(self.faults.found), self.faults.n)

    # ---- inside

    def _chain(self, name: str) -> _Chain:
        chain = self._chains.get(name)
        if chain is None:
            anchor = self._anchors.get(name)
            start = 0 if anchor is None else anchor.sequence
            before = GENESIS if anchor is None else bytes.fromhex(anchor.hash)
            chain = self._chains[name] = _Chain(name, start + 1, before, start, before, before)
        return chain

    def _grow(self, chain: _Chain, sequence: int, digest: bytes, stated: bytes, *, misplaced: bool = False) -> None:
        chain.entries += 1
        if sequence <= chain.last:
            self._late(chain, sequence)
            return
        if sequence > chain.last + 1:
            chain.gaps.append((chain.last + 1, sequence - 1))
            chain.stated = chain.computed = None
        computed = self._follow(chain, sequence, digest, stated, misplaced=misplaced)
        chain.last, chain.stated, chain.computed = sequence, stated, computed
        if self._claims:
            claims = self._claims.pop((chain.name, sequence), ())
            for claim in claims:
                self._compare(chain, sequence, stated, claim)

    def _late(self, chain: _Chain, sequence: int) -> None:
        """An entry whose place was passed already: a swapped one, or one too many."""
        place = f"{chain.name}:{sequence}"
        gap = next((gap for gap in chain.gaps if gap[0] <= sequence <= gap[1]), None)
        if gap is None:
            self.faults.add(Trouble.INSERTED, place, "a second entry in this place")
            return
        self.faults.add(Trouble.REORDERED, place, f"it stands after entry {chain.last}, where it does not belong")
        chain.gaps.remove(gap)
        chain.gaps += [run for run in ((gap[0], sequence - 1), (sequence + 1, gap[1])) if run[0] <= run[1]]

    def _follow(self, chain: _Chain, sequence: int, digest: bytes, stated: bytes, *, misplaced: bool) -> bytes | None:
        """What the entry's hash should be; tells when it is another, unless what stands before it explains that."""
        if chain.stated is None or chain.computed is None:
            return stated
        computed = entry_hash(chain.stated, digest)
        if computed == stated or misplaced:
            return computed
        explained = (chain.computed, chain.displaced.get(sequence - 1, chain.computed))
        if any(entry_hash(previous, digest) == stated for previous in explained):
            return stated
        words = "its content, after the entry before it, does not give its hash: one of the two was changed"
        self.faults.add(Trouble.ALTERED, f"{chain.name}:{sequence}", words)
        return computed

    def _claim(self, head: Head, claim: _Claim) -> None:
        self._claims.setdefault((head.chain, head.sequence), []).append(claim)

    def _compare(self, chain: _Chain, sequence: int, stated: bytes, claim: _Claim) -> None:
        fits = claim.hash == stated.hex()
        if not fits:
            words = f"by {claim.who} the hash here is {claim.hash}, but it is {stated.hex()}"
            self.faults.add(Trouble.REWRITTEN, f"{chain.name}:{sequence}", words)
        if claim.signed is not None and self._is_signed(chain, sequence, claim.signed, claim.key_id) and fits:
            chain.signed, chain.unsigned_at = sequence, None

    def _is_signed(self, chain: _Chain, sequence: int, signed: SignedHead, key_id: str) -> bool:
        """Whether a key that this chain knows, or that is trusted, signed it; notes which keys sign."""
        place = f"{chain.name}:{sequence}"
        key = self._trust.keys.get(key_id) or chain.named_keys.get(key_id)
        if key is not None and not signed.is_by(key):
            words = f"the signature is not one of key {key_id} over this statement"
            self.faults.add(Trouble.BAD_SIGNATURE, place, words)
            return False
        signer = chain.signers.setdefault(key_id, _Signer(sequence, sequence, 0))
        signer.last, signer.heads = sequence, signer.heads + 1
        if chain.key_id != key_id and (chain.key_id or chain.start == 1):
            named = f"key {chain.key_id}" if chain.key_id else "no key"
            words = f"signed by key {key_id}, but the chain names {named} for this place"
            self.faults.add(Trouble.OTHER_KEY, place, words)
        return key is not None

    def _take_key(self, chain: _Chain, header: EntryHeader) -> None:
        """From this entry on the chain names another key."""
        key = key_of(header)
        if key is None:
            words = "the public key it names does not give the key's id"
            self.faults.add(Trouble.UNREADABLE, f"{header.chain}:{header.sequence}", words)
            return
        chain.key_id = header.key_id
        chain.named_keys[header.key_id] = key

    def _compare_ends(self, heads: Mapping[str, Head]) -> None:
        for name in self._chains.keys() - heads.keys():
            self.faults.add(Trouble.INSERTED, name, "the ledger's list of heads knows no such chain")
        for head in heads.values():
            chain = self._chain(head.chain)
            if chain.last < head.sequence:
                words = f"it ends at entry {chain.last}, but its head is entry {head.sequence}"
                self.faults.add(Trouble.CUT_OFF, head.chain, words)
            elif chain.last == head.sequence and (chain.stated or b"").hex() != head.hash:
                words = f"by the ledger's list of heads the hash here is {head.hash}"
                self.faults.add(Trouble.REWRITTEN, _place(head), words)

    def _unmet(self, name: str, sequence: int, claims: Iterable[_Claim]) -> None:
        """A signed or noted head without an entry at its place."""
        chain = self._chain(name)
        for claim in claims:
            if sequence == chain.start - 1:
                self._compare(chain, sequence, chain.before, claim)
            elif sequence > chain.last:
                words = f"{claim.who} is entry {sequence}, but the chain ends at entry {chain.last}"
                self.faults.add(Trouble.CUT_OFF, name, words)

    def _judge_keys(self, chain: _Chain) -> None:
        """Of a chain that trusted keys must sign, or once signed, every other key is a fault."""
        trusted = any(key_id in self._trust.keys for key_id in chain.signers)
        if not (trusted or self._trust.binds(chain.name)):
            return
        for key_id, signer in chain.signers.items():
            if key_id not in self._trust.keys:
                run = f"entries {signer.first} to {signer.last}" if signer.heads > 1 else f"entry {signer.first}"
                words = f"the heads of {run} are signed by key {key_id}, which is not a trusted one"
                self.faults.add(Trouble.OTHER_KEY, f"{chain.name}:{signer.first}", words)

    def _report(self, chain: _Chain) -> ChainReport:
        keys = tuple(
            KeyReport(key_id, key_id in self._trust.keys, signer.first, signer.last, signer.heads)
            for key_id, signer in chain.signers.items()
        )
        head = (chain.stated or b"").hex()
        return ChainReport(chain.name, chain.entries, chain.start, chain.last, head, chain.signed, keys)


def add_all(check: LedgerCheck, entries: Iterable[Entry]) -> None:
    """A page of entries; some hundredths of a second, so it is called in a thread."""
    for entry in entries:
        check.add(entry)


def _place(head: Head) -> str:
    return f"{head.chain}:{head.sequence}"
