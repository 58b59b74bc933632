"""When a challenged request of ours is tried again with credentials, and with which header (RFC 3261 §22.2, §22.3)."""

from dialer.sip.challenge import Challenge
from dialer.sip.digest import DigestClient, choose_challenge
from dialer.sip.message import Response, TokenFactory

MAX_TRIES = 4
"""Per call: a proxy and a registrar, each with one stale nonce."""


class ChallengeRetry:
    """The credentials of one call, and how often which protection space has asked for them.

    A realm is answered once; a second time only when it calls the nonce stale, since anything else means that the
    password is wrong and asking again would lock the account.
    """

    def __init__(self, username: str, password: str, token: TokenFactory) -> None:
        self._has_account = bool(username)
        self._client = DigestClient(username, password, token)
        self._asked: set[str] = set()
        self._n_tries = 0

    def can_answer(self, response: Response) -> bool:
        """True when trying again with credentials can help."""
        challenge = choose_challenge(_challenges(response))
        if challenge is None or not self._has_account or self._n_tries >= MAX_TRIES:
            return False
        return challenge.realm not in self._asked or challenge.stale

    def answer(self, response: Response, method: str, uri: str, body: bytes = b"") -> dict[str, str]:
        """The header to add to the next try; empty when there is nothing to answer."""
        challenges = _challenges(response)
        chosen = choose_challenge(challenges)
        credentials = self._client.answer(challenges, method, uri, body) if self._has_account else None
        if credentials is None or chosen is None:
            return {}
        self._asked.add(chosen.realm)
        self._n_tries += 1
        return {_header_name(response): str(credentials)}


def _header_name(response: Response) -> str:
    return "Authorization" if response.status == 401 else "Proxy-Authorization"


def _challenges(response: Response) -> list[Challenge]:
    return response.www_authenticate if response.status == 401 else response.proxy_authenticate
