"""The tables, by subject. Nothing outside `dialer.storage` may import them."""

from dialer.storage.tables.announcements import announcements, unknown_announcements
from dialer.storage.tables.attempts import attempts, identity_checks, refusals, wrap_ups
from dialer.storage.tables.base import Base
from dialer.storage.tables.campaigns import budget_parts, campaign_lists, campaigns, entries
from dialer.storage.tables.lists import (
    case_changes,
    cases,
    consents,
    contacts,
    do_not_call,
    inconveniences,
    lists,
    phones,
    stops,
)
from dialer.storage.tables.outbox import deliveries, destinations, events
from dialer.storage.tables.people import accounts, agent_changes, audit, identities, sessions, spent_log_ins, tokens
from dialer.storage.tables.prompts import prompts
from dialer.storage.tables.proofs import policy_changes, policy_packs, proof_heads, proofs
from dialer.storage.tables.quality import (
    coaching_items,
    evaluation_answers,
    evaluation_changes,
    evaluation_comments,
    evaluations,
    scorecard_versions,
    scorecards,
    scoring_round_members,
    scoring_round_recordings,
    scoring_rounds,
)
from dialer.storage.tables.quality_work import qa_draws, qa_plans, qa_work, team_members
from dialer.storage.tables.recordings import ledger, ledger_heads, ledger_signatures, recording_keys, recordings
from dialer.storage.tables.retention import deletion_items, deletions, doomed_objects, legal_holds
from dialer.storage.tables.system import idempotency_keys, properties
from dialer.storage.tables.verdicts import verdict_samples

metadata = Base.metadata

__all__ = [
    "accounts",
    "agent_changes",
    "announcements",
    "attempts",
    "audit",
    "budget_parts",
    "campaign_lists",
    "campaigns",
    "case_changes",
    "cases",
    "coaching_items",
    "consents",
    "contacts",
    "deletion_items",
    "deletions",
    "deliveries",
    "destinations",
    "do_not_call",
    "doomed_objects",
    "entries",
    "evaluation_answers",
    "evaluation_changes",
    "evaluation_comments",
    "evaluations",
    "events",
    "idempotency_keys",
    "identities",
    "identity_checks",
    "inconveniences",
    "ledger",
    "ledger_heads",
    "ledger_signatures",
    "legal_holds",
    "lists",
    "metadata",
    "phones",
    "policy_changes",
    "policy_packs",
    "prompts",
    "proof_heads",
    "proofs",
    "properties",
    "qa_draws",
    "qa_plans",
    "qa_work",
    "recording_keys",
    "recordings",
    "refusals",
    "scorecard_versions",
    "scorecards",
    "scoring_round_members",
    "scoring_round_recordings",
    "scoring_rounds",
    "sessions",
    "spent_log_ins",
    "stops",
    "team_members",
    "tokens",
    "unknown_announcements",
    "verdict_samples",
    "wrap_ups",
]
