"""Carries out a reminder's dialogue: its prompts and wishes, through the runner that owns the leg."""

from collections.abc import Mapping
from typing import Protocol

from dialer.calls.reminder import Ask, Heard, ReminderDialogue, Reply, Say


class DialogueHost(Protocol):
    """What the dialogue needs of its call."""

    def play(self, pcm: bytes) -> None:
        """Plays to the person, instead of anything that plays."""
        ...

    def find_collector(self) -> None:
        """Asks for a collector."""
        ...

    def forget_collector(self) -> None:
        """Withdraws that question."""
        ...

    def dialogue_ended(self) -> None:
        """There is nothing more to say."""
        ...


class ReminderTalk:
    """One dialogue under way; `wishes` is what the person asked for, to be kept at the end."""

    def __init__(self, prompts: Mapping[Say, bytes], host: DialogueHost) -> None:
        self.wishes: set[Ask] = set()
        self._dialogue = ReminderDialogue()
        self._prompts = prompts
        self._host = host

    @property
    def next_deadline(self) -> float | None:
        """When `handle_timeout` is due, monotonic seconds."""
        return self._dialogue.next_deadline

    def begin(self, now: float) -> None:
        """Says the script."""
        self._carry_out(self._dialogue.handle_input(Heard.BEGIN, now))

    def prompt_ended(self, now: float) -> None:
        """What was said last is over."""
        self._carry_out(self._dialogue.handle_input(Heard.PROMPT_ENDED, now))

    def key(self, digit: str, now: float) -> None:
        """The person pressed a key."""
        self._carry_out(self._dialogue.handle_key(digit, now))

    def handle_timeout(self, now: float) -> None:
        """Nobody pressed a key, or no collector came."""
        self._carry_out(self._dialogue.handle_timeout(now))

    def _carry_out(self, reply: Reply) -> None:
        if reply.say is not None:
            self._host.play(self._prompts[reply.say])
        for ask in reply.ask:
            match ask:
                case Ask.QUEUE_FOR_COLLECTOR:
                    self._host.find_collector()
                case Ask.LEAVE_QUEUE:
                    self._host.forget_collector()
                case Ask.END:
                    self._host.dialogue_ended()
                case Ask.REQUEST_CALLBACK | Ask.DO_NOT_CALL:
                    self.wishes.add(ask)
