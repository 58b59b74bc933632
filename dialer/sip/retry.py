"""When a challenged request of ours is tried again with credentials, and with which headers (RFC 3261 §22.2, §22.3)."""

from dialer.sip.challenge import Challenge
from dialer.sip.digest import DigestClient, choose_challenge
from dialer.sip.message import Response, TokenFactory

MAX_TRIES = 4
"""Per call: a proxy and a registrar, each with one stale nonce."""

_Space = tuple[str, str]
"""A protection space: the header that answers it, and its realm."""


class ChallengeRetry:
    """The credentials of one call, for every protection space on its way.

    A space is answered once; a second time only when it calls the nonce stale, since anything else means that the
    password is wrong and asking again would lock the account.
    """

    def __init__(self, username: str, password: str, token: TokenFactory) -> None:
        self._username = username
        self._password = password
        self._token = token
        self._spaces: dict[_Space, tuple[DigestClient, Challenge]] = {}
        self._n_tries = 0

    def can_answer(self, response: Response) -> bool:
        """True when trying again with credentials can help."""
        challenge = choose_challenge(_challenges(response))
        if challenge is None or not self._username or self._n_tries >= MAX_TRIES:
            return False
        return challenge.stale or _space(response, challenge) not in self._spaces

    def answer(self, response: Response, method: str, uri: str, body: bytes = b"") -> dict[str, str]:
        """The headers to add to the next try: credentials for this challenge and for those before it.

        Empty when there is nothing to answer with.
        """
        challenge = choose_challenge(_challenges(response))
        if challenge is None or not self._username:
            return {}
        space = _space(response, challenge)
        client = self._spaces[space][0] if space in self._spaces else self._new_client()
        self._spaces[space] = (client, challenge)
        self._n_tries += 1
        headers = {}
        for (name, _), (known_client, known) in self._spaces.items():
            credentials = known_client.answer([known], method, uri, body)
            if credentials is not None:
                headers[name] = str(credentials)
        return headers

    def _new_client(self) -> DigestClient:
        return DigestClient(self._username, self._password, self._token)


def _space(response: Response, challenge: Challenge) -> _Space:
    return ("Authorization" if response.status == 401 else "Proxy-Authorization", challenge.realm)


def _challenges(response: Response) -> list[Challenge]:
    return response.www_authenticate if response.status == 401 else response.proxy_authenticate
