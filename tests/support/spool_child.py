"""A process with the real engine and nothing else, run as a script: records as many legs as it is given far ends.

Arguments: the lowest port to use, the spool directories divided by colons, the far ends' ports. It prints its legs'
ports as one line of JSON, then answers each line it reads with one: `figures`, `events`, or `stop`, which ends
everything in order.
"""

import json
import sys

import dialer_native

PCMA, NO_KEYS, RTP_TIMEOUT_S = 8, -1, 60.0
PORTS = 100
LOOP = b"".join(value.to_bytes(2, "little", signed=True) for value in range(-16000, 16000, 40))
"""What every far end hears, again and again: 100 ms of a ramp."""


def main(port_min: int, directories: list[str], far_ends: list[int]) -> None:
    """Serves until it is told to stop, or killed."""
    engine = dialer_native.Engine("127.0.0.1", port_min, port_min + PORTS, 1, RTP_TIMEOUT_S, *directories)
    ports = []
    for index, far_end in enumerate(far_ends):
        opened = engine.open()
        if opened is None:
            sys.exit("no port left")
        leg, port = opened
        engine.start_recording(leg, f"leg-{index}")
        engine.set_remote(leg, "127.0.0.1", far_end, PCMA, NO_KEYS, True)
        engine.play(leg, LOOP, True)
        ports.append(port)
    print(json.dumps(ports), flush=True)
    for line in sys.stdin:
        if line.strip() == "stop":
            engine.stop()
        answer = engine.drain() if line.strip() == "events" else engine.spool_figures()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2].split(":"), [int(port) for port in sys.argv[3:]])
