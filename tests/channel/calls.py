"""The log of the calls that came in from outside, and its summary."""

from limits import most_in_any

SPOILED = {"hang", "reset", "half", "wrong-json", "redirect", "huge", "gzip-bomb"}  # no answer that the caller can use
COUNTS = ("calls", "values", "bytes", "kept", "rate_limited", "errors", "faulted")


class Calls:
    """One entry a call, by arrival: {n, at (Unix seconds), method, route, name (of a hook or feed), property (the first),
    properties, values, bytes (of the body), status (None: no answer was sent), fault, kept (its effect took place),
    warnings, open (not answered yet)}."""

    def __init__(self):
        self.entries = []

    def add(self, at: float, method: str, route: str, name, properties, values: int, size: int) -> dict:
        call = {
            "n": len(self.entries) + 1, "at": at, "method": method, "route": route, "name": name,
            "property": next(iter(properties), None), "properties": list(properties), "values": values, "bytes": size,
            "status": None, "fault": None, "kept": False, "warnings": 0, "open": True,
        }  # fmt: skip
        self.entries.append(call)
        return call

    def summary(self, window_seconds: float) -> dict:
        """{window_seconds, total: {counts}, by_property: {P: {counts, max_in_window: {route: n}}}}. A call with several
        properties counts for each of them, and once in the total. `max_in_window` has all that arrived, refused or not."""
        total, by_property, arrivals = dict.fromkeys(COUNTS, 0), {}, {}
        for call in self.entries:
            count(total, call)
            for prop in call["properties"]:
                count(by_property.setdefault(prop, dict.fromkeys(COUNTS, 0)), call)
                arrivals.setdefault(prop, {}).setdefault(call["route"], []).append(call["at"])
        for prop, row in by_property.items():
            row["max_in_window"] = {route: most_in_any(ats, window_seconds) for route, ats in arrivals[prop].items()}
        return {"window_seconds": window_seconds, "total": total, "by_property": dict(sorted(by_property.items()))}


def count(row: dict, call: dict):
    row["calls"] += 1
    row["values"] += call["values"]
    row["bytes"] += call["bytes"]
    row["kept"] += call["kept"]
    row["faulted"] += call["fault"] is not None
    if call["status"] == 429:
        row["rate_limited"] += 1
    elif call["fault"] in SPOILED or (call["status"] or 0) >= 400:
        row["errors"] += 1


def table(summary: dict) -> str:
    """The summary for people, a row for each property."""
    seconds = f"{summary['window_seconds']:g}"
    head = ["property", "calls", "values", "rate-limited", "errors", f"most in {seconds} s"]
    rows = []
    for prop, row in [*summary["by_property"].items(), ("all", summary["total"])]:
        most = ", ".join(f"{route} {n}" for route, n in sorted(row.get("max_in_window", {}).items()))
        rows.append([prop, *(str(row[k]) for k in ("calls", "values", "rate_limited", "errors")), most])
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    lines = []
    for row in [head, *rows]:
        cells = [c.rjust(w) if 1 <= n <= 4 else c.ljust(w) for n, (c, w) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
