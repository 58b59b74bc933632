"""SIPp scenarios put together from steps, so that a carrier's behaviour stands beside what is expected of it.

`scenario("uas-busy", INVITE, TRYING, reject(486, "Busy Here"))` is a whole carrier. Every call that went through to the
end of its scenario leaves the word `DONE` in SIPp's log file.
"""

from textwrap import indent
from xml.sax.saxutils import escape

DONE = "the call went as the scenario says"
_SAME = "[last_Via:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n{cseq}\n"
_TAG = ";tag=carrier[call_number]"
_CONTACT = "Contact: <sip:carrier@[local_ip]:[local_port];transport=[transport]>\n"
_SDP = """\
v=0
o=carrier 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
"""
_CALLER = '<ereg regexp=".*" search_in="hdr" header="From" check_it="true" assign_to="caller"/>'
_NUMBER = '<ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" check_it="true" assign_to="number"/>'
_USED = '<Reference variables="caller,number"/>'


def receive(request: str, *actions: str) -> str:
    """Waits for a request; `actions` are SIPp's, as XML."""
    inner = f"<action>{''.join(actions)}</action>" if actions else ""
    keeps_target = ' rrs="true"' if request == "INVITE" else ""
    return f'<recv request="{request}"{keeps_target}>{inner}</recv>'


def respond(
    status: int, phrase: str, *, sdp: bool = False, headers: str = "", invite: bool = False, reliably: bool = False
) -> str:
    """A response to the request received last, or (`invite`) to the INVITE after something else was received.

    `reliably` repeats it until the ACK, as a final response to an INVITE over UDP must be.
    """
    lines = [f"SIP/2.0 {status} {phrase}\n"]
    lines.append(
        _SAME.format(tag="" if status == 100 else _TAG, cseq="CSeq: [$number] INVITE" if invite else "[last_CSeq:]")
    )
    lines.append(headers + (_CONTACT if 100 < status < 300 else ""))
    lines.append(f"Content-Type: application/sdp\nContent-Length: [len]\n\n{_SDP}" if sdp else "Content-Length: 0\n")
    return _send("".join(lines), reliably=reliably)


def answer() -> str:
    """The 200 with a description of the audio, and its ACK."""
    return respond(200, "OK", sdp=True, reliably=True) + receive("ACK")


def reject(status: int, phrase: str, headers: str = "") -> str:
    """A final refusal, and its ACK."""
    return respond(status, phrase, headers=headers, reliably=True) + receive("ACK")


def challenge(status: int, phrase: str, asks: str, answers: str) -> str:
    """Refuses the first INVITE for want of credentials (MD5, RFC 7616) and insists on them in the second."""
    question = f'{asks}: Digest realm="carrier.example", nonce="4e1f0c77", algorithm=MD5, qop="auth"\n'
    credentials = (
        f'<ereg regexp="username=.trunk.*response=.[0-9a-f]{{32}}" search_in="hdr" header="{answers}:"'
        ' check_it="true" assign_to="credentials"/><log message="[$credentials]"/>'
    )
    return reject(status, phrase, question) + receive("INVITE", credentials, _CALLER, _NUMBER)


def speak(file: str) -> str:
    """Streams a file of A-law at 8 kHz over RTP from now on, once."""
    return f'<nop><action><exec rtp_stream="{escape(file)},1,8"/></action></nop>'


def wait(milliseconds: int) -> str:
    """Lets time pass."""
    return f'<pause milliseconds="{milliseconds}"/>'


def hang_up() -> str:
    """The carrier's BYE, and its 200."""
    bye = (
        "BYE [next_url] SIP/2.0\n"
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
        f"From: <sip:callee@[local_ip]:[local_port]>{_TAG}\n"
        "To[$caller]\n[last_Call-ID:]\nCSeq: 1 BYE\nMax-Forwards: 70\n"
        'Reason: Q.850;cause=16;text="Normal call clearing"\nContent-Length: 0\n'
    )
    return _send(bye, reliably=True) + '<recv response="200"/>'


def scenario(name: str, *steps: str) -> str:
    """The whole scenario as SIPp reads it."""
    done = f'<nop><action><log message="{DONE}"/></action></nop>'
    body = "\n".join((*steps, done, _USED))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="{name}">\n{body}\n</scenario>\n'


def _send(message: str, *, reliably: bool) -> str:
    repeat = ' retrans="500"' if reliably else ""
    return f"<send{repeat}><![CDATA[\n\n{indent(message, '  ')}\n]]></send>"


INVITE = receive("INVITE", _CALLER, _NUMBER)
TRYING = respond(100, "Trying")
RINGING = respond(180, "Ringing")
OUR_BYE = receive("BYE") + respond(200, "OK")
AFTER_CANCEL = receive("CANCEL") + respond(200, "OK")
CANCELLED = AFTER_CANCEL + respond(487, "Request Terminated", invite=True, reliably=True) + receive("ACK")
CROSSING = AFTER_CANCEL + respond(200, "OK", sdp=True, invite=True, reliably=True) + receive("ACK") + OUR_BYE
"""The person picks up in the moment in which we give up."""
