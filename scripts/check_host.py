"""Says what this machine lacks before anything is installed: Python, a C compiler, a writable folder."""

import shutil
import sys

problems = []
if sys.version_info < (3, 11):  # noqa: UP036 - the very check
    problems.append(
        f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: make PYTHON=/path/to/python3.12"
    )
if sys.platform != "linux":
    problems.append("the media engine uses Linux system calls; on other systems use the container image")
if not any(map(shutil.which, ("cc", "gcc", "clang"))):
    problems.append("a C compiler is needed to link the native engine: e.g. apt-get install gcc libc6-dev")
for problem in problems:
    print(f"!! {problem}", file=sys.stderr)
sys.exit(bool(problems))
