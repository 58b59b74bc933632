"""What each setting of a campaign is called, does and rests on, in English and Chinese.

Ranges, defaults and choices are not here: they are the models' own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from dialer.model.campaign import AmdMode, CampaignMode, MachineAction
from dialer.words.bilingual import Bilingual

_ALL = tuple(CampaignMode)
_PERSONS = (CampaignMode.PROGRESSIVE, CampaignMode.PREDICTIVE, CampaignMode.POWER, CampaignMode.PREVIEW)
_AHEAD = (CampaignMode.PREDICTIVE, CampaignMode.POWER)
_ANSWERED = (*_AHEAD, CampaignMode.PROGRESSIVE, CampaignMode.REMINDER)


NONE = Bilingual("", "")


class Group(str, Enum):
    """Where a setting stands in a form."""

    PARTIES = "parties"
    PACE = "pace"
    CALL = "call"
    DETECTION = "detection"
    PROMPTS = "prompts"
    COLLECTORS = "collectors"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class SettingWords:
    """`why`: the law or practice behind it; empty: none but the house's. `modes`: where it has an effect."""

    group: Group
    title: Bilingual
    means: Bilingual
    why: Bilingual = NONE
    modes: tuple[CampaignMode, ...] = _ALL


SETTINGS: Mapping[str, SettingWords] = {
    "mode": SettingWords(
        Group.PACE,
        Bilingual("Mode", "外呼模式"),
        Bilingual(
            "How calls are paced: one for each ready collector, ahead of them, by a fixed number of lines, one by one "
            "as collectors decide, or automated reminders.",
            "呼叫节奏：每位就绪催收员一路、预测式、固定倍数、由催收员逐个决定，或自动提醒。",
        ),
    ),
    "agency": SettingWords(
        Group.PARTIES,
        Bilingual("Agency", "外包机构"),
        Bilingual(
            "Who calls, as the house lists it; empty: the house itself.", "由谁呼叫（须在机构名单内）；空为本机构。"
        ),
        Bilingual("Some rules count per agency.", "部分规则按机构计数。"),
    ),
    "creditor": SettingWords(
        Group.PARTIES,
        Bilingual("Creditor", "债权人"),
        Bilingual("For whom it is collected.", "为谁催收。"),
        Bilingual("Rules may depend on it.", "规则可能因此不同。"),
    ),
    "product": SettingWords(
        Group.PARTIES,
        Bilingual("Product", "产品"),
        Bilingual("What is collected: a card, a loan.", "催收的产品，如信用卡、贷款。"),
        Bilingual("Rules may depend on it.", "规则可能因此不同。"),
    ),
    "trunk_group": SettingWords(
        Group.CALL,
        Bilingual("Trunk group", "线路组"),
        Bilingual(
            "Which trunks take the calls; those of a group stand in for each other.", "使用哪组线路；同组线路互为备用。"
        ),
    ),
    "caller_ids": SettingWords(
        Group.CALL,
        Bilingual("Caller IDs", "主叫号码"),
        Bilingual(
            "The numbers shown; a person always sees the same one.", "显示的主叫号码；同一客户始终看到同一号码。"
        ),
        Bilingual(
            "Only registered numbers may be shown, and each no more often a day than its cap.",
            "仅可使用已报备号码，且每日不超过该号码上限。",
        ),
    ),
    "skills": SettingWords(
        Group.COLLECTORS,
        Bilingual("Skills", "技能"),
        Bilingual("Collectors need all of them to get these calls.", "催收员须具备全部技能才会接到这些呼叫。"),
        modes=_PERSONS,
    ),
    "ring_timeout_s": SettingWords(
        Group.CALL,
        Bilingual("Ringing", "振铃时长"),
        Bilingual("How long a phone rings before the call is given up.", "振铃多久后放弃呼叫。"),
        Bilingual(
            "At least 15 s or four rings (47 CFR 64.1200, 16 CFR 310.4); longer finds hardly anybody.",
            "至少 15 秒或四声（47 CFR 64.1200、16 CFR 310.4）；再长也很少有人接听。",
        ),
    ),
    "abandon_target": SettingWords(
        Group.PACE,
        Bilingual("Abandonment limit", "放弃率上限"),
        Bilingual(
            "The share of people who answered that may find no collector; the pace keeps below it.",
            "接听后无人接待的比例上限；系统据此控制节奏。",
        ),
        Bilingual(
            "At most 3 % (47 CFR 64.1200(a)(7), 16 CFR 310.4(b)(4)).",
            "最高 3%（47 CFR 64.1200(a)(7)、16 CFR 310.4(b)(4)）。",
        ),
        _AHEAD,
    ),
    "max_lines_per_agent": SettingWords(
        Group.PACE,
        Bilingual("Lines per collector, at most", "每位催收员最多线路"),
        Bilingual(
            "Spares trunks and lists; the abandonment limit is what holds the pace.",
            "用于节省线路和名单；实际节奏由放弃率上限控制。",
        ),
        modes=(CampaignMode.PREDICTIVE,),
    ),
    "power_ratio": SettingWords(
        Group.PACE,
        Bilingual("Lines per ready collector", "每位就绪催收员线路数"),
        Bilingual(
            "So many lines are dialed for each ready collector; one while the abandonment budget is spent.",
            "为每位就绪催收员拨打的线路数；放弃率额度用尽时降为一路。",
        ),
        modes=(CampaignMode.POWER,),
    ),
    "max_reminder_channels": SettingWords(
        Group.PACE,
        Bilingual("Lines for reminders", "提醒线路数"),
        Bilingual("How many automated calls are up at a time.", "同时进行的自动提醒数量。"),
        modes=(CampaignMode.REMINDER,),
    ),
    "amd": SettingWords(
        Group.DETECTION,
        Bilingual("Telling machines apart", "语音信箱识别"),
        Bilingual(
            "Whether a collector gets a call before or after it is known to be a person, or always.",
            "在判定为真人之前、之后接入催收员，或不识别。",
        ),
        Bilingual(
            "Whoever waits more than two seconds counts as abandoned: the verdict must come sooner.",
            "等待超过两秒即计为放弃，因此判定必须更快。",
        ),
        _ANSWERED,
    ),
    "lost_person_cost_s": SettingWords(
        Group.DETECTION,
        Bilingual("Cost of a lost person", "误挂真人的代价"),
        Bilingual(
            "What hanging up on a person costs, in a collector's time: the higher, the more machines are put through.",
            "误挂一位真人相当于多少催收员时间；越高，转接的语音信箱越多。",
        ),
        modes=_ANSWERED,
    ),
    "machine_action": SettingWords(
        Group.DETECTION,
        Bilingual("At a machine", "遇到语音信箱"),
        Bilingual("Hang up, or leave a message.", "挂断，或留言。"),
        Bilingual("A message must not tell others of the debt.", "留言不得向他人透露债务。"),
        _ANSWERED,
    ),
    "machine_prompt": SettingWords(
        Group.PROMPTS,
        Bilingual("Message for machines", "语音信箱留言"),
        Bilingual("Which prompt is left; needed where messages are left.", "留言使用的语音；选择留言时必填。"),
        modes=_ANSWERED,
    ),
    "safe_harbour_prompt": SettingWords(
        Group.PROMPTS,
        Bilingual("Apology", "致歉语音"),
        Bilingual("Played to a person for whom no collector is free in time.", "催收员未能及时接听时播放。"),
        Bilingual(
            "An abandoned call must say who called (47 CFR 64.1200(a)(7), 16 CFR 310.4(b)(4)(iii)).",
            "被放弃的呼叫须说明来电方（47 CFR 64.1200(a)(7)、16 CFR 310.4(b)(4)(iii)）。",
        ),
        (*_AHEAD, CampaignMode.PROGRESSIVE),
    ),
    "reminder_script": SettingWords(
        Group.PROMPTS,
        Bilingual("Reminder", "提醒话术"),
        Bilingual("What an automated reminder says.", "自动提醒播放的内容。"),
        modes=(CampaignMode.REMINDER,),
    ),
    "notice_prompt": SettingWords(
        Group.PROMPTS,
        Bilingual("Notice of recording", "录音告知"),
        Bilingual(
            "Tells the person that the call is recorded; empty: it is left to the collector's words.",
            "告知通话被录音；空则由催收员口头告知。",
        ),
        Bilingual("Some rules forbid recording without it.", "部分规则要求录音前告知。"),
    ),
    "wrap_up_limit_s": SettingWords(
        Group.COLLECTORS,
        Bilingual("Wrap-up, at most", "话后时限"),
        Bilingual("After it the collector is ready again by itself.", "到时后催收员自动恢复就绪。"),
        modes=_PERSONS,
    ),
    "preview_limit_s": SettingWords(
        Group.COLLECTORS,
        Bilingual("Preview, at most", "预览时限"),
        Bilingual("How long a collector may look at a case before dialing.", "拨号前可查看案件的时长。"),
        modes=(CampaignMode.PREVIEW,),
    ),
    "retries": SettingWords(
        Group.LIST,
        Bilingual("Trying again", "重呼规则"),
        Bilingual(
            "After which end, after how long and how often a number is tried again; caps of the rules come on top.",
            "各种结果后的间隔和次数；规则中的上限另行适用。",
        ),
    ),
    "priority": SettingWords(
        Group.LIST,
        Bilingual("Order of dialing", "拨打顺序"),
        Bilingual("Fields of the case by weight: the highest sum is dialed first.", "案件字段加权，总和最高者优先。"),
    ),
    "form": SettingWords(
        Group.COLLECTORS,
        Bilingual("Form after a talk", "话后表单"),
        Bilingual("The codes and fields a collector fills in.", "催收员填写的结果代码和字段。"),
        modes=_PERSONS,
    ),
    "collecting.identity_check": SettingWords(
        Group.COLLECTORS,
        Bilingual("Identity first", "先核身"),
        Bilingual(
            "Nothing of the debt is shown until the collector has recorded that the right person is on the line.",
            "确认本人之前不显示任何债务信息。",
        ),
        Bilingual("The debt must not be told to others.", "不得向第三人透露债务。"),
        _PERSONS,
    ),
    "collecting.identity_questions": SettingWords(
        Group.COLLECTORS,
        Bilingual("Identity questions", "核身问题"),
        Bilingual("Fields of the case the person must name.", "客户须说出的案件字段。"),
        modes=_PERSONS,
    ),
    "collecting.preview_details": SettingWords(
        Group.COLLECTORS,
        Bilingual("Whole case in the preview", "预览显示完整案件"),
        Bilingual("Before dialing the collector sees the debt, too.", "拨号前催收员可看到债务信息。"),
        modes=(CampaignMode.PREVIEW,),
    ),
    "collecting.debt_field": SettingWords(
        Group.COLLECTORS,
        Bilingual("Field of the debt", "债务金额字段"),
        Bilingual("Which column of the list says what is owed.", "名单中表示欠款金额的列。"),
        modes=_PERSONS,
    ),
    "collecting.script": SettingWords(
        Group.COLLECTORS,
        Bilingual("Script", "话术"),
        Bilingual(
            "What the collector says, before and after the identity is known; variables stand in braces.",
            "核身前后催收员的话术；变量写在花括号内。",
        ),
        modes=_PERSONS,
    ),
    "collecting.skip_reasons": SettingWords(
        Group.COLLECTORS,
        Bilingual("Reasons to skip", "跳过原因"),
        Bilingual("For which a previewed case may be skipped.", "可跳过预览案件的原因。"),
        modes=(CampaignMode.PREVIEW,),
    ),
}
"""By the field of the API's settings, with a dot before those of a part."""

