"""``python -m cosine_fast``: the command ``cosine-fast``, and with ``--cflags`` a C compiler's options.

``cc $(python -m cosine_fast --cflags) -O3 simulator.c -lm``
"""

import shlex
import sys

# The first keeps the bits the same everywhere. The other two change no bit; GCC vectorises only with them.
CFLAGS = ("-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math")

if __name__ == "__main__":
    if sys.argv[1:] == ["--cflags"]:
        from cosine_fast import get_include

        print(shlex.join([f"-I{get_include()}", *CFLAGS]))
    else:
        from cosine_fast.cli import main

        main()
