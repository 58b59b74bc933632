"""Who may do what: one table, one line per operation. An operation that is not listed cannot be registered."""

from dialer.model.account import Role

_COLLECTOR, _SUPERVISOR, _QA = Role.COLLECTOR, Role.SUPERVISOR, Role.QA
_AUDITOR, _ADMINISTRATOR, _INTEGRATION = Role.AUDITOR, Role.ADMINISTRATOR, Role.INTEGRATION

_RUNS = frozenset({_SUPERVISOR, _ADMINISTRATOR})
_SEES_CAMPAIGNS = frozenset({_SUPERVISOR, _ADMINISTRATOR, _QA, _AUDITOR, _INTEGRATION})
_FEEDS = frozenset({_SUPERVISOR, _ADMINISTRATOR, _INTEGRATION})
_LISTENS = frozenset({_SUPERVISOR, _ADMINISTRATOR, _QA, _AUDITOR})
_HEARS = frozenset({_SUPERVISOR, _ADMINISTRATOR, _QA})
_TALKS = frozenset({_COLLECTOR, _SUPERVISOR})
_OVERSEES = frozenset({_SUPERVISOR, _ADMINISTRATOR, _AUDITOR})
_AUDITS = frozenset({_AUDITOR, _ADMINISTRATOR})
_ADMINISTERS = frozenset({_ADMINISTRATOR})
_EVERYBODY = frozenset(Role)

PUBLIC: frozenset[str] = frozenset({"system.health", "system.openapi", "sessions.open"})
"""Operations that need no token: they say nothing about anyone, or ask for a password themselves."""

