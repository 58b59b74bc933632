"""Asks the configured time-stamping authority for stamps (RFC 3161 over HTTP), as often as is configured.

An authority that does not answer, or whose answer does not hold, costs nothing but its stamp: it is asked again with
the next signature, the log alarms once, and signing goes on.
"""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import aiohttp
from cryptography.x509 import Certificate

from dialer.clock import Clock
from dialer.config_recordings import EvidenceConfig
from dialer.errors import ConfigError
from recording.stamps import QUERY_TYPE, StampError, check_stamp, make_query, read_certificates

logger = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 15.0
TRIES = 3
RETRY_PAUSE_S = 2.0
MAX_ANSWER_BYTES = 64 * 1024
"""Answers have a few kilobytes."""


class TimeStamping:
    """One node's dealings with its authority."""

    def __init__(self, config: EvidenceConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._trusted: Sequence[Certificate] = ()
        self._stamped_at: float | None = None
        self.problem = ""
        """Why the last stamp was not had, in words; "": it was."""

    async def prepare(self) -> None:
        """Reads the authority's certificates. Raises ConfigError."""
        self._trusted = await asyncio.to_thread(trusted_authorities, self._config)

    @property
    def is_due(self) -> bool:
        """Whether a stamp is to be had now."""
        if not self._config.tsa_url:
            return False
        return self._stamped_at is None or self._clock.monotonic() - self._stamped_at >= self._config.tsa_interval_s

    async def stamp(self, data: bytes) -> bytes | None:
        """The authority's answer (DER), checked; None: there is none that holds (`problem` says why)."""
        for turn in range(TRIES):
            if turn:
                await asyncio.sleep(RETRY_PAUSE_S)
            try:
                answer = await self._ask(data)
            except (StampError, aiohttp.ClientError, TimeoutError) as error:
                problem = str(error) or type(error).__name__
                continue
            self._stamped_at = self._clock.monotonic()
            self._tell("")
            return answer
        self._tell(problem)
        return None

    async def _ask(self, data: bytes) -> bytes:
        query = make_query(data)
        timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(
                self._config.tsa_url, data=query.body, headers={"Content-Type": QUERY_TYPE}, allow_redirects=False
            ) as response,
        ):
            if response.status != 200:
                raise StampError(f"the authority answered with HTTP status {response.status}")
            answer = await response.content.read(MAX_ANSWER_BYTES + 1)
        if len(answer) > MAX_ANSWER_BYTES:
            raise StampError("the authority's answer is too long for a time stamp")
        check_stamp(answer, data, self._trusted, query.nonce)
        return answer

    def _tell(self, problem: str) -> None:
        facts = {"action": "time_stamp", "problem": problem or self.problem}
        if problem and not self.problem:
            logger.error("the ledger's head could not be stamped", extra=facts)
        elif self.problem and not problem:
            logger.info("the ledger's heads are stamped again", extra=facts)
        self.problem = problem


def trusted_authorities(config: EvidenceConfig) -> tuple[Certificate, ...]:
    """The certificates that stamps are checked against; none where nobody stamps. Blocks; raises ConfigError."""
    path = config.tsa_certificate
    if path is None:
        if config.tsa_url:
            raise ConfigError("evidence.tsa_certificate is missing: without it no time stamp of tsa_url can be checked")
        return ()
    return read_authorities(path)


def read_authorities(path: Path) -> tuple[Certificate, ...]:
    """The certificates of a PEM file. Blocks; raises ConfigError."""
    try:
        return read_certificates(path)
    except StampError as error:
        raise ConfigError(f"evidence.tsa_certificate: {error}") from error
