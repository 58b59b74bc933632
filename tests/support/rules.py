"""Small policies for tests: a pack of the rules that a test is about, and nothing else."""

import json
from collections.abc import Mapping

from dialer.compliance.packs import parse_pack
from dialer.compliance.policy import Policy
from tests.support.policy import REGISTRY

Rule = Mapping[str, object]
TODAY = {"inclusive_days": 1}


def policy_of(*rules: Rule, name: str = "test") -> Policy:
    """A policy of these rules alone. Reads files the first time: make it outside the event loop."""
    pack = {
        "pack": name,
        "title": "Rules of a test",
        "status": "in force",
        "source": "none",
        "jurisdiction": "CN",
        "valid_from": "2025-01-01",
        "zone": "Asia/Shanghai",
        "rules": [{"id": f"{name}.{n}", "source": "none"} | dict(rule) for n, rule in enumerate(rules)],
    }
    return Policy((parse_pack(json.dumps(pack), f"{name}.yaml"),), REGISTRY)


def cap(scope: str, limit: int, event: str = "placed", **more: object) -> Rule:
    """At most so many a day, by the pack's clock, unless another span is given."""
    rule: dict[str, object] = {"kind": "cap", "scope": scope, "event": event, "limit": limit, "span": TODAY, **more}
    narrow = scope not in ("campaign", "campaign_trunk", "caller_id", "collector", "agency")
    return rule | {"zones": "pack"} if narrow and rule["span"] == TODAY else rule
