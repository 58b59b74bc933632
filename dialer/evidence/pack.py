"""The evidence pack of a case: one zip that an outsider can check with public tools, made while it is sent.

Everything in it is read page by page and audio is opened piece by piece, so that memory does not grow with the case and
nothing of it is ever in a file. What the pack will hold is fixed, and every recording opened once, before its first
byte leaves: what is wrong by then is said as an answer, or stands in the pack in words.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from dialer.compliance.policy import Policy
from dialer.compliance.proof_export import LinkLine, PackLine, encode_line
from dialer.errors import InputError
from dialer.evidence.pack_ledger import Segment, public_keys, segment_lines, segments_about
from dialer.evidence.pack_records import as_json, attempt_facts, case_facts, recording_facts, wrap_up_facts
from dialer.evidence.pack_zip import SUMS, ZipStream
from dialer.evidence.playing import Form, Player
from dialer.evidence.retention import judge_named
from dialer.evidence.retention_terms import terms_book
from dialer.model.attempt import Attempt, AttemptFilter
from dialer.model.recording import RecordingInfo, RecordingState
from dialer.model.recording_query import RecordingQuery
from dialer.model.retention import Judged, LegalHold
from dialer.storage import Storage
from dialer.storage.proof_reading import StoredLink
from recording.errors import RecordingError, StoreAwayError
from recording.retention import HoldScope

FORMAT = 1
MAX_RECORDINGS = 1000
"""Of one case, redactions not counted; a case that has more is no case."""
OPENED_AT_ONCE = 4
MAX_REFUSALS = 5000
"""The newest ones; `manifest.json` says when there were more."""
PAGE = 100
_FILES = resources.files(__package__).joinpath("pack_files")


@dataclass(frozen=True, slots=True)
class Packed:
    """A recording as it goes into the pack; `problem`: why its audio does not."""

    info: RecordingInfo
    judged: Judged
    problem: str

    @property
    def file(self) -> str:
        """The name of its audio in the pack; "": there is none."""
        is_there = self.info.state is RecordingState.KEPT and not self.problem
        return f"recordings/{self.info.recording_id}.flac" if is_there else ""


@dataclass(frozen=True, slots=True)
class Pack:
    """What a pack will hold."""

    case_ref: str
    node: str
    made_at: datetime
    recordings: tuple[Packed, ...]
    attempts: tuple[Attempt, ...]
    refusals: tuple[StoredLink, ...]
    holds: tuple[LegalHold, ...]
    segments: tuple[Segment, ...]
    fixed: Mapping[str, bytes]
    """Members that are the same for every case: how to check, and the authority's certificates."""

    def __str__(self) -> str:
        n_audio = sum(bool(packed.file) for packed in self.recordings)
        return f"{n_audio} of {len(self.recordings)} recordings, {len(self.attempts)} attempts"


