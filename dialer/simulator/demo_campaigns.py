"""The three campaigns of the demo, as a supervisor would create them through the API."""

from typing import Any

PREDICTIVE = "predictive"
PREVIEW = "preview"
REMINDER = "reminder"
CALLER_IDS = ["+8640012345678", "+8640012345679"]

FORM = {
    "codes": [
        {"code": "promise", "label": "承诺还款 / promise to pay", "right_party": True, "final": True},
        {"code": "dispute", "label": "有异议 / dispute", "right_party": True, "final": True},
        {"code": "hardship", "label": "困难 / hardship", "right_party": True, "final": True},
        {"code": "third_party", "label": "他人接听 / third party", "final": True},
        {"code": "wrong_number", "label": "号码错误 / wrong number", "final": True, "do_not_call": True},
        {"code": "callback", "label": "约定回电 / callback", "right_party": True, "callback": True},
    ],
    "fields": [
        {"name": "amount", "kind": "amount", "label": "承诺金额 / amount", "required_for": ["promise"]},
        {"name": "pay_date", "kind": "date", "label": "承诺日期 / date", "required_for": ["promise"]},
        {
            "name": "method",
            "kind": "choice",
            "label": "还款方式 / method",
            "choices": ["app", "branch", "transfer"],
            "required_for": ["promise"],
        },
        {"name": "reason", "kind": "text", "label": "原因 / reason", "required_for": ["dispute", "hardship"]},
    ],
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
        "caller_ids": CALLER_IDS,
        "ring_timeout_s": 15,
        "notice_prompt": "recording_notice",
        "retries": RETRIES,
        "priority": [{"field_name": "days_overdue", "weight": 1}, {"field_name": "amount", "weight": 0.001}],
        "form": FORM,
        "max_reminder_channels": 4,
        "preview_limit_s": 30,
    }
