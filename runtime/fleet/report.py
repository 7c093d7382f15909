"""The report of a batch: every result with its figures and pictures, and every failure with its reason."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from coconet import __version__
from coconet.errors import counted
from coconet.metrics.fusion import VERIFIED
from coconet.runtime.fleet.batch import BatchResult
from coconet.runtime.fleet.job import REPORT_HTML, REPORT_JSON
from coconet.runtime.fleet.manifest import foreign
from coconet.runtime.fleet.storage import Results

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #ddd}"
    "td:first-child,th:first-child,.reason{text-align:left}img{max-width:100%;display:block;margin:.3rem 0}"
)


_TITLE = "<title>Fused recordings</title>"

_HEAD_BYTES = 200  # of a page, within which its title stands

_KEYS = {"version", "stopped", "totals", "results", "failed", "work"}


def check_reports(results: Results) -> None:
    """Raise Refused for a file in the place of a report that is no report of a batch: it would be replaced."""
    page, told = results.read(REPORT_HTML), results.read_json(REPORT_JSON)
    ours = {
        REPORT_HTML: page is not None and _TITLE.encode() in page[:_HEAD_BYTES],
        REPORT_JSON: told is not None and told.keys() >= _KEYS,
    }
    for name, written in ours.items():
        if not written and results.is_taken(name):
            raise foreign(results, name)


def report_of(result: BatchResult) -> dict[str, Any]:
    """The report as an object. What differs from one making to another, as the time it took, stands under `work`."""
    made = {name: outcome.manifest for name, outcome in result.outcomes.items() if outcome.manifest is not None}
    return {
        "version": __version__,
        "stopped": result.stopped,
        "totals": {
            "done": len(made),
            "failed": len(result.failed),
            "frames": sum(int(manifest["frames"]) for manifest in made.values()),
        },
        "results": {name: _job_row(manifest) for name, manifest in made.items()},
        "failed": result.failed,
        "not_looked_at": [name for name, outcome in result.outcomes.items() if not outcome.looked_at],
        "work": {
            "fresh": sum(outcome.fresh and outcome.manifest is not None for outcome in result.outcomes.values()),
            "seconds": {name: manifest["seconds"] for name, manifest in made.items()},
        },
    }


def _job_row(manifest: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("frames", "passed_through", "counts", "trouble", "backend", "model", "scored", "figures", "pictures", "key")
    return {
        **{key: manifest[key] for key in keys},
        **{key: list(manifest.get(key, ())) for key in ("left_out", "warnings")},
    }


def write_report(result: BatchResult, results: Results) -> None:
    """Write report.json and report.html into the root of the results."""
    told = report_of(result)
    results.write(REPORT_HTML, to_html(told).encode(errors="replace"))  # names of folders may be no text
    results.write(REPORT_JSON, json.dumps(told, indent=2).encode())


def to_html(told: Mapping[str, Any]) -> str:
    """The report as one page, whose pictures lie beside the results."""
    return "\n".join(_lines(told)) + "\n"


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    totals, names = told["totals"], [metric.name for metric in VERIFIED]
    yield f'<!doctype html><html lang="en"><meta charset="utf-8">{_TITLE}<style>{_STYLE}</style>'
    yield f"<h1>{counted(totals['done'], 'recording')} fused, {totals['failed']} failed</h1>"
    stopped = _stopped(told) if told["stopped"] else ""
    yield f"<p>{counted(totals['frames'], 'frame')}, coconet-edge {_safe(told['version'])}.{stopped}</p>"
    unseen = set(told["not_looked_at"])
    if told["failed"]:
        yield "<h2>Failed</h2><table>"
        for name, reason in told["failed"].items():
            why = _noted(reason, unseen=name in unseen)
            yield f'<tr><td>{_safe(name)}</td><td class="reason">{_safe(why)}</td></tr>'
        yield "</table>"
    yield "<h2>Fused</h2><table><tr><th>recording</th><th>frames</th><th>dropped</th>"
    yield "".join(f"<th>{name}</th>" for name in names) + '<th class="reason">noticed</th></tr>'
    for name, one in told["results"].items():
        dropped = sum(count["dropped"] for count in one["counts"].values())
        unread = [
            f"{count['unread']} more of {side} after the other's end"
            for side, count in one["counts"].items()
            if count.get("unread")
        ]
        figures = "".join(f"<td>{_figure(one['figures'].get(metric))}</td>" for metric in names)
        link = f'<a href="#{_link(name)}">{_safe(name)}</a>'
        damaged = [f"damaged: {line}" for line in one["left_out"]]
        noted = _noted(*damaged, *unread, one["trouble"], *one["warnings"], unseen=name in unseen)
        noticed = f'<td class="reason">{_safe(noted)}</td>'
        yield f"<tr><td>{link}</td><td>{one['frames']}</td><td>{dropped}</td>{figures}{noticed}</tr>"
    yield "</table>"
    for name, one in told["results"].items():
        yield f'<h3 id="{_link(name)}">{_safe(name)}</h3>'
        for picture in one["pictures"]:
            yield f'<img loading="lazy" alt="{_safe(picture)}" src="{_link(name)}/{quote(picture)}">'
    yield "</html>"


def _stopped(told: Mapping[str, Any]) -> str:
    """Say of a batch that was stopped what of the report is older than it, and what is missing."""
    unseen, known = told["not_looked_at"], {*told["results"], *told["failed"]}
    kept, never = sum(name in known for name in unseen), sum(name not in known for name in unseen)
    older = f" Not looked at this time, and as before: {counted(kept, 'line')} below." if kept else ""
    missing = f" {counted(never, 'recording')} not fused yet." if never else ""
    return f" Stopped before the end: run it again for the rest.{older}{missing}"


def _noted(*words: str, unseen: bool) -> str:
    return "; ".join(filter(None, [*words, "not looked at this time" if unseen else ""]))


def _link(name: str) -> str:
    return quote(name, errors="surrogateescape")  # the very bytes of the folder


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _safe(text: object) -> str:
    return html.escape(str(text))
