"""Test cases of policy packs: a table of situations beside the pack's versions, and what the gate must answer in each.

Running the cases proves nothing about law, only that the pack says what its authors meant. Reading the table is
`case_reading`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dialer.compliance.case_reading import NEVER, Case, Expectation, read_cases
from dialer.compliance.gate import evaluate
from dialer.compliance.packs import CASES, load_policy
from dialer.compliance.policy import Policy
from dialer.model.decision import Decision, Effect


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What the gate answered, and in words where that is not what was expected."""

    case: Case
    decision: Decision
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the answer is the expected one."""
        return not self.differences

    @property
    def refused(self) -> frozenset[str]:
        """The rules that refused the call."""
        return _not_kept(self.decision, warns=False)

    @property
    def warned(self) -> frozenset[str]:
        """The rules that were not kept and only warn."""
        return _not_kept(self.decision, warns=True)

    @property
    def kept(self) -> frozenset[str]:
        """The rules that were kept."""
        return frozenset(result.rule for result in self.decision.evaluated if result.allowed)


def run_cases(pack_folder: Path, policy: Policy | None = None) -> list[CaseResult]:
    """The results of all cases of a pack's folder; `policy`: the folder's own pack when missing.

    Raises:
        ConfigError: the pack or the table is wrong; the message names file, line and reason.
    """
    policy = policy or load_policy((f"{pack_folder}/",))  # the slash makes it a path, never a name
    return [run_case(policy, case) for case in read_cases(pack_folder / CASES, policy)]


def run_case(policy: Policy, case: Case) -> CaseResult:
    """Asks the gate and compares."""
    decision = evaluate(policy, case.facts, case.at)
    return CaseResult(case, decision, tuple(_differences(case.expect, decision)))


def _differences(expect: Expectation, decision: Decision) -> Iterable[str]:
    """In words, one for each part of the answer that is not as expected."""
    refused, warned = _not_kept(decision, warns=False), _not_kept(decision, warns=True)
    if decision.allowed is not expect.allowed:
        yield f"allowed is {decision.allowed}" + (f": {decision.rule}: {decision.reason}" if decision.rule else "")
        return
    if expect.rule is not None and decision.rule != expect.rule:
        yield f"the first rule that refuses is {decision.rule}, not {expect.rule}"
    if expect.refused is not None and refused != expect.refused:
        yield f"refused by {_listed(refused)}, not by {_listed(expect.refused)}"
    if expect.warned is not None and warned != expect.warned:
        yield f"warned of by {_listed(warned)}, not by {_listed(expect.warned)}"
    if (expect.retry_at is not None or expect.never_again) and decision.retry_at != expect.retry_at:
        yield f"retry_at is {_shown(decision.retry_at)}, not {_shown(expect.retry_at)}"
    if expect.needs_agent is not None and decision.needs_agent is not expect.needs_agent:
        yield f"needs_agent is {decision.needs_agent}"


def _not_kept(decision: Decision, *, warns: bool) -> frozenset[str]:
    broken = (result for result in decision.evaluated if not result.allowed)
    return frozenset(result.rule for result in broken if (result.effect is Effect.WARN) is warns)


def _listed(rules: frozenset[str]) -> str:
    return ", ".join(sorted(rules)) or "no rule"


def _shown(instant: datetime | None) -> str:
    return NEVER if instant is None else instant.isoformat()
