"""What keeps a contact from being dialed that is not the gate's: where its entries stand, and whether anybody asks."""

from datetime import datetime

from pydantic import BaseModel

from dialer.api.decision_words import Words
from dialer.model.campaign import CampaignState
from dialer.model.entry import EntryState
from dialer.model.explanation import KnownContact, Standing


class ObstacleOut(BaseModel):
    """One of them. `until`: when it passes by itself, where that is known."""

    code: str
    campaign_id: int | None
    words: Words
    until: datetime | None = None


def obstacles(known: KnownContact, now: datetime) -> list[ObstacleOut]:
    """Everything that stands in the way now; none: a campaign may ask the gate at any moment."""
    found = []
    if not known.contact.phones:
        found.append(_of(None, "no_number", "the contact has no number", "该联系人没有号码"))
    if not known.is_list_ready:
        en, zh = f"the list {known.list_name} is still being imported", f"名单 {known.list_name} 仍在导入"
        found.append(_of(None, "list_not_ready", en, zh))
    if not known.standings:
        en, zh = f"no campaign dials the list {known.list_name}", f"没有任何活动使用名单 {known.list_name}"
        found.append(_of(None, "no_campaign", en, zh))
    for standing in known.standings:
        found += _campaign(standing)
        entry = _entry(standing, now)
        found += [entry] if entry is not None else []
    return found


def _campaign(standing: Standing) -> list[ObstacleOut]:
    campaign = standing.campaign
    if campaign.state is CampaignState.RUNNING:
        return []
    why = f" ({campaign.state_reason})" if campaign.state_reason else ""
    en = f"the campaign {campaign.name} is {campaign.state.value}{why}, not running"
    zh = f"活动 {campaign.name} 未在运行：{_STATES[campaign.state]}{why}"
    return [_of(standing, "campaign_not_running", en, zh)]


_STATES = {
    CampaignState.DRAFT: "草稿",
    CampaignState.CHECKED: "已检查",
    CampaignState.PAUSED: "已暂停",
    CampaignState.DRAINING: "正在收尾",
    CampaignState.FINISHED: "已结束",
}


def _entry(standing: Standing, now: datetime) -> ObstacleOut | None:
    why = f": {standing.reason}" if standing.reason else ""
    match standing.state:
        case None:
            return _of(standing, "no_entry", "the campaign has not taken over its list yet", "活动尚未载入其名单")
        case EntryState.WAITING:
            return _waiting(standing, now, why)
        case EntryState.LEASED:
            en, zh = "a node has claimed the entry and is about to ask the gate", "某节点已领取该条目，即将询问闸门"
            return _of(standing, "leased", en, zh, standing.lease_until)
        case EntryState.DIALING:
            return _of(standing, "dialing", "it is being dialed right now", "正在呼叫")
        case EntryState.RECONCILE:
            en, zh = "an attempt's end is unknown; somebody must reconcile it", "有一次呼叫结局不明，须人工核对"
            return _of(standing, "reconcile", en, zh)
        case EntryState.EXHAUSTED:
            return _of(standing, "exhausted", f"the campaign has no more tries{why}", f"活动的呼叫次数已用完{why}")
        case EntryState.DONE:
            return _of(standing, "done", f"the campaign is done with it{why}", f"活动已完成该条目{why}")
        case EntryState.STOPPED:
            return _of(standing, "stopped", f"the entry was stopped{why}", f"该条目已停止{why}")


def _waiting(standing: Standing, now: datetime, why: str) -> ObstacleOut | None:
    if standing.due_at is None or standing.due_at <= now:
        return None
    if standing.callback_at is not None:
        en, zh = "a callback is promised; it waits for that time", "已约定回拨，等待约定时间"
        return _of(standing, "callback", en, zh, standing.due_at)
    return _of(standing, "not_due", f"the entry waits for its time{why}", f"该条目等待其时间{why}", standing.due_at)


def _of(standing: Standing | None, code: str, en: str, zh: str, until: datetime | None = None) -> ObstacleOut:
    campaign_id = None if standing is None else standing.campaign.campaign_id
    return ObstacleOut(code=code, campaign_id=campaign_id, words=Words(en=en, zh=zh), until=until)
