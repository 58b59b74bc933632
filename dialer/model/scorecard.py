"""Scorecards as they are kept: what all versions have in common, and each version with its content."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from recording.review.scorecard import Scorecard


class VersionState(str, Enum):
    """DRAFT: nobody scores by it yet. FROZEN: it never changes again. RETIRED: frozen, and nothing is begun with it."""

    DRAFT = "draft"
    FROZEN = "frozen"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorecardVersion:
    """One version. `number` counts frozen versions from 1, 0: the draft. `revision` grows with each change.

    `digest` is the SHA-256 of the content's canonical JSON; a draft has none yet.
    """

    version_id: int
    scorecard_id: int
    number: int
    revision: int
    content: Scorecard
    digest: str
    changed_by: str
    changed_at: datetime
    frozen_by: str = ""
    frozen_at: datetime | None = None
    retired_by: str = ""
    retired_at: datetime | None = None

    @property
    def state(self) -> VersionState:
        """How far it is."""
        if self.frozen_at is None:
            return VersionState.DRAFT
        return VersionState.FROZEN if self.retired_at is None else VersionState.RETIRED


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorecardInfo:
    """A scorecard with its versions: the draft first, then the newest."""

    scorecard_id: int
    name: str
    created_by: str
    created_at: datetime
    versions: tuple[ScorecardVersion, ...]

    @property
    def draft(self) -> ScorecardVersion | None:
        """What is being worked on, if anything is."""
        return next((version for version in self.versions if version.state is VersionState.DRAFT), None)

    @property
    def current(self) -> ScorecardVersion | None:
        """The newest that calls may be scored by."""
        return next((version for version in self.versions if version.state is VersionState.FROZEN), None)
