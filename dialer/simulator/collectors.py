"""Robot collectors: each sits at a desk through the REST API as a browser would, and records how its talks went."""

import asyncio
import logging
import random
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from dialer.api.client import ApiCallError, ApiClient

logger = logging.getLogger(__name__)

LOOK_S = 0.4
"""How often a robot looks at its desk."""
TRIES_AFTER_S = 2.0
WRITES_S = (0.8, 2.5)
"""How long a robot takes for its wrap-up or its look at a previewed case."""
SKIP_SHARE = 0.15
PROMISED_IN = timedelta(days=3)
MOST_PROMISED = 3000.0
RESULTS = {"third_party": "third_party", "third_party_stop": "third_party", "not_identified": "unsure"}
"""What some codes that are not the right person's say of who was on the line."""


class RobotCollector:
    """One collector at work. `run` lasts until it is cancelled."""

    def __init__(self, api: ApiClient, agent_id: int, campaign_ids: list[int], seed: int) -> None:
        self._api = api
        self._path = f"/v1/agents/{agent_id}"
        self._campaign_ids = campaign_ids
        self._chance = random.Random(seed)  # noqa: S311 - behaviour, not secrets

    async def run(self) -> None:
        """Logs in and works; what the service refuses is logged and tried again."""
        while True:
            try:
                await self._work()
                await asyncio.sleep(LOOK_S)
            except ApiCallError as error:
                logger.info("%s: %s", self._path, error)
                await asyncio.sleep(TRIES_AFTER_S)

    async def _work(self) -> None:
        desk = await self._desk()
        match desk["state"] if desk else "offline":
            case "offline":
                await self._api.post(f"{self._path}/log-in", {"campaign_ids": self._campaign_ids})
                await self._api.post(f"{self._path}/ready")
            case "break" | "aux" | "training":
                await self._api.post(f"{self._path}/ready")
            case "preview":
                await self._preview()
            case "wrapup":
                await self._wrap_up(desk)

    async def _desk(self) -> Any:
        try:
            return await self._api.get(self._path)
        except ApiCallError as error:
            if error.status == 404:
                return None
            raise

    async def _preview(self) -> None:
        await asyncio.sleep(self._chance.uniform(*WRITES_S))
        if self._chance.random() < SKIP_SHARE:
            await self._api.post(f"{self._path}/preview/skip", {"code": "reached_today"})
        else:
            await self._api.post(f"{self._path}/preview/dial")

    async def _wrap_up(self, desk: Mapping[str, Any]) -> None:
        await asyncio.sleep(self._chance.uniform(*WRITES_S))
        case = desk["case"]
        code = self._chance.choice([code for code in case["form"]["codes"] if not code["callback"]])
        case = await self._identified(case, code)
        needed = [field for field in case["form"]["fields"] if code["code"] in field["required_for"]]
        limits = {limit["name"]: limit for limit in case["limits"]}
        body = {
            "attempt_id": case["attempt_id"],
            "code": code["code"],
            "values": {field["name"]: self._value(field, limits.get(field["name"], {})) for field in needed},
        }
        await self._api.post(f"{self._path}/wrap-up", body)

    async def _identified(self, case: Mapping[str, Any], code: Mapping[str, Any]) -> Mapping[str, Any]:
        """The case once it is said who was on the line, where the code says that."""
        result = "confirmed" if code["right_party"] else RESULTS.get(code["code"])
        if result is None:
            return case
        word = {"attempt_id": case["attempt_id"], "result": result}
        said: Mapping[str, Any] = (await self._api.post(f"{self._path}/identity", word))["case"]
        return said

    def _value(self, field: Mapping[str, Any], limits: Mapping[str, Any]) -> str | bool:
        match field["kind"]:
            case "amount":
                most = float(limits.get("most") or MOST_PROMISED)
                return f"{self._chance.uniform(0.1, 1.0) * most:.2f}"
            case "date":
                today = date.fromisoformat(limits["first_day"]) if limits.get("first_day") else datetime.now(UTC).date()
                return (today + PROMISED_IN).isoformat()
            case "boolean":
                return True
            case "choice":
                return str(self._chance.choice(field["choices"]))
            case _:
                return "agreed on the telephone"
