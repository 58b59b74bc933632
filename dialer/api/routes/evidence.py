"""Evidence packs: all that is on record of a case, in a form that an outsider can check."""

from contextlib import aclosing

from aiohttp import web

from dialer.api.auditing import audit
from dialer.api.hearing import opened
from dialer.api.problems import not_found
from dialer.api.routes.suppression import CasePath
from dialer.api.routing import Call, Nothing, Routes
from dialer.api.streaming import stream
from dialer.evidence.pack import PackMaker

routes = Routes("evidence")

ZIP = "application/zip"
HEADERS = {
    "Content-Type": ZIP,
    "Content-Disposition": 'attachment; filename="evidence.zip"',
    "Cache-Control": "private, no-store",
}


@routes.add("GET", "/v1/cases/{case_ref}/evidence", "evidence.pack", produces=(ZIP,))
async def get_pack(call: Call[CasePath, Nothing, Nothing]) -> web.StreamResponse:
    """Streams the evidence pack of a case: recordings, calls, proofs, and how to check them with public tools.

    The recordings in it are no longer sealed: whoever gets the pack can hear them. Numbers are masked. It is in the
    audit log before its first byte leaves.
    """
    services, now = call.services, call.services.clock.utcnow()
    config = services.config
    maker = PackMaker(services.storage, services.player, config.node.name, config.evidence.tsa_certificate)
    async with opened(), services.player.listening(call.actor.holder):
        pack = await maker.plan(call.path.case_ref, services.policy.current(now), now)
        if pack is None:
            raise not_found("case with calls")
        await audit(call, "evidence.pack", f"case/{pack.case_ref}", str(pack))
        response = web.StreamResponse(headers=HEADERS)
        async with aclosing(maker.pieces(pack)) as pieces:
            await stream(call, response, pieces, "evidence pack")
        return response
