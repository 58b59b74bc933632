"""Takes phone numbers out of free text: notes a collector typed, log messages, a peer's words in an error.

What the system knows to be a number is masked where it is written (`dialer.model.contact.mask_number`); this is the
second net, for text whose content nobody controls.
"""

import re

from dialer.model.contact import mask_number

# A plus and 7 digits or more, or 9 digits or more without one, or groups as people write them (138-0000-1234).
# Not inside a word or a decimal number: hex ids and amounts stay as they are.
_NUMBER = re.compile(
    r"(?<![0-9A-Za-z.])(?:\+\d{7,15}|\d{9,17}|\+?\d{2,4}(?:[ -]\d{3,4}){2,3})(?![0-9A-Za-z]|\.\d)",
)
_SEPARATORS = str.maketrans("", "", " -")


def mask_numbers(text: str) -> str:
    """The text with everything that looks like a phone number masked like `mask_number` does."""
    return _NUMBER.sub(lambda found: mask_number(found.group().translate(_SEPARATORS)), text)
