"""Tables and plots of performance.py's measurements: `python benchmarks/report.py` (needs matplotlib).

Reads performance.json, draws docs/explanation/performance-*.png, and replaces the tables between the comments `<!--
performance: begin NAME -->` and `<!-- performance: end NAME -->` in docs/explanation/performance.md and README.md;
other text stays.
`--output DIR` writes everything there instead.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from timing import Ratio, ratio

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ("docs/explanation/performance.md", "README.md")
OURS = "cosine_fast"
LIMIT = ("limit, streaming", "limit, plain")
WRITE_LIMIT = ("write limit, streaming", "write limit, plain")

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Results = dict[str, Any]
Comparison = dict[str, Any]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [list(header), ["---"] * len(header), *map(list, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def size(n: int) -> str:
    exponent = n.bit_length() - 1
    return f"2^{exponent}" if n == 2**exponent and n >= 2**14 else f"{n:,}"


def time_of(c: Comparison, name: str) -> float:
    return statistics.median(c["seconds"][name])


def per_value(c: Comparison, name: str) -> str:
    """Nanoseconds, to three digits."""
    ns = time_of(c, name) / c["n"] * 1e9
    return f"{ns:.2f}" if ns < 10 else f"{ns:.1f}" if ns < 100 else f"{ns:,.0f}"


def against(c: Comparison, name: str, reference: str) -> Ratio:
    return ratio(c["seconds"][name], c["seconds"][reference])


def of_group(results: Results, group: str) -> list[Comparison]:
    return [c for c in results["comparisons"] if c["group"] == group]


def arrays(results: Results, threads: int) -> list[Comparison]:
    return [c for c in of_group(results, "array") if c["threads"] == threads]


def largest_with_all(found: list[Comparison]) -> Comparison:
    """The largest array that has all contenders."""
    most = max(len(c["seconds"]) for c in found)
    return max((c for c in found if len(c["seconds"]) == most), key=lambda c: c["n"])


def names(found: Iterable[Comparison]) -> list[str]:
    """The contenders' names, each once, in their order."""
    return list(dict.fromkeys(name for c in found for name in c["seconds"]))


# ---- Tables ----


def machine(results: Results) -> str:
    m = results["machine"]
    info = m["cosine_fast"]
    versions = ", ".join(f"{name} {version}" for name, version in m["versions"].items())
    vectors = "; ".join(f"{name}: {what}" for name, what in m["vector_cosines"].items())
    quick = " **A smoke run: no figures to quote.**" if results["quick"] else ""
    return (
        f"{m['cpu']}, {m['cores']} cores ({', '.join(m['caches'])}); {m['system']}, huge pages: {m['huge_pages']}; "
        f"{m['compiler']}; cosine_fast {info['version']} ({info['backend']}, {info['isa']}), Python {m['python']}, "
        f"{versions}. Vector cosines: {vectors}.{quick}\n"
    )


def shown(claim: dict[str, Any], value: float) -> str:
    return f"{value:.2f} {claim['unit']}".rstrip()


def contract(results: Results) -> str:
    rows = []
    for claim in results["contract"]:
        low, median, high = (shown(claim, value) for value in claim["measured"])
        promise = "at least" if claim["at_least"] else "at most"
        bound = "" if claim["bound"] is None else f"{promise} {claim['bound']:g}"
        held = {None: "", True: "held", False: "**NOT held**"}[claim["held"]]
        rows.append([claim["what"], claim["reference"], bound, f"{median} ({low} to {high})", held])
    return table(["what", "beside", "promised", "measured (quartiles)", ""], rows)


def contenders(c: Comparison, chosen: Iterable[str]) -> str:
    rows = [[name, per_value(c, name), str(against(c, name, OURS))] for name in chosen if name in c["seconds"]]
    return table([f"{c['n']:,} steps, {c['threads']} threads", "ns per value", "its time / cosine_fast's"], rows)


def limit_of(c: Comparison) -> list[str]:
    """The memory limit: the faster of plain and streaming stores."""
    return sorted((name for name in LIMIT if name in c["seconds"]), key=lambda name: time_of(c, name))[:1]


def rivals(c: Comparison) -> list[str]:
    return [name for name in c["seconds"] if not name.startswith((OURS, "limit", "write limit", "np.empty"))]


def summary(results: Results) -> str:
    """README's table of contenders."""
    found = arrays(results, results["machine"]["cores"])
    if not found:
        return ""
    c, m = largest_with_all(found), results["machine"]
    turns = len(c["seconds"][OURS])
    about = (
        f"{size(c['n'])} int64 steps to float64, into memory that has been touched; {m['cpu']}, {m['cores']} cores, "
        f"{m['cosine_fast']['isa']}; medians of {turns} interleaved turns, and quartiles of the ratios:\n\n"
    )
    return about + contenders(c, [*limit_of(c), OURS, "cosine_fast, precompute", *rivals(c)])


def at_memory(results: Results) -> str:
    found = arrays(results, results["machine"]["cores"])
    return contenders(c := largest_with_all(found), names([c])) if found else ""


