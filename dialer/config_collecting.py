"""The house's own words for collectors' work."""

from pydantic import Field, model_validator

from dialer.config_base import Section


class BreakCodeConfig(Section):
    """A reason for a break, as collectors choose it."""

    code: str = Field(min_length=1, max_length=50, pattern=r"^[A-Za-z0-9_.-]+$")
    """What is stored and reported; `training` and `aux` are states of their own, every other code is a break."""
    zh: str = Field(min_length=1, max_length=100)
    """Its name in Chinese."""
    en: str = Field(min_length=1, max_length=100)
    """Its name in English."""


BREAK_CODES = (
    BreakCodeConfig(code="rest", zh="休息", en="rest"),
    BreakCodeConfig(code="lunch", zh="用餐", en="meal"),
    BreakCodeConfig(code="meeting", zh="会议", en="meeting"),
    BreakCodeConfig(code="training", zh="培训", en="training"),
    BreakCodeConfig(code="aux", zh="其他工作", en="other work"),
)


class CollectingConfig(Section):
    """What collectors choose from."""

    break_codes: tuple[BreakCodeConfig, ...] = Field(default=BREAK_CODES, min_length=1, max_length=50)
    """Why a collector takes no calls; those given here replace the ones that are shipped."""

    @model_validator(mode="after")
    def _each_once(self) -> "CollectingConfig":
        codes = [known.code for known in self.break_codes]
        if len(set(codes)) < len(codes):
            raise ValueError("break_codes: each code may stand there once")
        return self
