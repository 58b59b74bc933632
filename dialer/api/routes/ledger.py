"""The ledger: its signed heads, to be noted elsewhere, and whether one recording is what was recorded."""

from datetime import datetime

from pydantic import BaseModel

from dialer.api.auditing import audit
from dialer.api.hearing import found, opened
from dialer.api.problems import not_found
from dialer.api.routes.recordings import RecordingPath
from dialer.api.routing import Call, Nothing, Routes
from dialer.evidence.proving import Proven, Tie
from dialer.words.said import Said
from recording.faults import Fault
from recording.heads import SignedHead

routes = Routes("ledger")


class SignedHeadOut(BaseModel):
    """The newest signed head of a chain. `signature` (hex) is over the UTF-8 bytes of `statement`."""

    chain: str
    sequence: int
    hash: str
    signed_at: datetime
    key_id: str
    statement: str
    signature: str
    stamped: bool


class SignedHeads(BaseModel):
    """Of every chain."""

    items: list[SignedHeadOut]


class TieOut(BaseModel):
    """An entry of the ledger about the recording, and the first signed head behind it, once there is one.

    `trusted`: signed by a key this node knows as its own. `stamped_at` is by the time-stamping authority's clock.
    """

    chain: str
    sequence: int
    kind: str
    at: datetime
    hash: str
    signed_at: datetime | None
    key_id: str
    trusted: bool
    stamped_at: datetime | None


class FaultOut(BaseModel):
    """One thing wrong: what, where, what it means, what to do."""

    trouble: str
    place: str
    words: Said
    meaning: Said
    action: Said


class RecordingVerification(BaseModel):
    """What was found of one recording: its row, its entries, the chain up to a signed head, its key and its objects."""

    recording_id: str
    well: bool
    signed: bool
    ties: list[TieOut]
    faults: list[FaultOut]


@routes.add("GET", "/v1/ledger/heads", "ledger.heads")
async def list_heads(call: Call[Nothing, Nothing, Nothing]) -> SignedHeads:
    """Lists the newest signed head of every chain, to be noted elsewhere."""
    await audit(call, "ledger.heads", "ledger")
    reading = call.services.storage.ledger_reading
    newest = await reading.newest_signed()
    heads = [await reading.newest_at(chain, place) for chain, place in newest.items()]
    return SignedHeads(items=[out for head in heads if head is not None and (out := _head(head[1])) is not None])


@routes.add("GET", "/v1/recordings/{recording_id}/verification", "recordings.verify")
async def verify_recording(call: Call[RecordingPath, Nothing, Nothing]) -> RecordingVerification:
    """Checks one recording against the ledger and the store; reads its audio whole."""
    info = await found(call)
    async with opened():
        proven = await call.services.prover.prove(info.recording_id)
    if proven is None:
        raise not_found("recording")
    await audit(call, "recordings.verify", f"recording/{info.recording_id}", "well" if not proven.faults else "faults")
    return _out(info.recording_id, proven)


def _head(signed: SignedHead) -> SignedHeadOut | None:
    """None: what is stored there is no head any more, as the check of the ledger says."""
    said = signed.said
    if said is None:
        return None
    return SignedHeadOut(
        chain=said.head.chain,
        sequence=said.head.sequence,
        hash=said.head.hash,
        signed_at=said.signed_at,
        key_id=said.key_id,
        statement=signed.statement.decode(),
        signature=signed.signature.hex(),
        stamped=signed.stamp is not None,
    )


def _out(recording_id: str, proven: Proven) -> RecordingVerification:
    return RecordingVerification(
        recording_id=recording_id,
        well=not proven.faults,
        signed=bool(proven.ties) and all(tie.signed_at is not None for tie in proven.ties),
        ties=[_tie(tie) for tie in proven.ties],
        faults=[_fault(fault) for fault in proven.faults],
    )


def _tie(tie: Tie) -> TieOut:
    return TieOut(**{name: getattr(tie, name) for name in Tie.__slots__})


def _fault(fault: Fault) -> FaultOut:
    return FaultOut(
        trouble=fault.trouble.value,
        place=fault.place,
        words=fault.words,
        meaning=fault.advice.meaning,
        action=fault.advice.action,
    )
