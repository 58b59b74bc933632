"""What pictures need, drawn without a screen by matplotlib (the extra `plots`): a canvas, fonts, a file."""

from functools import lru_cache
from pathlib import Path

from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dialer.errors import InputError, system_reason

_DPI = 100
_FONTS_WITH_CHINESE = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "SimHei")


def new_figure(size_inches: tuple[float, float]) -> Figure:
    """A figure of 100 pixels per inch that keeps its parts apart by itself."""
    figure = Figure(figsize=size_inches, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_png(figure: Figure, target: Path) -> None:
    """Writes a PNG file, and the folders it lies in. Raises InputError naming the file."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(target, format="png")
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {system_reason(error)}") from error


@lru_cache(maxsize=1)
def fonts() -> tuple[str, ...]:
    """matplotlib's own font, and one with Chinese characters where the machine has any."""
    installed = set(font_manager.get_font_names())
    return ("DejaVu Sans", *(name for name in _FONTS_WITH_CHINESE if name in installed))


@lru_cache(maxsize=1)
def _drawable_characters() -> frozenset[int]:
    return frozenset().union(*(font_manager.get_font(font_manager.findfont(name)).get_charmap() for name in fonts()))


def drawable(text: str) -> str:
    """What no font here can show becomes a question mark, not a box; a dollar sign would begin a formula."""
    known = _drawable_characters()
    shown = "".join(c if c == "\n" or ord(c) in known else "?" for c in text)
    return shown.replace("$", r"\$")
