"""The storage as the rest of the service sees it: one `async with` object with a part per subject."""

import asyncio
import logging
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, select

from dialer.clock import Clock
from dialer.errors import ConfigError, StorageError
from dialer.storage import tables
from dialer.storage.accounts import Accounts
from dialer.storage.agents import Agents
from dialer.storage.announcements import Announcements
from dialer.storage.attempts import Attempts
from dialer.storage.audit import Audit
from dialer.storage.budget_parts import BudgetParts
from dialer.storage.caller_id_figures import CallerIdFigures
from dialer.storage.campaign_history import CampaignHistory
from dialer.storage.campaigns import Campaigns
from dialer.storage.cases import Cases
from dialer.storage.collecting import Collecting
from dialer.storage.consents import Consents
from dialer.storage.crypto import Cipher
from dialer.storage.database import Database, PostgresDatabase, connect_to
from dialer.storage.deletions import Deletions
from dialer.storage.dialect import insert_missing
from dialer.storage.do_not_call import DoNotCallList
from dialer.storage.entries import Entries
from dialer.storage.evaluation_remarks import EvaluationRemarks
from dialer.storage.evaluations import Evaluations
from dialer.storage.explaining import Explaining
from dialer.storage.figures import Figures
from dialer.storage.holds import Holds
from dialer.storage.idempotency import Idempotency
from dialer.storage.identities import Identities
from dialer.storage.identity_checks import IdentityChecks
from dialer.storage.inconveniences import Inconveniences
from dialer.storage.keeping import Keeping
from dialer.storage.ledger_reading import LedgerReading
from dialer.storage.ledger_rows import LedgerRows
from dialer.storage.ledger_signing import LedgerSigning
from dialer.storage.lists import Lists
from dialer.storage.migrate import scripts, upgrade
from dialer.storage.outbox import Outbox
from dialer.storage.policies import Policies
from dialer.storage.prompts import Prompts
from dialer.storage.proof_reading import ProofReading
from dialer.storage.qa_candidates import QaCandidates
from dialer.storage.qa_figures import QaFigures
from dialer.storage.qa_listening import QaListening
from dialer.storage.qa_plans import QaPlans
from dialer.storage.qa_teams import QaTeams
from dialer.storage.qa_work import QaWork
from dialer.storage.recording_keys import RecordingKeys
from dialer.storage.recordings import Recordings
from dialer.storage.scorecards import Scorecards
from dialer.storage.scoring_rounds import ScoringRounds
from dialer.storage.sessions import Sessions
from dialer.storage.statistics import Statistics
from dialer.storage.stops import Stops
from dialer.storage.survey import Survey
from dialer.storage.verdict_samples import VerdictSamples
from dialer.storage.wrap_ups import WrapUps
from schedules.zones import candidates

logger = logging.getLogger(__name__)

MARK_INTERVAL_S = 0.25
"""How often attempts' progress is written down."""
KEY_CHECK = "key check"


