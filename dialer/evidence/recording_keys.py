"""The key-encryption keys of a node: from its configuration, from a program, or made once beside its data."""

import os
import subprocess

from dialer.config import Config
from dialer.errors import ConfigError
from dialer.key_files import read_or_make
from recording.keys import KEY_BYTES, KeyRing

KEY_FILE = "recordings.key"
COMMAND_TIMEOUT_S = 30.0
_WANTED = f"give {KEY_BYTES} bytes as {2 * KEY_BYTES} hexadecimal digits"


def recording_keys(config: Config) -> KeyRing:
    """The ring of this configuration. Blocks; raises ConfigError: a key is wrong, or cannot be had."""
    recordings = config.recordings
    old = [_parsed(text, "recordings.old_keys") for text in recordings.old_keys]
    if recordings.key and recordings.key_command:
        raise ConfigError("recordings.key and recordings.key_command are both given; remove one of the two")
    if recordings.key:
        return KeyRing(_parsed(recordings.key, "recordings.key"), old)
    if recordings.key_command:
        return KeyRing(_parsed(_asked(recordings.key_command), "recordings.key_command"), old)
    path = config.node.data_dir / KEY_FILE
    text = read_or_make(path, lambda: os.urandom(KEY_BYTES).hex() + "\n", "key of the recordings")
    return KeyRing(_parsed(text, str(path)), old)


def _parsed(text: str, where: str) -> bytes:
    """A key from its digits; ConfigError says what is wrong, never what was given."""
    try:
        key = bytes.fromhex(text.strip())
    except ValueError as error:
        raise ConfigError(f"{where}: not hexadecimal; {_WANTED}") from error
    if len(key) != KEY_BYTES:
        raise ConfigError(f"{where}: {len(key)} bytes; {_WANTED}")
    return key


def _asked(command: tuple[str, ...]) -> str:
    """What the program printed; what it wrote to its standard error goes to ours."""
    where = f"recordings.key_command: {command[0]}"
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own program, without a shell
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=COMMAND_TIMEOUT_S, check=False, text=True
        )
    except subprocess.TimeoutExpired as error:
        raise ConfigError(f"{where} gave no key within {COMMAND_TIMEOUT_S:.0f} s") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{where} cannot be run, or printed no text: {error}") from error
    if done.returncode:
        raise ConfigError(f"{where} ended with status {done.returncode}; run it by hand to see why")
    return done.stdout
