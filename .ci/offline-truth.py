#!/usr/bin/env python3
"""Imports recorded events with the offline tool and compares every answer with truth computed elsewhere.
usage: offline-truth.py BINARIES DATA_DIR [SET ...]      (BINARIES e.g. target/release, DATA_DIR e.g. ../shared/data)"""
import csv
import json
import os
import subprocess
import sys
import tempfile
import time

SPAN = ["--from", "2014-01-01", "--to", "2024-01-01"]
SETTINGS = ["--retention-days", "36500", "--path-rules", "keep"]
# The truth calls these width classes illustrative; they are the borders of devices, but for unknown widths.
DEVICES = {"<768": "mobile", "768-1023": "tablet", ">=1024": "desktop"}

checks = failures = 0


def check(holds, what):
    global checks, failures
    checks += 1
    if not holds:
        failures += 1
        print("FALLS SHORT:", what)


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


class Tool:
    """The `heatgrid` program on one directory."""

    def __init__(self, binaries, data):
        self.program, self.data = os.path.join(binaries, "heatgrid"), data

    def run(self, verb, *arguments, status=0):
        done = subprocess.run([self.program, *verb.split(), "--data", self.data, *arguments], capture_output=True)
        check(done.returncode == status, f"{verb} {arguments} ended with {done.returncode}: {done.stderr[:500]}")
        return done.stdout

    def json(self, verb, *arguments):
        return json.loads(self.run(verb, *arguments, "--json") or b"null")


def compare(tool, name, truth, every, after):
    """Every answer of both sites of a set, or of `every`-th page only."""
    for index in rows(os.path.join(truth, "grids_index.csv")):
        site = name if index["page_key"] == "page" else name + "-path"
        ask = ["--site", site, "--page", index["page"], "--kind", index["kind"], *SPAN]
        with open(os.path.join(truth, index["file"]), "rb") as file:
            want = file.read().replace(b"\r", b"")
        check(tool.run("grid", *ask, "--format", "csv") == want, f"{index['file']} of {site}, after {after}")
        grid = tool.json("grid", *ask)
        got = (grid["total"], grid["max"], len(grid["cells"]))
        check(got == (int(index["events"]), int(index["max_cell"]), int(index["cells"])), f"totals of {index['file']} {after}")

    by_page = {}
    for row in rows(os.path.join(truth, "page_days.csv")):
        by_page.setdefault((row["page"], row["kind"]), {})[row["utc_day"]] = int(row["events"])
    for (page, kind), want in list(by_page.items())[::every]:
        got = tool.json("series", "--site", name, "--page", page, "--kind", kind, "--step", "day", *SPAN)
        check({item["time"]: item["count"] for item in got} == want, f"days of {kind} on {page} after {after}")

    totals = {row["kind"]: int(row["events"]) for row in rows(os.path.join(truth, "totals_by_kind.csv"))}
    by_day = {}
    for row in rows(os.path.join(truth, "days.csv")):
        by_day.setdefault(row["kind"], {})[row["utc_day"]] = int(row["events"])
    for kind in totals:
        want = {page.partition("//")[2]: sum(days.values()) for (page, of), days in by_page.items() if of == kind}
        got = tool.json("pages", "--site", name, "--kind", kind, "--limit", "10000", *SPAN)
        check({item["page"]: item["count"] for item in got} == want, f"pages of {kind} in {name} after {after}")
        check([item["count"] for item in got] == sorted(want.values(), reverse=True), f"most {kind} first after {after}")
        for site in (name, name + "-path"):
            got = tool.json("series", "--site", site, "--kind", kind, *SPAN)
            check({item["time"]: item["count"] for item in got} == by_day[kind], f"days of {kind} in {site} after {after}")

    devices = {}
    for row in rows(os.path.join(truth, "width_classes.csv")):
        device = DEVICES.get(row["vw_class"], "unknown")
        devices[device] = devices.get(device, 0) + int(row["events"])
    for site in (name, name + "-path"):
        summary = tool.json("summary", "--site", site, *SPAN)
        check(summary["total"] == sum(totals.values()), f"total of {site} after {after}")
        check({kind: count for kind, count in summary["kinds"].items() if count} == totals, f"kinds of {site} after {after}")
        check({device: count for device, count in summary["devices"].items() if count} == devices, f"devices of {site} after {after}")
        check({country: count for country, count in summary["countries"].items() if count} == {"ZZ": sum(totals.values())}, f"countries of {site} after {after}")


def main():
    binaries, folder, *sets = sys.argv[1:]
    sets = sets or ["adserp", "miniwob", "bubbleview"]
    with tempfile.TemporaryDirectory(prefix="heatgrid-truth-") as data:
        tool = Tool(os.path.abspath(binaries), data)
        for name in sets:
            file = os.path.join(folder, name + ".ndjson.zst")
            events = sum(int(row["events"]) for row in rows(os.path.join(folder, name + ".truth", "totals_by_kind.csv")))
            for site, params in ((name, "keep"), (name + "-path", "drop")):
                began = time.time()
                told = tool.json("import", "--site", site, file, "--query-params", params, *SETTINGS)
                check(told["accepted"] == events and told["dropped"] == {} and told["lines"] == events, f"{site}: {told} of {events} events")
                print(f"{site}: {events} events in {time.time() - began:.2f} s")
        for after in ("import", "flush", "compaction"):
            if after == "flush":
                tool.run("flush")
            if after == "compaction":
                tool.run("compact")
            for name in sets:
                # A fresh process for every question; before the flush each of them replays the log.
                compare(tool, name, os.path.join(folder, name + ".truth"), 40 if after == "import" else 1, after)
        tool.run("verify")
    print(f"{checks - failures} passed, {failures} failed")
    sys.exit(1 if failures or not checks else 0)


main()