PERMISSIONS: dict[str, frozenset[Role]] = {
    "lists.list": _SEES_CAMPAIGNS,
    "lists.get": _SEES_CAMPAIGNS,
    "lists.import": _FEEDS,
    "campaigns.list": _SEES_CAMPAIGNS,
    "campaigns.create": _RUNS,
    "campaigns.get": _SEES_CAMPAIGNS,
    "campaigns.update": _RUNS,
    "campaigns.check": _RUNS,
    "campaigns.latest_check": _SEES_CAMPAIGNS,
    "campaigns.start": _RUNS,
    "campaigns.pause": _RUNS,
    "campaigns.resume": _RUNS,
    "campaigns.stop": _RUNS,
    "campaigns.status": _SEES_CAMPAIGNS,
    "campaigns.entries": _SEES_CAMPAIGNS,
    "campaigns.history": _SEES_CAMPAIGNS,
    "attempts.list": _SEES_CAMPAIGNS,
    "attempts.get": _SEES_CAMPAIGNS,
    "attempts.reconcile": _RUNS,
    "agents.list": _RUNS,
    "agents.view": _TALKS,
    "agents.log_in": _TALKS,
    "agents.log_out": _TALKS,
    "agents.ready": _TALKS,
    "agents.break": _TALKS,
    "agents.preview_dial": _TALKS,
    "agents.preview_skip": _TALKS,
    "agents.dial": _TALKS,
    "agents.hang_up": _TALKS,
    "agents.wrap_up": _TALKS,
    "recordings.list": _LISTENS | {_COLLECTOR},
    "recordings.search": _LISTENS,
    "recordings.get": _LISTENS | {_COLLECTOR},
    "recordings.audio": _LISTENS | {_COLLECTOR},
    "recordings.peaks": _LISTENS | {_COLLECTOR},
    "recordings.marks": _LISTENS | {_COLLECTOR},
    "recordings.transcript": _LISTENS | {_COLLECTOR},
    "recordings.transcribe": _HEARS,
    "recordings.export": _HEARS,
    "recordings.redact": _HEARS,
    "verdicts.list": _LISTENS,
    "verdicts.get": _LISTENS,
    "verdicts.audio": _HEARS,
    "verdicts.label": _HEARS,
    "verdicts.draw": _HEARS,
    "verdicts.rate": _LISTENS,
    "announcements.list": _LISTENS,
    "announcements.add": _HEARS,
    "announcements.remove": _HEARS,
    "announcements.complete": _HEARS,
    "announcements.match": _HEARS,
    "announcements.export": _LISTENS,
    "announcements.unknown": _LISTENS,
    "announcements.audio": _HEARS,
    "announcements.name": _HEARS,
    "qa_plans.list": _OVERSEES,
    "qa_plans.create": _RUNS,
    "qa_plans.get": _OVERSEES,
    "qa_plans.stop": _RUNS,
    "qa_plans.draws": _OVERSEES,
    "qa_plans.repeat": _OVERSEES,
    "qa_work.list": _LISTENS,
    "qa_work.open": _RUNS,
    "qa_work.next": _HEARS,
    "qa_work.loads": _OVERSEES,
    "qa_work.get": _LISTENS,
    "qa_work.skip": _HEARS,
    "qa_work.assign": _RUNS,
    "qa_reports.figures": _OVERSEES | {_COLLECTOR},
    "qa_reports.figures_csv": _OVERSEES | {_COLLECTOR},
    "qa_reports.questions": _OVERSEES | {_COLLECTOR},
    "qa_reports.questions_csv": _OVERSEES | {_COLLECTOR},
    "qa_reports.verdicts": _LISTENS,
    "qa_reports.verdicts_csv": _LISTENS,
    "teams.list": _OVERSEES,
    "teams.move": _RUNS,
    "do_not_call.add": _FEEDS | {_COLLECTOR},
    "do_not_call.check": _FEEDS,
    "do_not_call.remove": _ADMINISTERS,
    "cases.status": _FEEDS,
    "consents.record": _FEEDS,
    "consents.list": _FEEDS | {_AUDITOR},
    "consents.withdraw": _FEEDS,
    "inconveniences.add": _FEEDS | {_COLLECTOR},
    "inconveniences.list": _FEEDS | {_AUDITOR},
    "inconveniences.remove": _FEEDS,
    "holds.list": _RUNS | {_AUDITOR},
    "holds.place": _RUNS | {_AUDITOR},
    "holds.lift": _AUDITS,
    "deletions.dry_run": _RUNS | {_AUDITOR},
    "deletions.ask": _RUNS,
    "deletions.list": _RUNS | {_AUDITOR},
    "deletions.get": _RUNS | {_AUDITOR},
    "deletions.items": _RUNS | {_AUDITOR},
    "deletions.allow": _AUDITS,
    "deletions.refuse": _RUNS | {_AUDITOR},
    "outbox.status": _FEEDS,
    "outbox.dead_letters": _RUNS,
    "outbox.replay": _RUNS,
    "trunks.list": _RUNS,
    "policy.show": _SEES_CAMPAIGNS,
    "policy.reload": _ADMINISTERS,
    "accounts.list": _ADMINISTERS,
    "accounts.create": _ADMINISTERS,
    "accounts.update": _ADMINISTERS,
    "tokens.list": _ADMINISTERS,
    "tokens.create": _ADMINISTERS,
    "tokens.revoke": _ADMINISTERS,
    "sessions.show": _EVERYBODY,
    "sessions.close": _EVERYBODY,
    "sessions.password": _EVERYBODY,
    "proofs.export": _AUDITS,
    "proofs.heads": _AUDITS,
    "proofs.of_attempt": _LISTENS,
    "why.ask": _LISTENS,
    "audit.list": _AUDITS,
    "system.metrics": _RUNS | {_INTEGRATION},
    "live.watch": _LISTENS | {_COLLECTOR},
}
"""Collectors act on their own desk only; what else narrows a permission is said at the operation itself."""


def roles_of(operation: str) -> frozenset[Role] | None:
    """The roles that may do it; None for everyone, even without a token (KeyError: the table does not name it)."""
    return None if operation in PUBLIC else PERMISSIONS[operation]
