"""The alarms that the live board's topics give: trunks, disks, recordings, the ledger, retention, campaigns. Pure."""

from collections.abc import Callable, Iterator, Mapping

from dialer.model.campaign import CampaignState
from dialer.model.limiting import Factor
from dialer.supervising.alarm import Alarm, Facts, Severity, Topic
from dialer.words.bilingual import Bilingual

BUDGET_NEAR = 0.8
"""This share of an abandonment budget used is a warning."""
BUDGET_LEAST_LIVE = 100
"""Of fewer people nothing is said: one abandoned call would be an alarm."""


def of_topics(facts: Facts) -> Iterator[Alarm]:
    """What the topics say is wrong."""
    for topic, data in facts.topics.items():
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
    if data.get("state") == CampaignState.RUNNING.value and data.get("limiting_factor") in _STUCK:
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


def _number(data: Topic, key: str) -> float:
    value = data.get(key)
    return float(value) if isinstance(value, int | float) else 0.0


_STUCK: Mapping[str, Severity] = {
    Factor.FAULT.value: Severity.CRITICAL,
    Factor.NOT_RUN.value: Severity.CRITICAL,
    Factor.TRUNKS_DOWN.value: Severity.CRITICAL,
    Factor.RECORDING.value: Severity.CRITICAL,
    Factor.REFUSED.value: Severity.WARNING,
    Factor.NO_COLLECTOR.value: Severity.NOTICE,
}
"""What a campaign that should dial is held by, where somebody can mend it."""
_RULES: Mapping[str, Callable[[Facts, str, Topic], Iterator[Alarm]]] = {
    "trunk": _trunk,
    "spool": _spool,
    "recordings": _recordings,
    "ledger": _ledger,
    "retention": _retention,
    "campaign": _campaign,
}
