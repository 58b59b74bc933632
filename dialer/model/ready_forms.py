"""Disposition forms that are shipped with the program, for a new campaign to begin from."""

from collections.abc import Mapping

from dialer.model.campaign import DispositionCode, DispositionForm, FormField, FormFieldKind

PROMISE_DAYS = 30
"""How far ahead a promised day may lie, unless a campaign says otherwise."""

_PERSON = (
    DispositionCode(
        "promise", "承诺还款", right_party=True, final=True, promise=True, key="P", label_en="promises to pay"
    ),
    DispositionCode("paid", "称已还款", right_party=True, key="A", label_en="says it is paid"),
    DispositionCode("hardship", "经济困难", right_party=True, key="H", label_en="hardship"),
    DispositionCode("dispute", "对账款有异议", right_party=True, final=True, key="D", label_en="disputes the debt"),
    DispositionCode("refuses", "拒绝还款", right_party=True, key="R", label_en="refuses to pay"),
    DispositionCode("callback", "约定回电", right_party=True, callback=True, key="C", label_en="call back"),
    DispositionCode(
        "stop_contact",
        "本人要求停止联系",
        right_party=True,
        final=True,
        do_not_call=True,
        key="S",
        label_en="the person wants no more calls",
    ),
)
_OTHERS = (
    DispositionCode("third_party", "他人接听", key="T", label_en="somebody else answered"),
    DispositionCode(
        "third_party_callback", "他人接听，另约时间", callback=True, key="B", label_en="somebody else: call back"
    ),
    DispositionCode(
        "third_party_stop",
        "他人拒绝再接来电",
        final=True,
        do_not_call=True,
        key="X",
        label_en="somebody else wants no more calls",
    ),
    DispositionCode("wrong_number", "号码错误", final=True, do_not_call=True, key="W", label_en="wrong number"),
    DispositionCode("not_identified", "未能核实身份", key="I", label_en="the identity was not settled"),
    DispositionCode("hung_up", "对方挂断", key="U", label_en="hung up on us"),
    DispositionCode(
        "no_conversation", "无人应答或机器", not_a_conversation=True, key="N", label_en="a machine, or nobody spoke"
    ),
)
_FIELDS = (
    FormField(
        "amount",
        FormFieldKind.AMOUNT,
        "承诺金额",
        required_for=("promise",),
        label_en="amount",
        least=0.01,
        most_of_debt=1.0,
    ),
    FormField(
        "pay_date",
        FormFieldKind.DATE,
        "承诺还款日",
        required_for=("promise",),
        label_en="pays on",
        within_days=PROMISE_DAYS,
    ),
    FormField(
        "method",
        FormFieldKind.CHOICE,
        "还款方式",
        ("手机银行 / app", "转账 / transfer", "网点 / branch", "自动扣款 / direct debit"),
        required_for=("promise",),
        label_en="how",
    ),
    FormField(
        "hardship_reason",
        FormFieldKind.CHOICE,
        "困难原因",
        ("失业 / job lost", "收入减少 / less income", "疾病 / illness", "家庭变故 / family", "其他 / other"),
        required_for=("hardship",),
        label_en="reason of the hardship",
    ),
    FormField("dispute_reason", FormFieldKind.TEXT, "异议内容", required_for=("dispute",), label_en="what is disputed"),
    FormField("paid_on", FormFieldKind.DATE, "称还款日期", label_en="says it was paid on"),
    FormField(
        "third_party_says",
        FormFieldKind.CHOICE,
        "对方答复",
        ("愿意转告 / passes it on", "不认识本人 / does not know the person", "不愿转告 / does not pass it on"),
        required_for=("third_party",),
        label_en="what they say",
    ),
)
COLLECTION = DispositionForm(codes=(*_PERSON, *_OTHERS), fields=_FIELDS)
READY_FORMS: Mapping[str, DispositionForm] = {"collection": COLLECTION}
