"""What is wrong on a node, in words, and what to do about it. Pure: from the live board's topics and a few counts.

An alarm lasts as long as its reason: nothing is remembered here. Its key says what it is about, so that the same
trouble a minute later is the same alarm.
"""

from collections.abc import Iterator

from dialer.supervising.alarm import Alarm, Facts, RunsOut, Severity
from dialer.supervising.alarm_rules import of_topics
from dialer.words.bilingual import Bilingual
from dialer.words.catalogue import in_both

RUNS_OUT_WITHIN_DAYS = 45
OUTBOX_FULL = 5_000
"""Events that wait for one destination: more than a short break of the case system leaves."""
CLOCK_STEP_S = 2.0


def alarms_of(facts: Facts) -> tuple[Alarm, ...]:
    """Every trouble there is, the gravest first."""
    found = [*of_topics(facts), *_of_outbox(facts), *map(_running_out, facts.runs_out), *_of_node(facts)]
    order = list(Severity)
    return tuple(sorted(found, key=lambda alarm: (order.index(alarm.severity), alarm.key)))


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
        problem = in_both(facts.storage_problem)
        yield Alarm(
            "database_down",
            facts.node,
            Severity.CRITICAL,
            Bilingual(f"the database does not answer: {problem.en}", f"数据库无响应：{problem.zh or problem.en}"),
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
