"""Makes labelled telephone clips: `make_speech.py set --seed N --out FOLDER --clips N [--pool FOLDER]`.

`make_speech.py pool --out FOLDER [--neural FOLDER]` makes the pool of dry speech that sets are built from; without one,
a set brings its own pool of the simple voices, in `OUT/pool`. `scripts/speech/README.md` says what is in the clips.
"""

import argparse
from pathlib import Path

from speech.build import build
from speech.pool import INDEX, Pool, make_pool
from speech.scenes import LONGEST_MS
from speech.texts import Split


def main() -> None:
    """Reads the command line and makes what it asks for."""
    options = _parser().parse_args()
    if options.command == "pool":
        make_pool(options.out, options.neural)
        return
    pool = options.pool or options.out / "pool"
    if not (pool / INDEX).is_file():
        make_pool(pool, None)
    rows = build(options.out, Pool(pool), options.split, options.seed, options.clips, options.longest_ms)
    print(f"{len(rows)} clips in {options.out}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Makes labelled telephone clips.")
    commands = parser.add_subparsers(dest="command", required=True)
    pool = commands.add_parser("pool", help="dry speech of all texts by several voices")
    pool.add_argument("--out", type=Path, required=True, help="folder of the pool; what is there stays")
    pool.add_argument("--neural", type=Path, help="folder with the unpacked neural voices")
    clips = commands.add_parser("set", help="clips and their manifest")
    clips.add_argument("--out", type=Path, required=True, help="folder of the set; gets audio/ and manifest.csv")
    clips.add_argument("--seed", type=int, required=True)
    clips.add_argument("--clips", type=int, required=True, help="how many")
    clips.add_argument("--pool", type=Path, help="folder of the pool; without it, one of simple voices is made")
    clips.add_argument("--split", type=Split, choices=list(Split), default=Split.TRAIN, help="texts and voices to use")
    clips.add_argument("--longest-ms", type=int, default=LONGEST_MS, help="cut what is longer")
    return parser


if __name__ == "__main__":
    main()