def by_size(found: list[Comparison]) -> str:
    """Nanoseconds per value of every contender at every size."""
    if not found:
        return ""
    rows = [[name] + [per_value(c, name) if name in c["seconds"] else "" for c in found] for name in names(found)]
    return table(["ns per value, n ="] + [size(c["n"]) for c in found], rows)


def fresh(results: Results) -> str:
    fill = "np.empty(n).fill(1.0)"
    rows = []
    for c in arrays(results, results["machine"]["cores"]):
        shares = [str(against(c, name, fill)) for name in ("cosine_fast, fresh", "cosine_fast, precompute, fresh")]
        rows.append([size(c["n"]), per_value(c, fill), per_value(c, "cosine_fast, fresh"), *shares])
    header = ["n", f"`{fill}`, ns per value", "`schedule(steps)`", "its time / fill's", "`precompute(n)`'s / fill's"]
    return table(header, rows) if rows else ""


def isas(results: Results) -> str:
    others = ["C, -Ofast, libmvec", "Numba, parallel, fastmath"]
    rows = []
    for c in of_group(results, "isa"):
        for name in (
            name for name in c["seconds"] if name.partition(", ")[0] in results["machine"]["cosine_fast"]["isas"]
        ):
            times_as_fast = [str(against(c, other, name)) if other in c["seconds"] else "" for other in others]
            limits = [str(against(c, name, limit)) for limit in limit_of(c)] or [""]
            rows.append([name, size(c["n"]), str(c["threads"]), per_value(c, name), *limits, *times_as_fast])
    header = ["instruction set", "n", "threads", "ns per value", "its time / memory limit's"]
    return table([*header, *(f"{other}: its time / ours" for other in others)], rows) if rows else ""


def threads(results: Results) -> str:
    found = of_group(results, "threads")
    rows = [
        [name, size(n), *(per_value(c, name) for c in found if c["n"] == n and name in c["seconds"])]
        for n in sorted({c["n"] for c in found})
        for name in names(found)
    ]
    counts = sorted({c["threads"] for c in found})
    return (
        table(["ns per value", "n", *(f"{count} thread{'s' * (count > 1)}" for count in counts)], rows) if rows else ""
    )


def layouts(results: Results) -> str:
    found = of_group(results, "layout")
    rows = [
        [name, *(x for c in found for x in (per_value(c, name), str(against(c, name, "int64"))))]
        for name in names(found)
    ]
    header = [x for c in found for x in (f"n = {size(c['n'])}, ns per value", "its time / int64's")]
    return table(["steps", *header], rows) if rows else ""


def small(results: Results) -> str:
    rows = [
        [f"`{name}`", f"{statistics.median(seconds) * 1e9:,.0f}"]
        for c in of_group(results, "small")
        for name, seconds in c["seconds"].items()
    ]
    rows += [
        [f"`import {name}`", f"{statistics.median(seconds) * 1e9:,.0f}"]
        for c in of_group(results, "import")
        for name, seconds in c["seconds"].items()
    ]
    return table(["call", "ns"], rows) if rows else ""


def growth(results: Results) -> str:
    rows = [[c["note"], size(int(n)), per_value(c, n)] for c in of_group(results, "growth") for n in c["seconds"]]
    return table(["steps and rates in", "n", "ns per value"], rows) if rows else ""


def family(results: Results) -> str:
    numba, single = "Numba, parallel, fastmath", {c["note"]: c for c in of_group(results, "family, one step")}
    cached = {c["note"]: c for c in of_group(results, "family, in the caches")}
    rows = []
    for c in of_group(results, "family"):
        beside = [per_value(c, numba), str(against(c, numba, OURS))] if numba in c["seconds"] else ["", ""]
        step, small = single[c["note"]], cached[c["note"]]
        beside.append(str(against(small, numba, OURS)) if numba in small["seconds"] else "")
        steps = [f"{time_of(step, name) * 1e9:,.0f}" if name in step["seconds"] else "" for name in (OURS, "Keras")]
        rows.append([c["note"], per_value(c, OURS), *beside, *steps])
    if not rows:
        return ""
    n = size(of_group(results, "family")[0]["n"])
    header = [
        f"{n} steps, {results['machine']['cores']} threads",
        "ns per value",
        "Numba's",
        "its time / cosine_fast's",
        f"that of {size(next(iter(cached.values()))['n'])} steps",
    ]
    return table([*header, "`schedule(int)`, ns", "Keras's, ns"], rows)


def absent(results: Results) -> str:
    return "".join(f"- {name}: {why}.\n" for name, why in results["absent"].items()) or "None.\n"


def tables(results: Results) -> dict[str, str]:
    cores = results["machine"]["cores"]
    return {
        "machine": machine(results),
        "contract": contract(results),
        "summary": summary(results),
        "at-memory": at_memory(results),
        "all-threads": by_size(arrays(results, cores)),
        "one-thread": by_size(arrays(results, 1)) if cores > 1 else "",
        "fresh": fresh(results),
        "isas": isas(results),
        "threads": threads(results),
        "layouts": layouts(results),
        "small": small(results),
        "growth": growth(results),
        "family": family(results),
        "absent": absent(results),
    }


