"""matplotlib's directive `plot` for pages in Markdown, which draws each picture twice: for light and for dark pages.

A page shows the code once, and furo the picture that fits. matplotlib's directive inserts reStructuredText into the
page, which Markdown cannot take: TEMPLATE makes it write Markdown, and `Plot` inserts that.
"""

from types import SimpleNamespace

from cycler import cycler
from matplotlib.sphinxext import plot_directive
from sphinx.util.parsing import nested_parse_to_nodes

from cosine_fast.plotting import COLOURS, STYLE, STYLES

TEMPLATE = """
{% for picture in images %}
:::{image} {{ build_dir }}/{{ picture.basename }}.{{ default_fmt }}
{{ options | join("\n") }}
:::
{% endfor %}
"""
# The ink, and four of Okabe and Ito's colours: those that stand out on white, and those that do on black.
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = COLOURS
THEMES = {
    "light": ("#333333", (BLUE, VERMILION, GREEN, PURPLE)),
    "dark": ("#dddddd", (SKY, ORANGE, GREEN, PURPLE)),
}
LOOK = {
    **STYLE,
    "font.family": "sans-serif",
    "font.size": 10,
    "figure.figsize": (5.0, 3.0),  # inches: a telephone shows it at 7/10 of its size
    "savefig.transparent": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.alpha": 0.15,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}


def settings(ink, colours):
    """Return matplotlib's settings for a theme. Five curves have five colours and, for grey print, styles of line."""
    inked = ("axes.edgecolor", "axes.labelcolor", "grid.color", "text.color", "xtick.color", "ytick.color")
    cycle = cycler(color=[*colours, ink], linestyle=STYLES[:5])
    return LOOK | dict.fromkeys(inked, ink) | {"axes.prop_cycle": cycle}


class Plot(plot_directive.PlotDirective):
    def run(self):
        if not self.options.get("alt"):
            raise self.error("Each plot needs :alt:, a text that says what one sees.")
        lines = []
        page = SimpleNamespace(document=self.state.document, insert_input=lambda more, source: lines.extend(more))
        env = self.state.document.settings.env
        name = f"{env.docname.replace('/', '-')}-{env.new_serialno('plot')}"
        problems = []
        for theme, inks in THEMES.items():
            env.config.plot_rcparams = settings(*inks)
            options = self.options | {"class": [f"only-{theme}"], "filename-prefix": f"{name}-{theme}"}
            problems += plot_directive.run(self.arguments, self.content, options, page, self.state, self.lineno)
        env.config.plot_rcparams = {}  # as it was, or the next build begins anew
        code = ["```python", *self.content, "```"]
        if "code-caption" in self.options:  # long code, which this line unfolds
            code = [f"<details><summary>{self.options['code-caption']}</summary>", "", *code, "", "</details>"]
        lines += code
        return problems or nested_parse_to_nodes(self.state, "\n".join(lines), source=env.docname, offset=self.lineno)


def setup(app):
    app.setup_extension("matplotlib.sphinxext.plot_directive")
    app.add_directive("plot", Plot, override=True)
    app.config.plot_template = TEMPLATE
    app.config.plot_formats = ["svg"]
    app.config.plot_html_show_source_link = False
    app.config.plot_html_show_formats = False
    return {"parallel_read_safe": True}
