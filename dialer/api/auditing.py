"""The audit log, as handlers write it."""

from dialer.api.routing import AnyCall
from dialer.model.account import AuditEntry


async def audit(call: AnyCall, action: str, subject: str, detail: str = "") -> None:
    """Records what the caller of this operation reads or changes; durable when it returns."""
    entry = AuditEntry(call.services.clock.utcnow(), call.actor.actor, action, subject, detail, call.actor.remote)
    await call.services.storage.audit.record(entry)
