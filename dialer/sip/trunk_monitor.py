"""Watches the trunks: resolves their names and sends each an OPTIONS every so often (RFC 3261 §11). A shell."""

import asyncio
import logging
import socket

from dialer.config import TrunkConfig
from dialer.errors import TransportError
from dialer.sip.endpoint import SipEndpoint
from dialer.sip.events import is_address
from dialer.sip.trunks import Trunks
from dialer.sip.uri import SipUri

logger = logging.getLogger(__name__)

RESOLVE_TIMEOUT_S = 5.0
OPTIONS_TIMEOUT_S = 4.0
"""Long enough for three repeats (0.5, 1.5, 3.5 s) of an OPTIONS over UDP."""


class TrunkMonitor:
    """Keeps `trunks` informed; `run` is a task of its owner."""

    def __init__(self, trunks: Trunks, endpoint: SipEndpoint) -> None:
        self._trunks = trunks
        self._endpoint = endpoint

    async def resolve(self) -> None:
        """Resolves every trunk's host once; to be awaited before the first call."""
        async with asyncio.TaskGroup() as tasks:
            for config in self._trunks.configs:
                tasks.create_task(self._resolve(config))

    async def run(self) -> None:
        """Watches all trunks until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for config in self._trunks.configs:
                tasks.create_task(self._watch(config))

    async def _watch(self, config: TrunkConfig) -> None:
        while True:
            await self._resolve(config)
            destination = self._trunks.destination(config.name)
            if destination is not None:
                target = SipUri.build("", config.host, None if config.port == 5060 else config.port)
                try:
                    status = await self._endpoint.options(target, destination, OPTIONS_TIMEOUT_S)
                except TransportError as error:
                    logger.error("cannot send OPTIONS", extra={"trunk": config.name, "error": str(error)})
                    status = None
                self._trunks.observe_options(config.name, status)
            await asyncio.sleep(config.options_interval_s)

    async def _resolve(self, config: TrunkConfig) -> None:
        """Failure keeps what was known before."""
        if is_address(config.host):
            return
        try:
            async with asyncio.timeout(RESOLVE_TIMEOUT_S):
                found = await asyncio.get_running_loop().getaddrinfo(
                    config.host, config.port, family=socket.AF_INET, type=socket.SOCK_DGRAM
                )
        except OSError as error:  # TimeoutError is one
            logger.warning("cannot resolve a trunk", extra={"trunk": config.name, "error": str(error)})
            return
        self._trunks.set_destinations(config.name, list(dict.fromkeys(str(entry[4][0]) for entry in found)))