class PackMaker:
    """Makes packs of one node. `policy`: the rules in force."""

    def __init__(self, storage: Storage, player: Player, node: str, tsa_certificate: Path | None) -> None:
        self._storage = storage
        self._player = player
        self._node = node
        self._tsa_certificate = tsa_certificate

    async def plan(self, case_ref: str, policy: Policy, now: datetime) -> Pack | None:
        """What the pack of a case holds now; None: nothing is known of the case.

        Raises InputError (more than a pack may hold), StoreAwayError, TimeoutError (the store does not answer).
        """
        attempts = await self._attempts(case_ref)
        refusals = await self._storage.proof_reading.of_case(case_ref, now, MAX_REFUSALS)
        if not attempts and not refusals:
            return None
        infos = await self._recordings(case_ref)
        holds = await self._holds(case_ref, infos, attempts)
        subjects = [info.recording_id for info in infos] + [f"hold/{legal.hold.hold_id}" for legal in holds]
        book = await terms_book(self._storage, policy, now)
        judged = await judge_named(self._storage, book, [info.recording_id for info in infos])
        problems = await self._problems(infos)
        packed = [Packed(*each) for each in zip(infos, judged, problems, strict=True)]
        segments = await segments_about(self._storage.ledger_reading, subjects)
        fixed = await self._player.in_thread(lambda: _fixed(self._tsa_certificate))
        return Pack(case_ref, self._node, now, tuple(packed), attempts, refusals, tuple(holds), segments, fixed)

    async def pieces(self, pack: Pack) -> AsyncGenerator[bytes, None]:
        """The archive, from its first byte on. Raises RecordingError when a recording is not what it was sealed as."""
        with ZipStream(pack.made_at) as zipped:
            for name, content in pack.fixed.items():
                yield zipped.whole(name, content, runs=name.endswith(".sh"))
            for part in (self._case, self._audio, self._calls, self._proofs, self._ledger):
                async with aclosing(part(pack, zipped)) as made:
                    async for piece in made:
                        if piece:
                            yield piece
            yield zipped.whole("manifest.json", as_json(_manifest(pack, zipped)))
            yield zipped.whole(SUMS, zipped.sums())
            yield zipped.close()

    # ---- what it will hold

    async def _attempts(self, case_ref: str) -> tuple[Attempt, ...]:
        found: list[Attempt] = []
        wanted = AttemptFilter(case_ref=case_ref)
        while page := await self._storage.attempts.list(wanted, found[-1].attempt_id if found else None, PAGE):
            found += page
        return tuple(reversed(found))

    async def _recordings(self, case_ref: str) -> list[RecordingInfo]:
        """Those of the case by time, each followed by its redactions."""
        found: list[RecordingInfo] = []
        place = None
        while True:
            page = await self._storage.recordings.find(RecordingQuery(case_ref=case_ref), place, PAGE)
            found += page.items
            if len(found) > MAX_RECORDINGS:
                raise InputError(f"the case has more than {MAX_RECORDINGS} recordings")
            if page.next is None:
                break
            place = page.next
        derived = [await self._storage.recordings.derived(info.recording_id) for info in reversed(found)]
        return [each for info, made in zip(reversed(found), derived, strict=True) for each in (info, *made)]

    async def _holds(
        self, case_ref: str, infos: Sequence[RecordingInfo], attempts: Sequence[Attempt]
    ) -> list[LegalHold]:
        """Every hold on the case, its persons, campaigns and recordings, lifted ones too."""
        people = sorted({attempt.person_ref for attempt in attempts} - {""})
        campaigns = sorted({attempt.campaign_id for attempt in attempts})
        named = [(HoldScope.CASE, case_ref)]
        named += [(HoldScope.PERSON, person_ref) for person_ref in people]
        named += [(HoldScope.CAMPAIGN, str(campaign_id)) for campaign_id in campaigns]
        named += [(HoldScope.RECORDING, info.recording_id) for info in infos]
        found = [legal for scope, ref in named for legal in await self._storage.holds.list(scope=scope, ref=ref)]
        return sorted(found, key=lambda legal: legal.hold.hold_id)

    async def _problems(self, infos: Sequence[RecordingInfo]) -> list[str]:
        """Why kept recordings cannot be packed; "" where nothing is wrong. Raises StoreAwayError."""
        turns = asyncio.Semaphore(OPENED_AT_ONCE)

        async def opened(info: RecordingInfo) -> RecordingError | None:
            async with turns:
                return await self._opens(info) if info.state is RecordingState.KEPT else None

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(opened(info)) for info in infos]
        found = [task.result() for task in tasks]
        for error in found:
            if isinstance(error, StoreAwayError):
                raise error
        return [str(error or "") for error in found]

    async def _opens(self, info: RecordingInfo) -> RecordingError | None:
        try:
            await self._player.open(info)
        except RecordingError as error:
            return error
        return None

    # ---- its parts

    async def _case(self, pack: Pack, zipped: ZipStream) -> AsyncGenerator[bytes, None]:
        cases = self._storage.cases
        status, changes = await cases.status(pack.case_ref), await cases.changes(pack.case_ref)
        yield zipped.whole("case.json", as_json(case_facts(pack.case_ref, status, changes, pack.holds)))
        facts = [recording_facts(each.info, each.judged, each.file, each.problem) for each in pack.recordings]
        yield zipped.whole("recordings.json", as_json(facts))

    async def _audio(self, pack: Pack, zipped: ZipStream) -> AsyncGenerator[bytes, None]:
        for packed in pack.recordings:
            info = packed.info
            if packed.problem:
                yield zipped.whole(f"recordings/{info.recording_id}.problem.txt", f"{packed.problem}\n".encode())
            if not packed.file:
                continue
            yield zipped.whole(f"recordings/{info.recording_id}.marks.json", info.marks)
            content = await self._player.content(info, Form())
            zipped.begin(packed.file, pressed=False)
            async with aclosing(self._player.pieces(info, content.pieces(0, content.size))) as pieces:
                async for piece in pieces:
                    yield zipped.write(piece)
            yield zipped.end()

    async def _calls(self, pack: Pack, zipped: ZipStream) -> AsyncGenerator[bytes, None]:
        yield zipped.whole("attempts.json", as_json([attempt_facts(attempt) for attempt in pack.attempts]))
        found = [await self._storage.wrap_ups.get(attempt.attempt_id) for attempt in pack.attempts]
        yield zipped.whole("wrap_ups.json", as_json([wrap_up_facts(each) for each in found if each is not None]))
        checks = await self._storage.identity_checks.of_attempts([attempt.attempt_id for attempt in pack.attempts])
        yield zipped.whole("identity_checks.json", as_json([each for of_one in checks.values() for each in of_one]))

    async def _proofs(self, pack: Pack, zipped: ZipStream) -> AsyncGenerator[bytes, None]:
        """Each link as a file under its hash, then all as lines, with the packs of rules that they name."""
        links: dict[str, StoredLink] = {link.hash.hex(): link for link in pack.refusals}
        ids = [attempt.attempt_id for attempt in pack.attempts]
        for start in range(0, len(ids), PAGE):
            found = await self._storage.proof_reading.of_attempts(ids[start : start + PAGE])
            links |= {link.hash.hex(): link for link in found}
        in_order = sorted(links.values(), key=lambda link: (link.chain, link.sequence))
        for link in in_order:
            yield zipped.whole(f"proofs/{link.hash.hex()}.json", link.body)
        zipped.begin("proofs.jsonl")
        for sha256 in sorted({sha256 for link in in_order for sha256 in _packs_named(link)}):
            rules = await self._storage.proof_reading.pack(sha256)
            if rules is not None:
                yield zipped.write(encode_line(PackLine(rules.sha256, rules.name, rules.content)))
        for link in in_order:
            yield zipped.write(encode_line(LinkLine(link.hash.hex(), link.body.decode(errors="replace"))))
        yield zipped.end()

    async def _ledger(self, pack: Pack, zipped: ZipStream) -> AsyncGenerator[bytes, None]:
        reading = self._storage.ledger_reading
        for number, segment in enumerate(pack.segments, start=1):
            folder = f"ledger/{number:03}"
            zipped.begin(f"{folder}/chain.txt")
            async for lines in segment_lines(reading, segment):
                yield zipped.write(lines)
            yield zipped.end()
            for sequence, entry in sorted(segment.shown.items()):
                yield zipped.whole(f"{folder}/entries/{sequence}.json", entry.body)
            if segment.head is not None:
                yield zipped.whole(f"{folder}/head.txt", segment.head.statement)
                yield zipped.whole(f"{folder}/head.sig", segment.head.signature)
                if segment.head.stamp is not None:
                    yield zipped.whole(f"{folder}/head.tsr", segment.head.stamp)
        heads = [segment.head for segment in pack.segments if segment.head is not None]
        for key_id, pem in (await public_keys(reading, heads)).items():
            yield zipped.whole(f"keys/{key_id}.pem", pem)


class _Question(msgspec.Struct):
    packs: tuple[str, ...] = ()


def _packs_named(link: StoredLink) -> tuple[str, ...]:
    """The packs of rules that a decision was made by; none, where a link was altered."""
    try:
        return msgspec.json.decode(link.body, type=_Question).packs
    except msgspec.MsgspecError:
        return ()


def _manifest(pack: Pack, zipped: ZipStream) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "case_ref": pack.case_ref,
        "made_at": pack.made_at,
        "made_by_node": pack.node,
        "recordings": [
            {
                "recording_id": packed.info.recording_id,
                "redaction_of": packed.info.parent_id,
                "state": packed.info.state.value,
                "file": packed.file,
                "problem": packed.problem,
            }
            for packed in pack.recordings
        ],
        "older_refusals_left_out": len(pack.refusals) == MAX_REFUSALS,
        "files": [asdict(member) for member in zipped.members],
    }


def _fixed(tsa_certificate: Path | None) -> dict[str, bytes]:
    """Blocks."""
    said = {name: _FILES.joinpath(name).read_bytes() for name in ("CHECK.md", "check.sh")}
    return said if tsa_certificate is None else said | {"tsa.pem": tsa_certificate.read_bytes()}
