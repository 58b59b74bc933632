"""Which language a caller reads: Chinese where the request prefers it (RFC 9110 §12.5.4), else English."""

from collections.abc import Iterator

from aiohttp import web

from dialer.words.bilingual import Language

DEFAULT: Language = "en"


def language_of(request: web.Request) -> Language:
    """What the request's Accept-Language prefers; of two that are wanted alike, the one named first."""
    return preferred(request.headers.get("Accept-Language", ""))


def preferred(header: str) -> Language:
    """`zh` or `en`, whichever has the higher weight; English for a header that names neither, or cannot be read."""
    best, highest = DEFAULT, 0.0
    for name, weight in _ranges(header):
        primary = name.partition("-")[0].lower()
        if weight > highest and primary in ("zh", "en", "*"):
            highest = weight
            best = "zh" if primary == "zh" else DEFAULT
    return best


def _ranges(header: str) -> Iterator[tuple[str, float]]:
    for entry in header.split(","):
        name, _, parameters = entry.partition(";")
        yield name.strip(), _weight(parameters)


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(float(value), 1.0)
    except ValueError:
        return 0.0
