"""Sphinx's settings; `bash docs/build` makes the site."""

import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "numpy")  # before anything imports Keras

import cosine_fast

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "docs" / "gallery"))

project = "cosine_fast"
author = "the authors of cosine_fast"
copyright = f"2026, {author}"
version = release = cosine_fast.__version__

extensions = [
    "hawkmoth",
    "light_and_dark",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_click",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
nitpicky = True  # each reference must have a target

smartquotes = False  # "--" and quotes are those of commands
default_role = "literal"  # docstrings have names in single backticks
autodoc_typehints = "none"  # the docstrings have the types
autosummary_ignore_module_all = False
autosummary_imported_members = True
numpydoc_show_class_members = False
add_module_names = False
maximum_signature_line_length = 80  # a longer signature has a line for each parameter
toc_object_entries_show_parents = "hide"

hawkmoth_root = cosine_fast.get_include()
hawkmoth_compiler = os.environ.get("CC", "cc")  # whose folders of system headers it reads
nitpick_ignore = [("c:identifier", "int64_t"), ("c:identifier", "size_t")]

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
