"""python sgd_setup.py build_ext --inplace: build sgd_cython.pyx against the installed cosine_fast."""

import shlex
import subprocess
import sys

from Cython.Build import cythonize
from setuptools import Extension, setup

flags = shlex.split(subprocess.check_output([sys.executable, "-m", "cosine_fast", "--cflags"], text=True))
extension = Extension(
    "sgd_cython", ["sgd_cython.pyx"], extra_compile_args=["-O3", "-fopenmp", *flags], extra_link_args=["-fopenmp"]
)
setup(name="sgd_cython", ext_modules=cythonize([extension]))
