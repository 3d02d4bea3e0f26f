"""Sphinx's settings; `bash docs/build` makes the site."""

import sys
from pathlib import Path

import cosine_fast

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "docs" / "gallery"))

project = "cosine_fast"
author = "the authors of cosine_fast"
copyright = f"2026, {author}"  # noqa: A001
version = release = cosine_fast.__version__

extensions = [
    "light_and_dark",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
nitpicky = True  # each reference must have a target

html_theme = "furo"
html_title = f"cosine_fast {release}"
html_theme_options = {"source_directory": "docs/"}
html_static_path = ["gallery/static"]
html_css_files = ["formulas.css"]

myst_heading_anchors = 4  # links such as reliability.md#systems
myst_enable_extensions = ["colon_fence"]

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

plot_working_directory = str(ROOT)  # as for the examples in docs
