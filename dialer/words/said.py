"""Texts of the service inside answers: written in English, and said in the reader's language when an answer is sent."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import PlainSerializer, SerializationInfo

from dialer.words.bilingual import Language
from dialer.words.catalogue import chinese


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom an answer is for."""

    language: Language


def _say(text: str, info: SerializationInfo) -> str:
    is_chinese = isinstance(info.context, Reader) and info.context.language == "zh"
    return (chinese(text) if is_chinese else "") or text


Said = Annotated[str, PlainSerializer(_say)]
"""A text the service made; what has no Chinese form stays English."""