CHOICES: Mapping[Enum, Bilingual] = {
    CampaignMode.PROGRESSIVE: Bilingual("progressive: one call for each ready collector", "渐进式：每位就绪催收员一路"),
    CampaignMode.PREDICTIVE: Bilingual(
        "predictive: ahead of the collectors, within the limit", "预测式：提前拨打，不超上限"
    ),
    CampaignMode.POWER: Bilingual(
        "power: a fixed number of lines per ready collector", "倍数式：每位就绪催收员固定线路数"
    ),
    CampaignMode.PREVIEW: Bilingual("preview: collectors look first and decide", "预览式：催收员查看后决定"),
    CampaignMode.REMINDER: Bilingual("reminder: automated, without collectors", "自动提醒：无需催收员"),
    AmdMode.OFF: Bilingual("off: everything that answers goes to a collector", "关闭：所有应答都转催收员"),
    AmdMode.BEFORE_CONNECT: Bilingual("before connecting", "接入前识别"),
    AmdMode.PARALLEL: Bilingual("while connecting: taken back if surely a machine", "边接入边识别：确认为设备后收回"),
    MachineAction.HANG_UP: Bilingual("hang up", "挂断"),
    MachineAction.LEAVE_MESSAGE: Bilingual("leave a message", "留言"),
}
