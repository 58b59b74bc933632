"""What is wrong on a node, in words, and what to do about it. Pure: from the live board's topics and a few counts.

An alarm lasts as long as its reason: nothing is remembered here. Its key says what it is about, so that the same
trouble a minute later is the same alarm.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from dialer.model.campaign import CampaignState
from dialer.supervising.words import Bilingual

Topic = Mapping[str, object]

BUDGET_NEAR = 0.8
"""This share of an abandonment budget used is a warning."""
BUDGET_LEAST_LIVE = 100
"""Of fewer people nothing is said: one abandoned call would be an alarm."""
RUNS_OUT_WITHIN_DAYS = 45
OUTBOX_FULL = 5_000
"""Events that wait for one destination: more than a short break of the case system leaves."""
CLOCK_STEP_S = 2.0


class Severity(str, Enum):
    """CRITICAL: calls or evidence are lost now; WARNING: they will be; NOTICE: somebody should know."""

    CRITICAL = "critical"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One trouble. `subject` is what it is about: a trunk, a campaign's number, a node, a destination."""

    code: str
    subject: str
    severity: Severity
    words: Bilingual
    advice: Bilingual

    @property
    def key(self) -> str:
        """Names this trouble, for as long as it lasts."""
        return f"{self.code}/{self.subject}"