def text(results: Results) -> str:
    """All tables for the terminal, the contract last, where the reader looks first."""
    made = tables(results)
    order = [name for name in made if name not in ("contract", "summary")] + ["contract"]
    return "\n".join(f"{name}\n\n{made[name]}" for name in order if made[name])


# ---- Plots ----


def style(name: str) -> dict[str, Any]:
    """Ours stand out; limits are gray or black."""
    if name.startswith(OURS):
        return {"color": "C3", "linewidth": 2.2, "linestyle": "-" if name == OURS else "--"}
    if "limit" in name:
        color = "gray" if name in WRITE_LIMIT else "black"
        return {"color": color, "linewidth": 1.5, "linestyle": "-" if "streaming" in name else ":"}
    return {"linewidth": 1.0, "marker": ".", "markersize": 4}


def draw_sizes(axes: Axes, results: Results) -> None:
    found = arrays(results, results["machine"]["cores"])
    if not found:
        return
    chosen = [OURS, "cosine_fast, precompute", *rivals(largest_with_all(found)), *LIMIT]
    for name in chosen:
        points = [(c["n"], time_of(c, name) / c["n"] * 1e9) for c in found if name in c["seconds"]]
        if points:
            axes.plot(*zip(*points, strict=True), label=name, **style(name))
    axes.set(xscale="log", yscale="log", xlabel="steps in the array", ylabel="ns per value")
    axes.legend(fontsize=7, ncols=2)


def draw_peers(axes: Axes, results: Results) -> None:
    found = arrays(results, results["machine"]["cores"])
    if not found:
        return
    c = largest_with_all(found)
    chosen = [*limit_of(c), "cosine_fast, precompute", OURS, *rivals(c)]
    chosen.sort(key=lambda name: time_of(c, name), reverse=True)
    colors = [style(name).get("color", "C0") for name in chosen]
    bars = axes.barh(chosen, [time_of(c, name) / c["n"] * 1e9 for name in chosen], color=colors)
    axes.bar_label(bars, [per_value(c, name) for name in chosen], padding=3, fontsize=8)
    axes.set(xscale="log", xlabel=f"ns per value, {size(c['n'])} steps, {c['threads']} threads")
    axes.margins(x=0.12)


def draw_threads(axes: Axes, results: Results) -> None:
    found = of_group(results, "threads")
    if not found:
        return
    largest = max(c["n"] for c in found)
    found = [c for c in found if c["n"] == largest]
    for name in (name for name in names(found) if name not in (LIMIT[1], WRITE_LIMIT[1])):
        points = [(c["threads"], c["n"] / time_of(c, name) / 1e9) for c in found if name in c["seconds"]]
        axes.plot(*zip(*points, strict=True), label=name, **(style(name) | {"marker": "o"}))
    axes.set(xlabel="threads", ylabel=f"values per ns, {size(largest)} steps", ylim=(0, None))
    axes.xaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]
    axes.legend(fontsize=7)


# Matplotlib's colors without red, which marks cosine_fast.
COLORS = [f"tab:{name}" for name in ("blue", "orange", "green", "purple", "brown", "pink", "olive", "cyan")]
PLOTS = {"sizes": (draw_sizes, (7.5, 5)), "peers": (draw_peers, (7.5, 3.6)), "threads": (draw_threads, (5, 3.5))}


def draw(results: Results, folder: Path) -> None:
    from matplotlib.figure import Figure

    for name, (plot, inches) in PLOTS.items():
        figure = Figure(inches, layout="constrained")
        axes = figure.subplots()
        axes.set_prop_cycle(color=COLORS)
        plot(axes, results)
        axes.spines[["top", "right"]].set_visible(False)
        if axes.has_data():
            figure.savefig(folder / f"performance-{name}.png", dpi=110, pil_kwargs={"optimize": True})


# ---- Documents ----

MARKED = re.compile(r"(<!-- performance: begin (\S+) -->\n).*?(<!-- performance: end \2 -->)", re.DOTALL)


def written(document: str, made: dict[str, str]) -> str:
    """The document with its tables replaced; tables of what was not measured stay."""

    def renewed(found: re.Match[str]) -> str:
        begin, name, end = found.groups()
        return f"{begin}\n{made[name]}\n{end}" if made[name] else found.group()

    return MARKED.sub(renewed, document)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--json", type=Path, default=Path(__file__).with_name("performance.json"))
    parser.add_argument("--output", type=Path, help="a folder to write to, instead of the repository's files")
    given = parser.parse_args()
    results = json.loads(given.json.read_text())
    if results["quick"] and not given.output:
        parser.error("a smoke run's figures do not belong in the documents: use --output DIR")
    made = tables(results)
    if not results["whole"]:  # tables that have rows of all groups stay as they are
        made |= dict.fromkeys(("machine", "contract", "absent"), "")
    draw(results, given.output or ROOT / "docs" / "explanation")
    for name in DOCUMENTS:
        to = given.output / Path(name).name if given.output else ROOT / name
        to.write_text(written((ROOT / name).read_text(), made))


if __name__ == "__main__":
    main()
