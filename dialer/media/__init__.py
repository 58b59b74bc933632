"""Audio: legs, playing, bridging, tapping and recording. The native engine moves the packets; Python only decides.

`interface` holds the face both engines share, `engine` the real one, `loopback` its twin on a virtual clock.
"""
