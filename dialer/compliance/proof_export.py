"""An export of proofs: JSON Lines that hold everything needed to check them, and the check. Pure.

In this order: one `export` line, the packs, which packs were in force together, the links chain by chain, each chain's
head, one `end` line. A link's body stands there as a string, so that its bytes survive any tool; `hash` is theirs.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from dialer.compliance.proof import ProofKind
from dialer.compliance.proof_attempts import AttemptSet, StoredAttempts, differing
from dialer.compliance.proof_chain import WHOLE, ChainCheck, Extent, Head, LinkHeader, Report, Trouble
from dialer.compliance.proof_replay import PolicySet, Replay

FORMAT = 1
DECISIONS = frozenset({ProofKind.ALLOWED.value, ProofKind.REFUSED.value})


class ExportLine(msgspec.Struct, frozen=True, tag="export"):
    """What was asked for. `after` names links (CHAIN:SEQUENCE) up to which the caller has them already."""

    format: int
    made_at: datetime
    since: datetime | None = None
    until: datetime | None = None
    after: tuple[str, ...] = ()


class PackLine(msgspec.Struct, frozen=True, tag="pack"):
    """One pack that was ever in force."""

    sha256: str
    name: str
    content: str


class PolicyLine(msgspec.Struct, frozen=True, tag="policy"):
    """Packs that were in force together; `packs` as `PolicySet` writes them."""

    pack_hash: str
    packs: str


class LinkLine(msgspec.Struct, frozen=True, tag="link"):
    """One link; `hash` is the SHA-256 of the UTF-8 bytes of `body`."""

    hash: str
    body: str


class HeadLine(msgspec.Struct, frozen=True, tag="head"):
    """The newest link of a chain when the export was made, whether it is part of it or not."""

    chain: str
    sequence: int
    hash: str


class EndLine(msgspec.Struct, frozen=True, tag="end"):
    """The export was not cut off. `attempts` are those stored, of every node; None: the source did not say."""

    links: int
    attempts: tuple[StoredAttempts, ...] | None = None


Line = ExportLine | PackLine | PolicyLine | LinkLine | HeadLine | EndLine

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


def encode_line(line: Line) -> bytes:
    """One line, with its line feed."""
    return _encoder.encode(line) + b"\n"


def encode_link(hash_: bytes, body: bytes) -> bytes:
    """A `LinkLine` from what is stored. A body that is no UTF-8 any more is shown with marks; its hash tells."""
    return encode_line(LinkLine(hash_.hex(), body.decode("utf-8", "replace")))


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What a check of an export found. `decisions` counts the links that were put to the gate again."""

    report: Report
    asked: ExportLine | None
    packs: int
    decisions: int

    @property
    def well(self) -> bool:
        """Whether nothing is wrong."""
        return self.report.well

    @property
    def complete(self) -> bool:
        """Whether everything there was is here."""
        return self.report.complete


class ExportCheck:
    """Takes the lines of an export one after the other."""

    def __init__(self, noted: Iterable[Head] = ()) -> None:
        self._chains = ChainCheck(noted)
        self._replay = Replay()
        self._heads: list[Head] = []
        self._asked: ExportLine | None = None
        self._ended = False
        self._packs = 0
        self._decisions = 0
        self._links = 0
        self._allowed: defaultdict[str, AttemptSet] = defaultdict(AttemptSet)

    def add(self, line: bytes) -> None:
        """One line. Whatever it is, it raises nothing: what cannot be read is a fault."""
        try:
            read = _decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self._chains.fault(Trouble.UNREADABLE, None, f"a line after link {self._links} is no line of an export")
            return
        if isinstance(read, LinkLine):
            self._link(read)
        else:
            self._other(read)

    def finish(self) -> ExportReport:
        """The report, once the last line was given."""
        if not self._ended:
            self._chains.fault(Trouble.CUT_OFF, None, "the export has no end: it was cut off while it was written")
        report = self._chains.finish(self._heads if self._ended else None, _extent(self._asked))
        return ExportReport(report, self._asked, self._packs, self._decisions)

    def _link(self, line: LinkLine) -> None:
        self._links += 1
        body = line.body.encode()
        header = self._chains.add(line.hash, body)
        if header is None:
            return
        if header.kind == ProofKind.ALLOWED.value and header.attempt_id is not None:
            self._allowed[header.chain].add(header.attempt_id)
        if header.kind in DECISIONS:
            self._decisions += 1
            self._report(header, self._replay.check(body))
        elif header.kind == ProofKind.POLICY.value:
            self._report(header, self._replay.learn(body))

    def _report(self, header: LinkHeader, found: tuple[str, ...]) -> None:
        for words in found:
            self._chains.fault(Trouble.OTHER_DECISION, header, words)

    def _other(self, line: ExportLine | PackLine | PolicyLine | HeadLine | EndLine) -> None:
        try:
            match line:
                case ExportLine():
                    self._begin(line)
                case PackLine():
                    self._packs += 1
                    self._replay.add_pack(line.sha256, line.content)
                case PolicyLine():
                    self._replay.add_set(PolicySet.parse(line.packs))
                case HeadLine():
                    self._heads.append(Head(line.chain, line.sequence, line.hash))
                case EndLine():
                    self._end(line)
        except ValueError as error:
            self._chains.fault(Trouble.UNREADABLE, None, str(error))

    def _begin(self, line: ExportLine) -> None:
        if line.format != FORMAT:
            raise ValueError(f"the export is of format {line.format}; this program reads {FORMAT}")
        _extent(line)
        self._asked = line

    def _end(self, line: EndLine) -> None:
        self._ended = True
        if line.attempts is not None:
            self._compare({stored.node: stored for stored in line.attempts})
        if line.links != self._links:
            raise ValueError(f"the export says that it has {line.links} links, but there are {self._links}")

    def _compare(self, stored: Mapping[str, StoredAttempts]) -> None:
        """The attempts that links here allowed, with those the source has as rows."""
        for node in sorted(stored.keys() | self._allowed.keys()):
            of_node = stored.get(node, StoredAttempts(node, 0, AttemptSet().digest))
            for attempt_id, words in differing(of_node, self._allowed[node]):
                self._chains.fault_of_attempt(node, attempt_id, words)


def parse_place(text: str) -> tuple[str, int]:
    """A chain and a sequence number from `CHAIN:SEQUENCE` (ValueError)."""
    chain, colon, sequence = text.rpartition(":")
    if not colon or not chain or not sequence.isdecimal():
        raise ValueError(f"{text!r} is not CHAIN:SEQUENCE")
    return chain, int(sequence)


def _extent(asked: ExportLine | None) -> Extent:
    if asked is None:
        return WHOLE
    had = frozenset(parse_place(place) for place in asked.after)
    return Extent(asked.since is not None, asked.until is not None, had)
