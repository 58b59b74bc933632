"""`dialer recordings rewrap`: every recording's key under the current key-encryption key."""

import typer

from dialer.cli.client import DEFAULT_URL, Token, Url, call
from dialer.cli.output import complain, print_table, say

EXIT_LOST = 1


def rewrap(url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Wraps the keys of all recordings with the current key-encryption key, beside calls; may be begun again.

    Give the service the new key as recordings.key and the old one in recordings.old_keys first, and restart it. Ends
    with status 1 when there are recordings that none of its keys opens.
    """
    n_done, lost, after = 0, [], ""
    while True:
        done = call(url, token, "POST", "/v1/recording-keys/rewrap", {"after": after})
        n_done += done["rewrapped"]
        lost += done["lost"]
        if done["next"] is None:
            break
        after = done["next"]
    say(f"{n_done} keys of recordings are wrapped anew")
    found = call(url, token, "GET", "/v1/recording-keys")
    rows = [(kek_id, n, "yes" if kek_id == found["current"] else "") for kek_id, n in found["counts"].items()]
    print_table("Key-encryption keys", ("key", "recordings", "current"), rows)
    if lost:
        complain(f"{len(lost)} recordings open with no key of this node, e.g. {lost[0]}; add it to recordings.old_keys")
        raise typer.Exit(EXIT_LOST)
