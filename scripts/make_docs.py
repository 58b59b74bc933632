"""Writes what is generated in docs/: configuration.md, events.md and openapi.json from the code, state-machines.md
from the state tables; in verdict-samples.md the table of bounds, in simulating.md the keys of a scenario.

`--check` writes nothing and fails when a file is not what would be written.
"""

import dataclasses
import inspect
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import time
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from dialer.agents import state as agent_state
from dialer.api.app import openapi_document
from dialer.calls import attempt
from dialer.campaigns import lifecycle
from dialer.config import Config
from dialer.model.outcome import EventType
from dialer.model.proportion import wilson
from dialer.outcomes import payloads
from dialer.simulator.scenario import Duration, Part, Scenario, Shift
from dialer.simulator.scenario_checks import RANGES
from dialer.simulator.scenario_file import written
from dialer.sip import answering, invite, transaction
from recording.review import evaluation_state

DOCS = Path(__file__).parent.parent / "docs"

EVENTS_HEAD = """# Events

What the case system is told. Each event is a CloudEvents 1.0 envelope in JSON (`application/cloudevents+json`), sent to
every configured destination at least once, in order per case (`subject` is the case), under an `id` that never changes:
a receiver that keeps ids sees each event exactly once. `sequence` grows with every event.

- **Webhooks** are signed per [Standard Webhooks](https://www.standardwebhooks.com/): `webhook-id`, `webhook-timestamp`,
  `webhook-signature: v1,<base64 HMAC-SHA-256 over id.timestamp.body>`, one signature per configured secret, newest
  first. Any 2xx takes the event. Everything else is tried again with growing pauses (`Retry-After` is honoured); what
  stays refused becomes a dead letter, and the case's next event follows.
- **MQTT 5**: QoS 1, topic `<prefix>/events/<type>`, the same JSON. An event counts as taken when its PUBACK says so.

`dialer outbox status` shows what waits and what was given up; `dialer outbox replay DESTINATION --from SEQUENCE` offers
events again. Numbers are masked in every event, names never occur. Instants are RFC 3339 in UTC.

The tables below are generated from the JSON Schemas in `dialer/outcomes/schemas/` (`make docs`).
"""

CONFIGURATION_HEAD = """# Configuration

One TOML file, read once at the start; `dialer check` looks it over. An unknown key is an error that names the nearest
known one. Secrets (`url`, `key`, `password`, `secrets`) may be written as `env:NAME` or `file:PATH` instead of in
clear. [examples/dialer.toml](../examples/dialer.toml) is a start.

Generated from `dialer/config.py` (`make docs`).
"""

BOUNDS_BEGIN = "<!-- bounds: computed by scripts/make_docs.py -->\n"
KEYS_BEGIN = "<!-- keys: from dialer/simulator/scenario.py by scripts/make_docs.py -->\n"
GENERATED_END = "<!-- end -->"
BOUNDS_LISTENED = (20, 50, 100, 200, 500, 1000, 2000)
BOUNDS_PEOPLE = (0, 1, 2, 5, 10)

MACHINES_HEAD = """# State machines

Generated from the tables in the code (`make docs`); what a table cannot say stands above it in its module.
"""


def main() -> int:
    """Writes or checks every generated document; the exit code."""
    wanted = {
        DOCS / "configuration.md": configuration_page(),
        DOCS / "events.md": events_page(),
        DOCS / "openapi.json": json.dumps(openapi_document(), indent=1, ensure_ascii=False) + "\n",
        DOCS / "state-machines.md": machines_page(),
        DOCS / "verdict-samples.md": with_bounds((DOCS / "verdict-samples.md").read_text(encoding="utf-8")),
        DOCS / "simulating.md": with_keys((DOCS / "simulating.md").read_text(encoding="utf-8")),
    }
    if "--check" not in sys.argv:
        for path, text in wanted.items():
            path.write_text(text, encoding="utf-8")
        return 0
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        print(f"{path.relative_to(DOCS.parent)} is out of date; run `make docs`")
    return int(bool(stale))


def configuration_page() -> str:
    """Every section with every key: default, meaning."""
    parts = [CONFIGURATION_HEAD]
    for name, field in Config.model_fields.items():
        section, is_list = _section(field.annotation)
        title = f"[[{name}]]" if is_list else f"[{name}]"
        parts.append(f"\n## `{title}`\n{section.__doc__}\n\n| key | default | meaning |\n|---|---|---|\n")
        for key, value in section.model_fields.items():
            default = "required" if value.is_required() else f"`{json.dumps(value.default, default=str)}`"
            parts.append(f"| `{key}` | {default} | {' '.join((value.description or '').split())} |\n")
    return "".join(parts)


def _section(annotation: object) -> tuple[type[BaseModel], bool]:
    """The section behind a field of the configuration, and whether there may be several."""
    options = [annotation, *get_args(annotation)]
    section = next(option for option in options if isinstance(option, type) and issubclass(option, BaseModel))
    return section, get_origin(annotation) is tuple


def with_bounds(page: str) -> str:
    """docs/verdict-samples.md with its table: what so many people among so many verdicts say at most of their share."""
    lines = [
        "| listened to | " + " | ".join(f"people: {people}" for people in BOUNDS_PEOPLE) + " |",
        "|---" * (len(BOUNDS_PEOPLE) + 1) + "|",
    ]
    for n in BOUNDS_LISTENED:
        bounds = (f"{100 * wilson(people, n).high:.2f} %" for people in BOUNDS_PEOPLE)
        lines.append(f"| {n} | " + " | ".join(bounds) + " |")
    return _with_generated(page, BOUNDS_BEGIN, "\n".join(lines) + "\n")


