"""``python -m cosine_fast``: the command ``cosine-fast``, and with ``--cflags`` what a C compiler needs of it.

``cc $(python -m cosine_fast --cflags) -O3 simulator.c -lm``
"""

import shlex
import sys

# The first gives the bits; the other two change none, and GCC makes no vectors without them.
CFLAGS = ("-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math")

if __name__ == "__main__":
    if sys.argv[1:] == ["--cflags"]:
        from cosine_fast import get_include

        print(shlex.join([f"-I{get_include()}", *CFLAGS]))
    else:
        from cosine_fast.cli import main

        main()
