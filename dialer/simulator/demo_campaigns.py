"""The three campaigns of the demo, as a supervisor would create them through the API."""

from dataclasses import asdict
from typing import Any

from dialer.model.ready_forms import COLLECTION

PREDICTIVE = "predictive"
PREVIEW = "preview"
REMINDER = "reminder"
CREDITOR = "示例银行"
CALLER_IDS = ["+8640012345678", "+8640012345679"]

FORM = asdict(COLLECTION)
COLLECTING = {
    "identity_questions": [
        {"field_name": "证件后四位", "words": {"zh": "证件号码后四位", "en": "the last four digits of the ID"}}
    ],
    "script": {
        "opening": {
            "zh": "您好，我是{creditor}的{collector_name}，请问您是{person_name}本人吗？"
            "为核实身份，请说一下您证件号码的后四位。",
            "en": "Hello, this is {collector_name} of {creditor}. Am I speaking to {person_name}? To be sure of that, "
            "please tell me the last four digits of your ID.",
        },
        "third_party": {
            "zh": "打扰了。方便的话，请转告{person_name}给{creditor}回电。谢谢，再见。",
            "en": "Sorry to trouble you. Would you kindly ask {person_name} to call {creditor}? Thank you, goodbye.",
        },
        "after_identity": {
            "zh": "您的信用卡已逾期{days_overdue}天，应还{amount_due}元。请问您什么时候可以还款？",
            "en": "Your credit card is {days_overdue} days overdue, with {amount_due} yuan to pay. When can you pay?",
        },
        "closing": {
            "zh": "好的，{person_name}，已为您登记。感谢您的配合，再见。",
            "en": "Thank you, {person_name}, I have written that down. Goodbye.",
        },
    },
}
ONCE = {"delay_s": 5, "max_attempts": 1}
RETRIES = {
    **dict.fromkeys(("no_answer", "powered_off", "suspended", "unreachable", "incoming_barred", "bad_number"), ONCE),
    **dict.fromkeys(("machine", "silence", "short_answer", "abandoned", "rejected"), ONCE),
    "busy": {"delay_s": 8, "max_attempts": 2},
    "trunk_congestion": {"delay_s": 4, "max_attempts": 3},
}
"""Most contacts are tried once, so that the demo ends; a real campaign tries for days."""


def sizes_of(n_contacts: int) -> dict[str, int]:
    """How many of the contacts each campaign gets."""
    n_preview, n_reminder = n_contacts // 10, n_contacts // 5
    return {PREDICTIVE: n_contacts - n_preview - n_reminder, PREVIEW: n_preview, REMINDER: n_reminder}


def settings_of(mode: str) -> dict[str, Any]:
    """The campaign's settings as the API takes them."""
    return {
        "mode": mode,
        "creditor": CREDITOR,
        "caller_ids": CALLER_IDS,
        "ring_timeout_s": 15,
        "notice_prompt": "recording_notice",
        "retries": RETRIES,
        "priority": [{"field_name": "days_overdue", "weight": 1}, {"field_name": "amount", "weight": 0.001}],
        "form": FORM,
        "collecting": COLLECTING,
        "max_reminder_channels": 4,
        "preview_limit_s": 30,
    }
