"""The prompts of a campaign's calls, rendered before anybody is dialed.

An abandoned person must not wait for a file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dialer.calls.reminder import Say
from dialer.calls.signals import PromptRole
from dialer.model.campaign import CampaignMode, CampaignSettings, MachineAction
from dialer.model.contact import Contact
from dialer.prompts.store import PromptStore

HOLD_ON_PROMPT = "please_hold"
GOODBYE_PROMPT = "goodbye"
DIALOGUE_PROMPTS: Mapping[Say, str] = {
    Say.PLEASE_HOLD: "please_hold",
    Say.APOLOGY_CALLBACK: "apology_callback",
    Say.CALLBACK_NOTED: "callback_noted",
    Say.NO_MORE_CALLS: "no_more_calls",
    Say.GOODBYE: "goodbye",
}


@dataclass(frozen=True, slots=True)
class CallPrompts:
    """Audio by role: int16, 8 kHz, mono."""

    roles: Mapping[PromptRole, bytes] = field(default_factory=dict)
    dialogue: Mapping[Say, bytes] = field(default_factory=dict)

    @property
    def notice(self) -> bytes:
        """That the call is recorded; empty: people are told by other means, or need not be told."""
        return self.roles.get(PromptRole.NOTICE, b"")


async def render_prompts(store: PromptStore, settings: CampaignSettings) -> CallPrompts:
    """What every call of the campaign may need. Raises ConfigError naming the prompt that is missing or wrong."""
    roles = {role: await store.render(name) for role, name in role_names(settings).items()}
    if settings.mode is not CampaignMode.REMINDER:
        return CallPrompts(roles)
    return CallPrompts(roles, {say: await store.render(name) for say, name in DIALOGUE_PROMPTS.items()})


def prompts_of(settings: CampaignSettings) -> frozenset[str]:
    """The names of all prompts that a campaign may play; what its script is put together from is not among them."""
    names = frozenset(role_names(settings).values())
    if settings.mode is not CampaignMode.REMINDER:
        return names
    return names | {*DIALOGUE_PROMPTS.values(), settings.reminder_script}


def role_names(settings: CampaignSettings) -> dict[PromptRole, str]:
    """What is played in which role."""
    names = {PromptRole.HOLD_ON: HOLD_ON_PROMPT, PromptRole.GOODBYE: GOODBYE_PROMPT}
    names[PromptRole.SAFE_HARBOUR] = settings.safe_harbour_prompt
    if settings.machine_action is MachineAction.LEAVE_MESSAGE:
        names[PromptRole.MACHINE_MESSAGE] = settings.machine_prompt
    if settings.notice_prompt:
        names[PromptRole.NOTICE] = settings.notice_prompt
    return names


async def with_script(store: PromptStore, prompts: CallPrompts, script: str, contact: Contact) -> CallPrompts:
    """The prompts of one reminder: the script says the contact's own amount and date, after the notice.

    Raises as `render_prompts`, and InputError when the contact lacks a field the script speaks.
    """
    spoken = prompts.notice + await store.render(script, contact.fields)
    return CallPrompts(prompts.roles, {**prompts.dialogue, Say.SCRIPT: spoken})
