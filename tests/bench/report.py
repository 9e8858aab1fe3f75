"""What was measured, as Markdown and as SVG. Ratios come first: bare figures are worth little on another machine."""

import html
import statistics

COLOURS = ("#1f6f8b", "#d1495b", "#66a182", "#8d6a9f", "#c98f2c", "#555555")


class Row:
    """The runs of one measure by each peer; the first peer is what the others are compared with."""

    def __init__(self, title, peers, lower_is_better=False):
        self.title, self.lower_is_better = title, lower_is_better
        self.runs = {peer: [] for peer in peers}

    def peers(self):
        return [peer for peer, runs in self.runs.items() if runs]

    def median(self, peer, key):
        values = [run[key] for run in self.runs[peer] if run.get(key) is not None]
        return statistics.median(values) if values else None

    def spread(self, peer):
        rates = [run["rate"] for run in self.runs[peer]]
        return min(rates), max(rates)

    def ratio(self, peer, key="rate"):
        """Above 1: better than the first peer. `cost_us` is the server's CPU for each operation."""
        first, own = self.median(self.peers()[0], key), self.median(peer, key)
        if not first or not own:
            return None
        return first / own if key == "cost_us" or self.lower_is_better else own / first

    def unit(self):
        return next((run["unit"] for runs in self.runs.values() for run in runs), "")


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def ratio_text(value):
    return "-" if value is None else f"{value:.2f}"


def table(heading, rows):
    """Of rates: one line a row and peer."""
    lines = [f"### {heading}", "",
             "| measure | server | ratio | CPU ratio | median | min - max | p50 / p99 / p99.9 us | errors, lost |",
             "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        for i, peer in enumerate(row.peers()):
            low, high = row.spread(peer)
            latency = " / ".join(number(row.median(peer, key)) for key in ("p50_us", "p99_us", "p999_us"))
            bad = sum(run.get("errors", 0) + run.get("lost", 0) for run in row.runs[peer])
            lines.append(f"| {row.title if i == 0 else ''} | {peer} | {ratio_text(row.ratio(peer))} "
                         f"| {ratio_text(row.ratio(peer, 'cost_us'))} | {number(row.median(peer, 'rate'))} {row.unit()} "
                         f"| {number(low)} - {number(high)} | {latency} | {bad} |")
    return "\n".join(lines) + "\n"


def plain(heading, head, rows):
    lines = [f"### {heading}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------- SVG


def svg(width, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
            f'font-size="12"><rect width="100%" height="100%" fill="white"/>' + "".join(parts) + "</svg>\n")


def text(x, y, words, anchor="start", colour="#222", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-weight="{weight}">'
            f'{html.escape(str(words))}</text>')


def line(x1, y1, x2, y2, colour="#ccc", width=1):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def legend(names, x, y):
    parts = []
    for i, name in enumerate(names):
        parts.append(f'<rect x="{x + i * 100}" y="{y - 9}" width="10" height="10" fill="{COLOURS[i % len(COLOURS)]}"/>')
        parts.append(text(x + i * 100 + 14, y, name))
    return parts


def bars(title, rows):
    """Each row's ratios to its first peer, as horizontal bars; the line at 1 is that peer."""
    names = list(dict.fromkeys(peer for row in rows for peer in row.peers()[1:]))
    left, scale, y = 330, 380, 60
    parts = [text(10, 20, title, weight="bold"), *legend(names, 10, 42)]
    for row in rows:
        parts.append(text(left - 8, y + 6 * max(1, len(row.peers()) - 1) + 4, row.title, "end"))
        for peer in row.peers()[1:]:
            value = row.ratio(peer) or 0
            colour = COLOURS[names.index(peer) % len(COLOURS)]
            parts.append(f'<rect x="{left}" y="{y}" width="{min(value, 1.6) * scale:.1f}" height="10" fill="{colour}"/>')
            parts.append(text(left + min(value, 1.6) * scale + 4, y + 9, f"{value:.2f}"))
            y += 12
        y += 10
    parts.append(line(left + scale, 50, left + scale, y, "#222"))
    return svg(left + int(1.6 * scale) + 60, y + 10, parts)


def curves(title, x_title, y_title, series):
    """@param series  {name: [(x, y), ...]}; both axes logarithmic, a line a power of ten."""
    import math
    width, height, left, bottom, top = 760, 420, 80, 370, 60
    points = [p for values in series.values() for p in values if p[0] > 0 and p[1] > 0]
    if not points:
        return svg(width, height, [text(10, 20, title)])
    low_x, high_x = (f(math.log10(p[0]) for p in points) for f in (min, max))
    low_y = math.floor(min(math.log10(p[1]) for p in points))
    high_y = math.ceil(max(math.log10(p[1]) for p in points) + 1e-9)
    span_x, span_y = (high_x - low_x) or 1, (high_y - low_y) or 1

    def at(x, y):
        return (left + (math.log10(x) - low_x) / span_x * (width - left - 30),
                bottom - (math.log10(y) - low_y) / span_y * (bottom - top))

    parts = [text(10, 20, title, weight="bold"), *legend(list(series), 10, 42)]
    for power in range(low_y, high_y + 1):
        y = at(10 ** low_x, 10 ** power)[1]
        parts += [line(left, y, width - 30, y), text(left - 6, y + 4, f"{10 ** power:,.10g}", "end")]
    for x in sorted({p[0] for p in points}):
        parts += [line(at(x, 1)[0], bottom, at(x, 1)[0], bottom + 4, "#222"),
                  text(at(x, 1)[0], bottom + 18, number(x), "middle")]
    for i, values in enumerate(series.values()):
        colour = COLOURS[i % len(COLOURS)]
        places = [at(x, y) for x, y in values if x > 0 and y > 0]
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="'
                     + " ".join(f"{x:.1f},{y:.1f}" for x, y in places) + '"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
    parts += [text(width / 2, bottom + 40, x_title, "middle"), text(left, top - 6, y_title)]
    return svg(width, height, parts)