@dataclass(frozen=True, slots=True)
class RunsOut:
    """A calendar or a policy pack that ends."""

    kind: str
    name: str
    last_day: date
    left_days: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What the node knows. `topics` is the live board; `clock_step_s` how far the wall clock jumped since the start.

    `waiting` and `dead` count the outbox's events by destination; `storage_problem` "": the database answers.
    """

    topics: Mapping[str, Topic] = field(default_factory=dict)
    waiting: Mapping[str, int] = field(default_factory=dict)
    dead: Mapping[str, int] = field(default_factory=dict)
    runs_out: tuple[RunsOut, ...] = ()
    clock_step_s: float = 0.0
    node: str = ""
    storage_problem: str = ""


def alarms_of(facts: Facts) -> tuple[Alarm, ...]:
    """Every trouble there is, the gravest first."""
    found = [alarm for topic, data in facts.topics.items() for alarm in _of_topic(facts, topic, data)]
    found += [*_of_outbox(facts), *map(_running_out, facts.runs_out), *_of_node(facts)]
    order = list(Severity)
    return tuple(sorted(found, key=lambda alarm: (order.index(alarm.severity), alarm.key)))


def _of_topic(facts: Facts, topic: str, data: Topic) -> Iterator[Alarm]:
    kind, _, subject = topic.partition("/")
    rule = _RULES.get(kind)
    if rule is not None:
        yield from rule(facts, subject, data)


def _trunk(facts: Facts, name: str, data: Topic) -> Iterator[Alarm]:
    if data.get("is_up") is False:
        others = [
            other
            for topic, other in facts.topics.items()
            if topic.startswith("trunk/") and other.get("group") == data.get("group") and other.get("is_up")
        ]
        yield Alarm(
            "trunk_down",
            name,
            Severity.WARNING if others else Severity.CRITICAL,
            Bilingual(
                f"trunk {name} does not answer" + ("" if others else "; its group has no other one: nothing is dialed"),
                f"线路 {name} 无应答" + ("" if others else "，所在线路组无其他可用线路，无法外呼"),
            ),
            Bilingual(
                "look at its messages on the trunk's page; ask the carrier; check address, port and firewall",
                "在线路页面查看信令；联系运营商；检查地址、端口和防火墙",
            ),
        )
    elif data.get("obstacle") == "backing off":
        yield Alarm(
            "trunk_held",
            name,
            Severity.WARNING,
            Bilingual(
                f"trunk {name} is left out for a while: it refused calls as too many, or as not configured",
                f"线路 {name} 暂停使用：对端以过载或配置原因拒绝了呼叫",
            ),
            Bilingual(
                "its page says which status it answers; lower channels or calls per second, or mend the account",
                "在线路页面查看拒绝状态码；降低通道数或每秒呼叫数，或修正账号配置",
            ),
        )


def _spool(facts: Facts, node: str, data: Topic) -> Iterator[Alarm]:
    obstacle, alarm = str(data.get("obstacle") or ""), str(data.get("alarm") or "")
    if obstacle:
        yield Alarm(
            "recording_impossible",
            node,
            Severity.CRITICAL,
            Bilingual(f"no new call, it could not be recorded: {obstacle}", f"无法录音，停止新呼叫：{obstacle}"),
            Bilingual(
                "free space on the disk of the spool, or mend it; calls go on by themselves then",
                "清理或修复录音缓存磁盘，恢复后自动继续外呼",
            ),
        )
    if alarm:
        yield Alarm(
            "recording_at_risk",
            node,
            Severity.WARNING,
            Bilingual(f"recordings are at risk: {alarm}", f"录音存在风险：{alarm}"),
            Bilingual("mend the first disk before the second one fails too", "请在备用磁盘也出问题之前修复主磁盘"),
        )


def _recordings(facts: Facts, node: str, data: Topic) -> Iterator[Alarm]:
    problem, failed = str(data.get("problem") or ""), _number(data, "failed")
    if problem or failed:
        yield Alarm(
            "recordings_not_stored",
            node,
            Severity.WARNING,
            Bilingual(
                f"recordings are not stored: {failed:.0f} failed and will be tried again. {problem}".strip(),
                f"录音未能入库：{failed:.0f} 个失败，将重试。{problem}",
            ),
            Bilingual("see that the store answers and has room", "检查录音存储是否可用、空间是否足够"),
        )


def _ledger(facts: Facts, chain: str, data: Topic) -> Iterator[Alarm]:
    if data.get("problem"):
        yield Alarm(
            "ledger_unsigned",
            chain,
            Severity.CRITICAL,
            Bilingual(f"the evidence ledger is not signed: {data['problem']}", f"证据账本未签名：{data['problem']}"),
            Bilingual(
                "keep the database as it is and call who looks after the ledger; docs/evidence.md says what to do",
                "保持数据库原状并联系账本负责人，处理步骤见 docs/evidence.md",
            ),
        )
    elif data.get("stamp_failed"):
        yield Alarm(
            "ledger_not_stamped",
            chain,
            Severity.WARNING,
            Bilingual("the ledger gets no time stamp", "证据账本未能取得时间戳"),
            Bilingual("see that the time-stamping service answers", "检查时间戳服务是否可用"),
        )


def _retention(facts: Facts, node: str, data: Topic) -> Iterator[Alarm]:
    overdue = _number(data, "overdue")
    if overdue:
        yield Alarm(
            "retention_overdue",
            node,
            Severity.WARNING,
            Bilingual(
                f"{overdue:.0f} recordings should be gone by the rules, and nobody asked for their deletion",
                f"{overdue:.0f} 个录音已超过保存期限，尚未申请删除",
            ),
            Bilingual("ask for their deletion; a second person has to allow it", "申请删除，并由另一人批准"),
        )


def _campaign(facts: Facts, subject: str, data: Topic) -> Iterator[Alarm]:
    name = str(data.get("name") or subject)
    yield from _budget(subject, name, data)
    if data.get("state") in (CampaignState.RUNNING.value, None) and data.get("limiting_factor") in _STUCK:
        limiting = data.get("limiting_words")
        words = limiting if isinstance(limiting, Mapping) else {}
        english = str(data.get("limiting") or words.get("en", ""))
        yield Alarm(
            "campaign_stuck",
            subject,
            _STUCK[str(data["limiting_factor"])],
            Bilingual(
                f"campaign {name} wants to dial and cannot: {english}",
                f"活动 {name} 无法外呼：{words.get('zh', english)}",
            ),
            Bilingual("see the campaign's page: what keeps it is said there", "请在活动页面查看受阻原因"),
        )


def _budget(subject: str, name: str, data: Topic) -> Iterator[Alarm]:
    live, used, target = (_number(data, key) for key in ("live", "abandoned", "budget_target"))
    allowed = target * live
    if live < BUDGET_LEAST_LIVE or used < BUDGET_NEAR * allowed:
        return
    is_spent = used >= allowed
    share, limit = f"{used / live:.2%}", f"{target:.2%}"
    yield Alarm(
        "abandonment_spent" if is_spent else "abandonment_near",
        subject,
        Severity.CRITICAL if is_spent else Severity.WARNING,
        Bilingual(
            f"campaign {name}: {share} of people abandoned, {limit} are allowed",
            f"活动 {name}：放弃率 {share}，上限 {limit}",
        ),
        Bilingual(
            "the pace goes down to one call per ready collector by itself; more collectors, or another mode, help",
            "系统已自动降速至每位就绪催收员一路；可增加催收员或更换模式",
        ),
    )


def _of_outbox(facts: Facts) -> Iterator[Alarm]:
    for destination, n_dead in facts.dead.items():
        if n_dead:
            yield Alarm(
                "outcomes_given_up",
                destination,
                Severity.WARNING,
                Bilingual(
                    f"{n_dead} outcomes were given up: {destination} did not take them",
                    f"{n_dead} 条结果投递失败：{destination} 未接收",
                ),
                Bilingual("see why, then replay them: `dialer outbox`", "查明原因后重新投递：dialer outbox"),
            )
    for destination, n_waiting in facts.waiting.items():
        if n_waiting > OUTBOX_FULL:
            yield Alarm(
                "outcomes_wait",
                destination,
                Severity.WARNING,
                Bilingual(
                    f"{n_waiting} outcomes wait for {destination}", f"{n_waiting} 条结果等待投递至 {destination}"
                ),
                Bilingual("see that the receiver answers, and how fast", "检查接收方是否响应以及处理速度"),
            )


def _running_out(found: RunsOut) -> Alarm:
    is_over = found.left_days < 0
    kind_zh = {"calendar": "工作日历", "pack": "规则包"}[found.kind]
    return Alarm(
        f"{found.kind}_ends",
        found.name,
        Severity.CRITICAL if is_over else Severity.NOTICE,
        Bilingual(
            f"the {found.kind} {found.name} {'ended' if is_over else 'ends'} on {found.last_day}; "
            "after that day every call is refused",
            f"{kind_zh} {found.name} {'已于' if is_over else '将于'} {found.last_day} 到期，之后所有呼叫都会被拒绝",
        ),
        Bilingual(
            "add the next year's days" if found.kind == "calendar" else "add its next version",
            "补充下一年度日历" if found.kind == "calendar" else "添加下一版本",
        ),
    )


def _of_node(facts: Facts) -> Iterator[Alarm]:
    if facts.storage_problem:
        yield Alarm(
            "database_down",
            facts.node,
            Severity.CRITICAL,
            Bilingual(
                f"the database does not answer: {facts.storage_problem}", f"数据库无响应：{facts.storage_problem}"
            ),
            Bilingual(
                "no call is placed without it; see that it runs and has room",
                "数据库不可用时不外呼；请检查其运行和空间",
            ),
        )
    if abs(facts.clock_step_s) >= CLOCK_STEP_S:
        yield Alarm(
            "clock_stepped",
            facts.node,
            Severity.WARNING,
            Bilingual(
                f"the clock of {facts.node} was moved by {facts.clock_step_s:+.1f} s since the service started",
                f"节点 {facts.node} 的系统时钟自启动以来被调整 {facts.clock_step_s:+.1f} 秒",
            ),
            Bilingual(
                "calling hours and evidence go by it: see that the machine keeps time (NTP)",
                "呼叫时段和证据均依据该时钟，请检查时间同步（NTP）",
            ),
        )


def _number(data: Topic, key: str) -> float:
    value = data.get(key)
    return float(value) if isinstance(value, int | float) else 0.0


_STUCK: Mapping[str, Severity] = {
    "fault": Severity.CRITICAL,
    "not_run": Severity.CRITICAL,
    "trunks_down": Severity.CRITICAL,
    "recording": Severity.CRITICAL,
    "refused": Severity.WARNING,
    "no_collector": Severity.NOTICE,
}
"""What a campaign that should dial is held by, where somebody can mend it (`campaigns.loop.limiting`)."""
_RULES: Mapping[str, Callable[[Facts, str, Topic], Iterator[Alarm]]] = {
    "trunk": _trunk,
    "spool": _spool,
    "recordings": _recordings,
    "ledger": _ledger,
    "retention": _retention,
    "campaign": _campaign,
}
