"""Build the compiled kernel; everything else that setuptools needs stands in pyproject.toml.

Environment: COSINE_FAST_NO_EXTENSIONS=1 builds nothing (a pure-Python install); COSINE_FAST_NO_OPENMP=1 builds without
OpenMP; COSINE_FAST_DEBUG=1 builds with -O1, debug symbols and the address and undefined-behaviour sanitizers.
COSINE_FAST_JAX_INCLUDE is the folder of jaxlib's headers, where `pip` builds apart from the jaxlib that is installed.
"""

import importlib.util
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

DEBUG = os.environ.get("COSINE_FAST_DEBUG") == "1"
INCLUDE = ["cosine_fast/include", "src"]
DEPENDS = ["src/blocks.c", "src/batches.pxi", "src/simulate.pxi", "src/c_api.pxi"]
DEPENDS += sorted(str(header) for folder in INCLUDE for header in Path(folder).glob("*.h"))
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"] if DEBUG else []
# The same bits everywhere: no FMA but where the header has it. The other two let loops vectorise and change no value.
CFLAGS = ["-std=gnu11", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
# Python's own flags may have -fwrapv and -DNDEBUG, which would hide signed overflow and switch assertions off, and -g,
# which would make the module five times as large.
CFLAGS += ["-O1", "-g", "-fno-wrapv", "-UNDEBUG", "-fno-omit-frame-pointer", *SANITIZE] if DEBUG else ["-O3", "-g0"]
# GCC makes a second vector loop for what is left of a first one, which takes as long to compile; a plain loop serves.
PLAIN_REST = ["--param=vect-epilogues-nomask=0"]
# MSVC contracts nothing under /fp:precise, and has C11's atomics from Visual Studio 2022 on.
MSVC_CFLAGS = ["/std:c11", "/experimental:c11atomics", "/O2", "/fp:precise"]
# Flags for OpenMP, of the compiler and of the linker: the usual ones, and those of Apple's clang beside a libomp.
OPENMP = [(["-fopenmp"], ["-fopenmp"]), (["-Xpreprocessor", "-fopenmp"], ["-lomp"])]
OPENMP_PROBE = """
#include <omp.h>
#ifndef _OPENMP
#error
#endif
int main(void) { return omp_get_max_threads() < 1; }
"""
# Besides the baseline, blocks.c is compiled for these; the best that the processor has is chosen at run time.
X86_VARIANTS = {
    "v3": ["-mavx2", "-mfma", "-mbmi", "-mbmi2", "-mlzcnt"],
    "v4": ["-mfma", *(f"-mavx512{part}" for part in ("f", "dq", "bw", "vl", "cd")), "-mprefer-vector-width=512"],
}
# A compiler may ignore flags that it does not know. GCC for Windows puts vectors where they are not aligned (its bug
# 54412).
X86_PROBE = """
#define CF_X86_VARIANTS
#include "portable.h"
#if !defined(__AVX2__) || !defined(__AVX512F__) || (defined(__MINGW32__) && !defined(__clang__))
#error
#endif
int main(void) { return cf_runs_v3() + cf_runs_v4(); }
"""


class Build(build_ext):
    def builds(self, flags, link=(), source="int main(void) { return 0; }\n"):
        """Whether this compiler and its linker make a program for their target, which may not run here."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "probe.c")
            path.write_text(source)
            try:
                objects = self.compiler.compile([str(path)], folder, None, INCLUDE, extra_postargs=flags)
                self.compiler.link_executable(objects, str(Path(folder, "probe")), extra_postargs=list(link))
            except Exception:  # whatever the compiler or the linker lacks
                return False
        return True

    def build_extensions(self):
        flags, openmp, link = CFLAGS, [], []
        variants = {"baseline": []}
        if self.compiler.compiler_type == "msvc":
            flags = MSVC_CFLAGS
        elif not self.builds(CFLAGS, SANITIZE):  # an unknown compiler; the kernel checks its bits at import
            flags = [flag for flag in CFLAGS if self.builds([flag])]
        elif self.builds([*CFLAGS, *X86_VARIANTS["v3"], *X86_VARIANTS["v4"]], SANITIZE, X86_PROBE):
            variants |= X86_VARIANTS
            self.extensions[0].define_macros.append(("CF_X86_VARIANTS", None))
        if flags is CFLAGS and self.builds([*flags, *PLAIN_REST, "-Werror"], SANITIZE):
            variants = {name: [*more, *PLAIN_REST] for name, more in variants.items()}
        if os.environ.get("COSINE_FAST_NO_OPENMP") != "1":
            openmp, link = next((way for way in OPENMP if self.builds(*way, OPENMP_PROBE)), ([], []))
        print(f"cosine_fast: building {'with' if openmp else 'WITHOUT'} OpenMP", file=sys.stderr)
        for extension in self.extensions:
            extension.extra_compile_args += [*flags, *openmp]
            extension.extra_link_args += link
        try:
            self.compile_kernel(self.extensions[0], flags, variants)
            super().build_extensions()
        except Exception as error:
            raise SystemExit(
                f"cosine_fast: the compiled kernel could not be built: {error}. It needs a C compiler and Python's "
                "headers. COSINE_FAST_NO_EXTENSIONS=1 installs the slower pure-Python package instead."
            ) from error

    def compile_kernel(self, kernel, flags, variants):
        """All objects of the kernel, side by side; setuptools compiles one file after the other."""
        from Cython.Build import cythonize

        def compiled(folder, sources, macros, include, flags):
            return self.compiler.compile(
                sources, str(Path(self.build_temp, folder)), macros, include, extra_postargs=flags
            )

        with ThreadPoolExecutor() as pool:
            objects = [
                pool.submit(compiled, name, ["src/blocks.c"], [("CF_VARIANT", f"cf_isa_{name}")], INCLUDE, flags + more)
                for name, more in variants.items()
            ]
            sources = cythonize(kernel)[0].sources  # meanwhile
            made = compiled("", sources, kernel.define_macros, kernel.include_dirs, kernel.extra_compile_args)
            kernel.extra_objects = [*made, *(path for each in objects for path in each.result())]
        kernel.depends, kernel.sources = [*kernel.depends, *kernel.sources], []


def jax_include():
    """The folder of jaxlib's headers, or None."""
    jaxlib = importlib.util.find_spec("jaxlib")
    beside = Path(jaxlib.origin).with_name("include") if jaxlib and jaxlib.origin else ""
    folder = Path(os.environ.get("COSINE_FAST_JAX_INCLUDE", beside))
    return str(folder) if (folder / "xla/ffi/api/c_api.h").is_file() else None


def extensions():
    import numpy

    kernel = Extension(
        "cosine_fast._kernel",
        ["src/_kernel.pyx", "src/isas.c"],
        include_dirs=[*INCLUDE, numpy.get_include()],
        depends=DEPENDS,
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
        extra_link_args=[*SANITIZE],
    )
    modules = [kernel]
    if folder := jax_include():
        # No module: cosine_fast/integrations/jax.py loads it as a library.
        library = Extension(
            "cosine_fast._jax_ffi",
            ["src/jax_ffi.c"],
            include_dirs=[*INCLUDE, folder],
            depends=DEPENDS,
            extra_link_args=[*SANITIZE],
            optional=True,
        )
        modules.append(library)
    return {"ext_modules": modules, "cmdclass": {"build_ext": Build}}


setup(**({} if os.environ.get("COSINE_FAST_NO_EXTENSIONS") == "1" else extensions()))
