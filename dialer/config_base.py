"""What every section of the configuration is made of."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _read_secret(value: str) -> str:
    kind, separator, name = value.partition(":")
    if not separator or kind not in ("env", "file"):
        return value
    if kind == "env":
        if name not in os.environ:
            raise ValueError(f"the environment variable {name} is not set")
        return os.environ[name]
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"cannot read the secret from {name}: {error.strerror}") from error


Secret = Annotated[str, AfterValidator(_read_secret)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Section(BaseModel):
    """Unknown keys are errors; what stands under a key is its documentation."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