class Storage:
    """The database; enter it before use. Entering upgrades the schema and checks the key."""

    def __init__(
        self, database: Database, cipher: Cipher, clock: Clock, mark_interval_s: float = MARK_INTERVAL_S
    ) -> None:
        self._database = database
        self._mark_interval_s = mark_interval_s
        self.cipher = cipher
        self.clock = clock
        self._tasks = asyncio.TaskGroup()
        self._closing = asyncio.Event()
        self.lists = Lists(database, cipher)
        self.campaigns = Campaigns(database)
        self.campaign_history = CampaignHistory(database)
        self.entries = Entries(database, cipher)
        self.announcements = Announcements(database)
        self.attempts = Attempts(database, cipher)
        self.wrap_ups = WrapUps(database, cipher)
        self.identity_checks = IdentityChecks(database)
        self.collecting = Collecting(database, cipher)
        self.cases = Cases(database)
        self.agents = Agents(database)
        self.do_not_call = DoNotCallList(database, cipher)
        self.consents = Consents(database)
        self.inconveniences = Inconveniences(database, cipher)
        self.stops = Stops(database)
        self.outbox = Outbox(database)
        self.proof_reading = ProofReading(database, cipher)
        self.explaining = Explaining(database, cipher)
        self.policies = Policies(database)
        self.budget_parts = BudgetParts(database)
        self.statistics = Statistics(database)
        self.figures = Figures(database)
        self.caller_id_figures = CallerIdFigures(database)
        self.survey = Survey(database, cipher)
        self.verdict_samples = VerdictSamples(database)
        self.idempotency = Idempotency(database, cipher)
        self._add_access(database)
        self._add_evidence(database)
        self._add_quality(database, cipher)

    def _add_access(self, database: Database) -> None:
        self.accounts = Accounts(database)
        self.identities = Identities(database)
        self.sessions = Sessions(database)
        self.audit = Audit(database)
        self.prompts = Prompts(database)

    def _add_evidence(self, database: Database) -> None:
        self.recordings = Recordings(database)
        self.recording_keys = RecordingKeys(database)
        self.keeping = Keeping(database)
        self.holds = Holds(database)
        self.deletions = Deletions(database)
        self.ledger_signing = LedgerSigning(database)
        self.ledger_reading = LedgerReading(database)
        self.ledger_rows = LedgerRows(database)

    def _add_quality(self, database: Database, cipher: Cipher) -> None:
        self.qa_plans = QaPlans(database)
        self.qa_candidates = QaCandidates(database, cipher)
        self.qa_listening = QaListening(database)
        self.qa_work = QaWork(database)
        self.qa_figures = QaFigures(database)
        self.qa_teams = QaTeams(database)
        self.scorecards = Scorecards(database)
        self.scoring_rounds = ScoringRounds(database)
        self.evaluations = Evaluations(database)
        self.evaluation_remarks = EvaluationRemarks(database)

    @classmethod
    def open(cls, url: str, key: bytes, clock: Clock) -> "Storage":
        """The storage behind a URL (`database.connect_to`) with its 32-byte key; nothing is touched before entering.

        Entering raises SchemaVersionError (a newer program wrote it), ConfigError (not the key it was made with) and
        StorageError (it cannot be reached or read).
        """
        return cls(connect_to(url), Cipher(key), clock)

    @property
    def is_shared(self) -> bool:
        """Whether other nodes may be at work on this database."""
        return isinstance(self._database, PostgresDatabase)

    def number_index(self, number: str) -> bytes:
        """What a number (E.164) is stored under; without the key nothing can be told from it."""
        return self.cipher.number_index(number)

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(_warm_up)
        await self._database.__aenter__()
        try:
            await self._database.write(lambda connection: upgrade(connection, self._database.where))
            await self._database.write(lambda connection: _check_key(connection, self.cipher, self._database.where))
        except BaseException:
            await self._database.__aexit__(None, None, None)
            raise
        await self._tasks.__aenter__()
        self._tasks.create_task(self._write_marks(), name="storage marks")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        try:
            await self._tasks.__aexit__(None, None, None)
        finally:
            await self._database.__aexit__(None, None, None)

    async def _write_marks(self) -> None:
        while not self._closing.is_set():
            try:
                async with asyncio.timeout(self._mark_interval_s):
                    await self._closing.wait()
            except TimeoutError:
                pass
            try:
                await self.attempts.flush_marks()
            except StorageError:
                # Marks are a convenience: what settles an attempt brings all its instants along.
                logger.exception("progress of attempts was not written", extra={"action": "mark"})


def _warm_up() -> None:
    """Reads from disk, in a thread, what would otherwise be read inside the event loop."""
    scripts()
    candidates("+8613800001234")
    candidates("+8699112345678")


def _check_key(connection: Connection, cipher: Cipher, where: str) -> None:
    properties = tables.properties
    insert_missing(connection, properties, [{"name": KEY_CHECK, "value": cipher.check_value}])
    query = select(properties.c.value).where(properties.c.name == KEY_CHECK)
    if connection.execute(query).scalar_one() != cipher.check_value:
        raise ConfigError(
            f"{where}: database.key is not the key this database was made with; "
            "put the right key back (the file secret.key, or the value of database.key)"
        )


__all__ = ["Storage"]
