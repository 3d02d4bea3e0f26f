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
# The same colours in another order: the first ones stand out best.
THEMES = {"light": ("#333333", COLOURS), "dark": ("#dddddd", [COLOURS[i] for i in (5, 4, 2, 3, 1, 0)])}
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
    """Return matplotlib's settings for a theme. The styles of line tell curves apart in grey."""
    styles = [STYLES[(i + 3 * (i // len(colours))) % len(STYLES)] for i in range(2 * len(colours))]
    inked = ("axes.edgecolor", "axes.labelcolor", "grid.color", "text.color", "xtick.color", "ytick.color")
    return LOOK | dict.fromkeys(inked, ink) | {"axes.prop_cycle": cycler(color=[*colours] * 2, linestyle=styles)}


class Plot(plot_directive.PlotDirective):
    def run(self):
        if not self.options.get("alt"):
            raise self.error("Each plot needs :alt:, a text that says what one sees.")
        lines = []
        page = SimpleNamespace(document=self.state.document, insert_input=lambda more, source: lines.extend(more))
        env = self.state.document.settings.env
        classes = self.options.pop("class", [])
        number = env.temp_data["plots"] = env.temp_data.get("plots", 0) + 1
        problems = []
        for theme, inks in THEMES.items():
            env.config.plot_rcparams = settings(*inks)
            prefix = f"{env.docname.replace('/', '-')}-{number}-{theme}"
            options = self.options | {"class": [*classes, f"only-{theme}"], "filename-prefix": prefix}
            problems += plot_directive.run(self.arguments, self.content, options, page, self.state, self.lineno)
        lines += ["```python", *self.content, "```"]
        return problems or nested_parse_to_nodes(self.state, "\n".join(lines), source=env.docname, offset=self.lineno)


def setup(app):
    app.setup_extension("matplotlib.sphinxext.plot_directive")
    app.add_directive("plot", Plot, override=True)
    app.config.plot_template = TEMPLATE
    app.config.plot_formats = ["svg"]
    app.config.plot_html_show_source_link = False
    app.config.plot_html_show_formats = False
    return {"parallel_read_safe": True}