def with_keys(page: str) -> str:
    """docs/simulating.md with the tables and keys of a scenario."""
    sections = [*_scenario_sections(Scenario, ""), ("A duration with bounds", Duration), ("A part of a duration", Part)]
    return _with_generated(page, KEYS_BEGIN, "\n".join(_scenario_section(*section) for section in sections))


def _scenario_sections(kind: type, place: str) -> Iterator[tuple[str, type]]:
    """A table and those within it, with the headers they have in TOML."""
    yield f"`[{place}]`" if place else "At the top", kind
    for name, hint in get_type_hints(kind).items():
        inner: Any = next((one for one in get_args(hint) or (hint,) if dataclasses.is_dataclass(one)), Duration)
        if inner is Duration:
            continue
        key = f"{place}.{name}" if place else name
        for title, section in _scenario_sections(inner, key):
            yield title.replace(f"[{key}]", f"[[{key}]]") if get_origin(hint) is tuple else title, section


def _scenario_section(title: str, kind: type) -> str:
    lines = [f"### {title}", inspect.getdoc(kind) or "", ""]
    lines += ["| key | default | allowed |", "|---|---|---|"]
    for field in dataclasses.fields(kind):
        hint = get_type_hints(kind)[field.name]
        allowed = RANGES.get(kind, {}).get(field.name, "")
        if isinstance(hint, type) and issubclass(hint, Enum):
            allowed = ", ".join(f"`{member.value}`" for member in hint)
        default = "all day" if kind is Shift and hint is time else _scenario_default(field)
        lines.append(f"| `{field.name}` | {default} | {allowed} |")
    return "\n".join(lines) + "\n"


def _scenario_default(field: "dataclasses.Field[Any]") -> str:
    default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
    if default is dataclasses.MISSING:
        return "required"
    nothing = default in (None, (), {})
    tables = dataclasses.is_dataclass(default) and not isinstance(default, Duration)
    several = isinstance(default, tuple) and any(map(dataclasses.is_dataclass, default))
    return "none" if nothing else "see there" if tables or several else f"`{written(default)}`"


def _with_generated(page: str, begins: str, text: str) -> str:
    """The page with what stands between a mark and the next end replaced."""
    before, begins, rest = page.partition(begins)
    _, ends, after = rest.partition(GENERATED_END)
    return before + begins + text + ends + after


def events_page() -> str:
    """docs/events.md."""
    return EVENTS_HEAD + "".join(_event_section(event_type) for event_type in EventType)


def machines_page() -> str:
    """docs/state-machines.md."""
    parts = [MACHINES_HEAD]
    parts.append(_diagram("Campaign", "dialer/campaigns/lifecycle.py", _plain(lifecycle.TRANSITIONS.items())))
    parts.append(_diagram("Collector", "dialer/agents/state.py", _plain(agent_state.TABLE.items())))
    evaluation = "recording/review/evaluation_state.py"
    parts.append(_diagram("Evaluation", evaluation, _plain(evaluation_state.TRANSITIONS.items())))
    parts.append(_attempt_section())
    for machine in (
        transaction.InviteClient,
        transaction.NonInviteClient,
        transaction.InviteServer,
        transaction.NonInviteServer,
        invite.OutgoingInvite,
        answering.IncomingInvite,
    ):
        path = machine.__module__.replace(".", "/") + ".py"
        arrows = {key: target for key, (_, target) in machine.TABLE.items()}
        parts.append(_diagram(f"SIP {machine.__name__}", path, _plain(arrows.items())))
    return "\n".join(parts)


def _event_section(event_type: EventType) -> str:
    schema = payloads.schema(event_type)
    properties = schema["properties"]
    assert isinstance(properties, Mapping)
    lines = [
        f"\n## `{event_type.value}`",
        f"{schema['description']}",
        "",
        "| field | type | meaning |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{name}` | {_type_words(part)} | {part.get('description', '')} |" for name, part in properties.items()
    ]
    return "\n".join(lines) + "\n"


def _type_words(part: Mapping[str, object]) -> str:
    if "enum" in part:
        values = part["enum"]
        assert isinstance(values, list)
        return ", ".join("null" if value is None else str(value) for value in values)
    if "oneOf" in part:
        return "object or null"
    kind = part["type"]
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return words.replace("string", "instant") if part.get("format") == "date-time" else words


def _plain(arrows: Iterable[tuple[tuple[Enum, Enum], Enum]]) -> list[tuple[str, str, str]]:
    """(from, event, to) in words; a target that is not a state names a rule of the module."""
    return [(_word(old), _word(event), _word(new)) for (old, event), new in arrows]


def _word(value: Enum) -> str:
    return value.name.lower() if " " in str(value.value) else str(value.value)


def _diagram(title: str, path: str, arrows: list[tuple[str, str, str]]) -> str:
    by_pair: dict[tuple[str, str], list[str]] = {}
    for old, event, new in arrows:
        by_pair.setdefault((old, new), []).append(event)
    lines = [f"    {old} --> {new}: {', '.join(events)}" for (old, new), events in by_pair.items()]
    return "\n".join([f"## {title}", f"`{path}`", "", "```mermaid", "stateDiagram-v2", *lines, "```", ""])


def _attempt_section() -> str:
    """The attempt's table names an action per phase and signal; the action says where it leads."""
    lines = ["## Attempt", "`dialer/calls/attempt.py`", "", "| phase | signal | action |", "|---|---|---|"]
    for (phase, kind), action in attempt.TABLE.items():
        name = getattr(action, "__name__", str(action)).strip("_").replace("_", " ")
        lines.append(f"| {phase.value} | {kind.value} | {name} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
