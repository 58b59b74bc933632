"""What a final response means for an attempt: SIP status, Reason header (RFC 3326) and Q.850 cause to a `Disposition`.

RFC 3398 and the vendors' tables agree on the core; the raw codes are kept in `NetworkCause` whatever we conclude. The
order of the evidence: a block said in so many words (607, 608, the 603 of ATIS-1000099), then the Q.850 cause of the
network that knew the called line, then the SIP status, which many trunks make up. An announcement heard before the
answer outranks all of it; that is for the owner of the call.
"""

from dialer.model.attempt import TRUNK_FAULTS, Disposition, NetworkCause
from dialer.sip.lexical import readable
from dialer.sip.message import Request, Response

_Q850 = {  # ITU-T Q.850 table 1
    1: Disposition.BAD_NUMBER,  # unallocated number
    2: Disposition.BAD_NUMBER,  # no route to specified transit network
    3: Disposition.BAD_NUMBER,  # no route to destination
    17: Disposition.BUSY,
    18: Disposition.NO_ANSWER,  # no user responding
    19: Disposition.NO_ANSWER,  # alerted, no answer
    20: Disposition.POWERED_OFF,  # subscriber absent
    21: Disposition.REJECTED,
    22: Disposition.BAD_NUMBER,  # number changed
    28: Disposition.BAD_NUMBER,  # invalid number format
    34: Disposition.TRUNK_CONGESTION,  # no circuit available
    38: Disposition.TRUNK_CONGESTION,  # network out of order
    41: Disposition.TRUNK_CONGESTION,  # temporary failure
    42: Disposition.TRUNK_CONGESTION,  # switching equipment congestion
    47: Disposition.TRUNK_CONGESTION,  # resource unavailable
    57: Disposition.TRUNK_CONFIG,  # bearer capability not authorized
    58: Disposition.TRUNK_CONFIG,  # bearer capability not available
    65: Disposition.TRUNK_CONFIG,  # bearer capability not implemented
    79: Disposition.TRUNK_CONFIG,  # service not implemented
}
_STATUS = {
    200: Disposition.SHORT_ANSWER,  # answered while we were cancelling
    401: Disposition.TRUNK_CONFIG,
    403: Disposition.REJECTED,
    404: Disposition.BAD_NUMBER,
    407: Disposition.TRUNK_CONFIG,
    408: Disposition.NO_ANSWER,
    410: Disposition.BAD_NUMBER,
    480: Disposition.NO_ANSWER,
    484: Disposition.BAD_NUMBER,
    486: Disposition.BUSY,
    487: Disposition.NO_ANSWER,
    488: Disposition.TRUNK_CONFIG,
    500: Disposition.TRUNK_CONGESTION,
    501: Disposition.TRUNK_CONFIG,
    502: Disposition.TRUNK_CONGESTION,
    503: Disposition.TRUNK_CONGESTION,
    504: Disposition.TRUNK_CONGESTION,
    600: Disposition.BUSY,
    603: Disposition.REJECTED,
    604: Disposition.BAD_NUMBER,
    606: Disposition.TRUNK_CONFIG,
    607: Disposition.UNWANTED,  # RFC 8197
    608: Disposition.NETWORK_BLOCKED,  # RFC 8688
}
_OF_CLASS = {
    3: Disposition.TRUNK_CONFIG,  # a redirection, which we do not follow
    4: Disposition.TRUNK_CONFIG,
    5: Disposition.TRUNK_CONGESTION,
    6: Disposition.BUSY,
}
"""A final response we do not know is taken as the x00 of its class (RFC 3261 §8.1.3.2)."""
_BLOCKED_PHRASE = "network blocked"  # ATIS-1000099, "603+"


def network_cause(message: Request | Response) -> NetworkCause:
    """The raw evidence in a final response, a BYE or a CANCEL."""
    q850 = next((value.cause for value in message.reason if value.protocol.upper() == "Q.850"), None)
    reasons = tuple(readable(value) for value in message.headers.get_all("Reason"))
    if isinstance(message, Response):
        return NetworkCause(message.status, readable(message.phrase), reasons, q850)
    return NetworkCause(None, "", reasons, q850)


def disposition(cause: NetworkCause, *, rang: bool, no_response: bool = False) -> Disposition:
    """How an attempt that was never talked on ended, as far as signalling can tell.

    A trunk's fault is one only before anything rang: what rang was an attempt and keeps its place in the counters.
    """
    if no_response:
        return Disposition.TRUNK_CONGESTION
    found = _of_codes(cause)
    if rang and found in TRUNK_FAULTS:
        return Disposition.NO_ANSWER
    return found


def _of_codes(cause: NetworkCause) -> Disposition:
    if cause.sip_status in (607, 608):
        return _STATUS[cause.sip_status]
    if cause.sip_status == 603 and _is_blocked(cause):
        return Disposition.NETWORK_BLOCKED
    if cause.q850 in _Q850:
        return _Q850[cause.q850]
    status = cause.sip_status or 0
    return _STATUS.get(status) or _OF_CLASS.get(status // 100, Disposition.UNKNOWN)


def _is_blocked(cause: NetworkCause) -> bool:
    return any(_BLOCKED_PHRASE in text.lower() for text in (cause.sip_phrase, *cause.reasons))
