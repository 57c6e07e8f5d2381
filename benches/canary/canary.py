"""Counts canaries in files after each database was told to delete them. See `run`."""

import argparse
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

CANARIES = 1_000
# Eight digits: each canary is told from every other, and from whatever else a file holds.
CANARY = re.compile(rb"canary-7f3a-(\d{8})")


def pages(rows):
    """Canaries in the midst of other pages."""
    every = max(rows // CANARIES, 1)
    for row in range(rows):
        yield f"shop.example/page-{row % 5_000}"
        if row % every == 0 and row // every < CANARIES:
            yield f"shop.example/canary-7f3a-{row // every:08}"


def found(directory, place_of):
    """How many of the canaries are in the files of each place of a directory."""
    places = {}
    for path in Path(directory).rglob("*"):
        if path.is_file() and not path.is_symlink():
            canaries = set(CANARY.findall(path.read_bytes()))
            if canaries:
                places.setdefault(place_of(path.relative_to(directory)), set()).update(canaries)
    return {place: len(canaries) for place, canaries in sorted(places.items())}


def clickhouse(directory, rows):
    from chdb import session

    store = session.Session(str(directory))
    version = store.query("SELECT version()", "TSV").bytes().decode().strip()
    yield "ClickHouse", version
    store.query("CREATE DATABASE d ENGINE = Atomic")

    def fill(table):
        # Uncompressed, so that anybody can look for the text; compressed it is there all the same.
        store.query(
            f"CREATE TABLE d.{table} (page String CODEC(NONE), n UInt64) ENGINE = MergeTree ORDER BY n "
            "SETTINGS min_bytes_for_wide_part = 0, old_parts_lifetime = 1"
        )
        lines = "\n".join(f"{page}\t{n}" for n, page in enumerate(pages(rows)))
        store.query(f"INSERT INTO d.{table} FORMAT TSV\n{lines}")

    def place_of(path):
        return "backup (FREEZE)" if path.parts[0] == "shadow" else "data"

    def old_parts_are_gone():
        """Parts that were replaced are kept for a while, eight minutes when nothing is said; here a second."""
        old = store.query("SELECT count() FROM system.parts WHERE database = 'd' AND NOT active", "TSV")
        if old.bytes().decode().strip() != "0":
            raise OSError("there are old parts")

    fill("a")
    store.query("ALTER TABLE d.a FREEZE WITH NAME 'before'")
    yield "written, FREEZE", found(directory, place_of)
    store.query("ALTER TABLE d.a DELETE WHERE page LIKE '%canary%' SETTINGS mutations_sync = 2")
    yield "ALTER TABLE DELETE, done", found(directory, place_of)
    until(old_parts_are_gone)
    yield "and replaced parts are gone", found(directory, place_of)
    store.query("DROP TABLE d.a SYNC")
    shutil.rmtree(directory / "shadow", ignore_errors=True)
    fill("b")
    store.query("DELETE FROM d.b WHERE page LIKE '%canary%'")
    left = store.query("SELECT count() FROM d.b WHERE page LIKE '%canary%'", "TSV").bytes().decode().strip()
    yield f"lightweight DELETE ({left} seen)", found(directory, place_of)
    store.query("OPTIMIZE TABLE d.b FINAL")
    until(old_parts_are_gone)
    yield "OPTIMIZE FINAL, and parts gone", found(directory, place_of)
    store.close()


def duckdb(directory, rows):
    import duckdb as product

    yield "DuckDB", product.__version__
    store = product.connect(str(directory / "store.duckdb"))
    store.execute("SET force_compression = 'uncompressed'")
    store.execute("CREATE TABLE d (page VARCHAR, n BIGINT)")
    store.execute(
        "INSERT INTO d SELECT unnest($pages), unnest(range($count))",
        {"pages": list(pages(rows)), "count": sum(1 for _ in pages(rows))},
    )
    store.execute("CHECKPOINT")
    shutil.copytree(directory, directory.parent / "copy")
    shutil.move(directory.parent / "copy", directory / "copy")

    def place_of(path):
        return "backup (copy)" if path.parts[0] == "copy" else "data"

    yield "written, copied", found(directory, place_of)
    store.execute("DELETE FROM d WHERE page LIKE '%canary%'")
    yield "DELETE", found(directory, place_of)
    store.execute("CHECKPOINT")
    yield "CHECKPOINT", found(directory, place_of)
    store.execute("VACUUM")
    store.execute("CHECKPOINT")
    yield "VACUUM", found(directory, place_of)
    store.close()
    yield "closed", found(directory, place_of)


def postgresql(directory, rows):
    for name in ("initdb", "postgres", "psql", "pg_basebackup"):
        if not program(name):
            raise FileNotFoundError(name)
    users = [name for name in ("postgres", "nobody") if name in {user.pw_name for user in pwd.getpwall()}]
    user = pwd.getpwnam(users[0]) if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    data = directory / "data"
    os.chown(directory, user.pw_uid, user.pw_gid)
    for parent in (directory, *directory.parents):
        if parent.stat().st_uid == os.getuid():
            parent.chmod(parent.stat().st_mode | 0o011)

    def run(*command):
        become = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
        done = subprocess.run(command, check=True, capture_output=True, cwd=directory, **become)
        return done.stdout.decode().strip()

    run(program("initdb"), "--pgdata", str(data), "--auth", "trust", "--username", "canary")
    port = free_port()
    become = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
    command = [program("postgres"), "-D", str(data), "-p", str(port), "-k", str(directory), "-h", ""]
    with open(directory / "log", "wb") as log:
        server = subprocess.Popen(command, cwd=directory, stdout=log, stderr=log, **become)

    def sql(text):
        at = ["-h", str(directory), "-p", str(port), "-U", "canary", "-d", "postgres"]
        return run(program("psql"), *at, "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-c", text)

    def place_of(path):
        if path.parts[0] == "backup":
            return "backup (pg_basebackup)"
        return "WAL" if "pg_wal" in path.parts else "data"

    try:
        until(lambda: sql("SELECT 1"))
        yield "PostgreSQL", sql("SHOW server_version").split()[0]
        sql("CREATE TABLE d (page text, n bigint)")
        (directory / "rows").write_text("".join(f"{page}\t{n}\n" for n, page in enumerate(pages(rows))))
        sql(f"COPY d FROM '{directory}/rows'")
        (directory / "rows").unlink()
        sql("CHECKPOINT")
        run(
            program("pg_basebackup"), "-D", str(directory / "backup"), "-h", str(directory), "-p", str(port),
            "-U", "canary", "--checkpoint", "fast",
        )
        yield "written, pg_basebackup", found(directory, place_of)
        sql("DELETE FROM d WHERE page LIKE '%canary%'")
        sql("CHECKPOINT")
        yield "DELETE", found(directory, place_of)
        sql("VACUUM d")
        sql("CHECKPOINT")
        yield "VACUUM", found(directory, place_of)
        sql("VACUUM FULL d")
        sql("CHECKPOINT")
        yield "VACUUM FULL", found(directory, place_of)
    finally:
        server.terminate()
        server.wait()


def heatgrid(directory, rows, server):
    data, targets, port = directory / "data", directory / "target", free_port()
    targets.mkdir()
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "HEATGRID_OPERATOR_TOKEN": "operator-token-of-the-canaries"}
    command = [server, "--data", str(data), "--listen", f"127.0.0.1:{port}", "--disk-reserve-mib", "0"]
    command += ["--backup-targets", str(targets)]
    with open(directory / "log", "wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def ask(method, path, body=None):
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": "Bearer operator-token-of-the-canaries"}
        request = urllib.request.Request(url + path, method=method, data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.loads(answer.read() or b"null")

    def place_of(path):
        if path.parts[0] == "target":
            return "backup"
        return path.parts[1] if path.parts[0] == "data" else path.parts[0]

    try:
        until(lambda: ask("GET", "/readyz"))
        yield "heatgrid", ask("GET", "/openapi.json")["info"]["version"]
        ask("POST", "/v1/sites", {"site": "shop", "min_count": 0, "path_rules": "keep"})
        now = int(time.time() * 1_000)
        line = '{{"ts":{},"url":"https://{}","kind":"click","x":{},"y":{}}}\n'
        lines = (line.format(now, page, n * 8 % 1_200, n * 8 % 4_000) for n, page in enumerate(pages(rows)))
        told = ask("POST", "/v1/sites/shop/events", "".join(lines).encode())
        assert told["dropped"] == {}, told
        ask("POST", "/v1/admin/snapshots", {"name": "before"})
        ask("POST", "/v1/admin/backups?wait=true", {"name": "before"})
        yield "written, snapshot, backup", found(directory, place_of)
        told = ask("POST", "/v1/sites/shop/erasures", {"page_pattern": "*canary*"})
        assert told["matched_pages"] == CANARIES, told
        yield "erased (masked)", found(directory, place_of)
        ask("POST", "/v1/admin/purge?wait=true")
        state = ask("GET", f"/v1/sites/shop/erasures/{told['erasure']}")["state"]
        yield f"purged ({state})", found(directory, place_of)
    finally:
        process.terminate()
        process.wait()


def program(name):
    path = shutil.which(name)
    if path:
        return path
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(installed[-1]) if installed else None


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(attempt):
    for _ in range(300):
        try:
            return attempt()
        except (OSError, subprocess.CalledProcessError):
            time.sleep(0.2)
    return attempt()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--rows", type=int, default=100_000)
    arguments = parser.parse_args()
    products = [
        ("heatgrid", lambda directory: heatgrid(directory, arguments.rows, os.path.abspath(arguments.server))),
        ("ClickHouse", lambda directory: clickhouse(directory, arguments.rows)),
        ("DuckDB", lambda directory: duckdb(directory, arguments.rows)),
        ("PostgreSQL", lambda directory: postgresql(directory, arguments.rows)),
    ]
    print(f"{CANARIES:,} canary rows among {arguments.rows:,} others: how many are still in files, and where\n")
    print(f"{'product':<22} {'after':<34} canaries in files")
    clean = {}
    for name, stages in products:
        with tempfile.TemporaryDirectory(prefix="canary-") as scratch:
            directory = Path(scratch) / name.lower()
            directory.mkdir()
            try:
                stages = stages(directory)
                product = " ".join(next(stages))
                for stage, places in stages:
                    told = ", ".join(f"{count:,} {place}" for place, count in places.items()) or "none"
                    print(f"{product:<22} {stage:<34} {told}", flush=True)
                    clean[name] = not places
            except (ImportError, FileNotFoundError) as error:
                print(f"{name:<22} left out: {error}", flush=True)
    if not clean.get("heatgrid"):
        sys.exit("heatgrid has canaries left")


if __name__ == "__main__":
    main()
