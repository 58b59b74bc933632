"""A phone made of pyVoIP, in a process of its own: registers, answers every call, hangs up when told.

Run as `python pyvoip_phone.py HOST SIP_PORT SERVER_PORT USER PASSWORD HANG_UP_AFTER_S`; tells on standard output what
happens.
"""

import sys
import time

import pyVoIP.VoIP  # first: `pyVoIP.SIP` imports it in a circle

RTP_PORTS = (41000, 41998)


def main() -> None:
    """Runs until standard input is closed."""
    host, sip_port, server_port, user, password, hang_up_after_s = sys.argv[1:]

    def take(call: pyVoIP.VoIP.VoIPCall) -> None:
        call.answer()
        print("answered", flush=True)
        until = time.monotonic() + float(hang_up_after_s)
        while call.state == pyVoIP.VoIP.CallState.ANSWERED and time.monotonic() < until:
            time.sleep(0.02)
        if call.state == pyVoIP.VoIP.CallState.ANSWERED:
            call.hangup()
            print("hung up", flush=True)

    phone = pyVoIP.VoIP.VoIPPhone(
        host,
        int(server_port),
        user,
        password,
        myIP=host,
        sipPort=int(sip_port),
        rtpPortLow=RTP_PORTS[0],
        rtpPortHigh=RTP_PORTS[1],
        callCallback=take,
    )
    phone.start()
    print("started", flush=True)
    sys.stdin.read()
    phone.stop()


if __name__ == "__main__":
    main()
