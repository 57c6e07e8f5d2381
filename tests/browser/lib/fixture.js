// The sites that visitors see: pages from memory, under any host name, over http and https.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate that nobody but a browser which was told to ignore that believes. */
export const certificate = () => {
  const directory = mkdtempSync(join(tmpdir(), "heatgrid-tls-"));
  const [cert, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"].concat(
      ["-subj", "/CN=heatgrid tests", "-addext", "subjectAltName=DNS:*.test,DNS:localhost"],
      ["-keyout", key, "-out", cert],
    ),
    { stdio: "ignore" },
  );
  return { cert, key };
};

const listening = (server) => new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)));

/** @param {{ cert: string, key: string }} tls files */
export const startSites = async (tls) => {
  const pages = new Map();
  const answer = (request, response) => {
    const page = pages.get(new URL(request.url, "http://x").pathname);
    if (!page) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", ...page.headers });
    response.end(page.body);
  };
  const servers = [
    http.createServer(answer),
    https.createServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, answer),
  ];
  const [port, tlsPort] = await Promise.all(servers.map(listening));
  return {
    port,
    tlsPort,
    /** Puts a page, or a file with its own content type, at a path. */
    put: (path, body, headers = {}) => pages.set(path, { body, headers }),
    close: () => {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
};
