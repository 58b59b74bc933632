"""Whatever is done to an audio file, it is read or refused by name, in whole samples; nothing else comes of it."""

import io
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.errors import InputError
from dialer.prompts.audio import read_audio


def written(file_format: str, subtype: str, channels: int) -> bytes:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (1200, channels))
    file = io.BytesIO()
    soundfile.write(file, noise, 8000, format=file_format, subtype=subtype)
    return file.getvalue()


def read_or_refused(path: Path) -> bytes | str:
    try:
        return read_audio(path)
    except InputError as error:
        return str(error)


KINDS = [
    ("WAV", "PCM_16"),
    ("WAV", "ALAW"),
    ("WAV", "FLOAT"),
    ("WAVEX", "PCM_24"),
    ("FLAC", "PCM_16"),
    ("AIFF", "PCM_16"),
]
changes = st.lists(st.tuples(st.integers(0, 120) | st.integers(0, 10_000), st.integers(0, 255)), max_size=6)


@pytest.mark.parametrize(("file_format", "subtype"), KINDS)
@settings(max_examples=40, deadline=None)
@given(changes=changes, cut=st.none() | st.integers(0, 5000), channels=st.integers(1, 2))
def test_a_changed_file_is_read_or_refused(
    file_format: str, subtype: str, changes: list[tuple[int, int]], cut: int | None, channels: int
) -> None:
    content = bytearray(written(file_format, subtype, channels))
    for at, value in changes:
        content[at % len(content)] = value
    with TemporaryDirectory() as folder:
        path = Path(folder, "changed")
        path.write_bytes(content[:cut])
        answer = read_or_refused(path)
    assert answer
    assert answer.startswith(f"{path}: ") if isinstance(answer, str) else len(answer) % 2 == 0
