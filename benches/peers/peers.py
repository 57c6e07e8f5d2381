"""Asks DuckDB the five questions of `cargo bench --bench query`, of the same workload, on the same machine.
usage: peers.py GENERATOR EVENTS DIRECTORY"""
import pathlib
import subprocess
import sys
import time

import duckdb

FIRST_HOUR = 490_896
MOVE, CLICK, DESKTOP = 1, 0, 0
# As the bench of heatgrid: each question of 50 places, 40 times each after one that does not count.
PLACES, ROUNDS = 50, 40


def hours(first_day, days):
    first = FIRST_HOUR + 24 * first_day
    return f"hour BETWEEN {first} AND {first + 24 * days - 1}"


def grid(place, where=""):
    site, page = place
    return f"SELECT cx, cy, count(*) FROM e WHERE site = {site} AND page = {page} AND kind = {MOVE} {where} GROUP BY cx, cy"


def narrow(place, turn):
    countries = ", ".join(str((turn + 2 * at) % 12) for at in range(5))
    return grid(place, f"AND device = {DESKTOP} AND country IN ({countries}) AND {hours(7 * turn % 83, 7)}")


def clicks_by_day(place):
    site, page = place
    return f"SELECT hour // 24, count(*) FROM e WHERE site = {site} AND page = {page} AND kind = {CLICK} GROUP BY 1 ORDER BY 1"


def top_pages(site, turn):
    when = hours(turn % 60, 30)
    return f"SELECT page, count(*) n FROM e WHERE site = {site} AND kind = {CLICK} AND {when} GROUP BY page ORDER BY n DESC LIMIT 20"


def filled(generator, events, directory):
    directory.mkdir(parents=True, exist_ok=True)
    rows, database = directory / f"{events}.parquet", directory / f"{events}.duckdb"
    if not database.exists():
        if not rows.exists():
            subprocess.run([sys.executable, generator, str(events), str(rows)], check=True)
        unfinished = database.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        with duckdb.connect(str(unfinished)) as filling:
            filling.execute("SET preserve_insertion_order = false")
            filling.execute(f"CREATE TABLE e AS FROM '{rows}' ORDER BY site, page, kind, device, country, hour, cx, cy")
        unfinished.rename(database)
    return duckdb.connect(str(database), read_only=True)


def main():
    generator, events, directory = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
    connection = filled(generator, events, directory)
    ranked = connection.execute("SELECT site, page FROM e GROUP BY ALL ORDER BY count(*) DESC, site, page").fetchall()
    middle = (len(ranked) - PLACES) // 2
    busiest, middling, sites = ranked[:PLACES], ranked[middle : middle + PLACES], range(PLACES)
    questions = {
        "Q1": (busiest, lambda place, turn: grid(place)),
        "Q2": (busiest, narrow),
        "Q3": (busiest, lambda place, turn: clicks_by_day(place)),
        "Q4": (sites, top_pages),
        "Q5": (middling, lambda place, turn: grid(place)),
    }
    print(f"DuckDB {duckdb.__version__}, {events:,} events in a sorted table, warm, one at a time; ms")
    print(f"{'':>4} {'median':>9} {'p99':>9} {'rows of the answer':>20}")
    for name, (places, asked) in questions.items():
        times, answers = [], []
        for turn in range(ROUNDS + 1):
            for place in places:
                start = time.perf_counter()
                # As columns: making Python's objects of the rows would be measured too.
                answer = connection.execute(asked(place, turn)).fetchnumpy()
                took = time.perf_counter() - start
                if turn:
                    times.append(1000 * took)
                    answers.append(len(next(iter(answer.values()))))
        times.sort()
        answers.sort()
        middle, last = len(times) // 2, len(times) * 99 // 100
        print(f"{name:>4} {times[middle]:>9.3f} {times[last]:>9.3f} {answers[middle]:>20,}")


main()
