"""Pictures of what was heard: there for every file, readable, and without a screen."""

import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import dialer.simulator
from dialer.cli.amd_files import Drawing, hear_files
from dialer.cli.amd_hearing import Listening, hear
from dialer.cli.amd_plot import draw
from dialer.errors import DialerError, InputError

VOICES = Path(dialer.simulator.__file__).parent / "voices"


def size_of(png: Path) -> tuple[int, int]:
    """Width and height, of what must be a PNG file."""
    head = png.read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", head[16:])
    return width, height


@pytest.mark.parametrize(
    ("name", "early_media"), [("machine_zh_personal", False), ("human_en_hello", False), ("announcement_sit_en", True)]
)
def test_a_picture_of_each_kind(tmp_path: Path, name: str, early_media: bool) -> None:
    listening, path = Listening(early_media), VOICES / f"{name}.flac"
    draw(path, hear(path, listening), listening, tmp_path / "new" / "a.png")
    assert size_of(tmp_path / "new" / "a.png") == (1200, 550)


@pytest.mark.parametrize("name", ["喂 $x^2$ 你好_\\frac.wav", "\U0001f4de\u0e01\udcff.wav"])
def test_names_that_no_font_and_no_formula_can_show(tmp_path: Path, name: str) -> None:
    """A missing glyph is a warning, and warnings are errors here."""
    path = tmp_path / name
    with path.open("wb") as file:
        soundfile.write(file, np.zeros(100, dtype=np.int16), 8000, format="WAV")
    draw(path, hear(path, Listening()), Listening(), tmp_path / "a.png")
    assert size_of(tmp_path / "a.png") == (1200, 550)


def test_where_no_picture_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = VOICES / "human_en_hello.flac"
    with pytest.raises(InputError, match=r"file/a\.png: cannot be written: "):
        draw(path, hear(path, Listening()), Listening(), tmp_path / "file" / "a.png")


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dialer.cli.amd_plot", None)
    with pytest.raises(DialerError, match=r"pip install 'dialer\[plots\]'"):
        hear_files([VOICES], Listening(), as_json=True, drawing=Drawing())
