"""Sphinx's settings; `bash docs/build` makes the site."""

import sys
from pathlib import Path

import cosine_fast

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "docs" / "gallery"))

project = "cosine_fast"
author = "the authors of cosine_fast"
copyright = f"2026, {author}"
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
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_use_index = html_domain_indices = False  # pages of names that no page leads to, and too wide for a telephone
html_favicon = "_static/icon.svg"
pygments_dark_style = "a11y-dark"  # furo's own underlines names of modules like links
highlight_options = {"python": {"stripnl": True}}  # doctest needs an empty line at an example's end

myst_heading_anchors = 4  # links such as reliability.md#systems
myst_enable_extensions = ["colon_fence"]

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

plot_working_directory = str(ROOT)  # as for the examples in docs
