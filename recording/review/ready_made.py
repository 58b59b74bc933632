"""Ready-made scorecards, shipped as data in English and Chinese: a house copies one and makes it its own."""

from functools import cache
from importlib import resources

import msgspec

from recording.review.scorecard import Scorecard

NAMES = ("bank-card-collection",)


@cache
def ready_made(name: str) -> Scorecard:
    """The scorecard of this name, one of `NAMES`; reads a file the first time. KeyError: there is none."""
    if name not in NAMES:
        raise KeyError(name)
    content = resources.files(__package__).joinpath("data", f"{name}.toml").read_bytes()
    return msgspec.toml.decode(content, type=Scorecard)
