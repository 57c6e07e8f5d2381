// The real server, as a process of its own on a fresh directory, and what it has counted.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./until.js";

const TOKEN = "operator-of-the-browser-tests";

const freePort = () =>
  new Promise((done) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

/**
 * @param {string} program path of `heatgrid-server`
 * @param {{ cert: string, key: string }} [tls]
 * @param {string[]} [more] options
 */
export const startServer = async (program, tls, more = []) => {
  const data = await mkdtemp(join(tmpdir(), "heatgrid-data-"));
  const port = await freePort();
  const options = ["--data", data, "--listen", `127.0.0.1:${port}`, "--collect-per-address", "100000"];
  if (tls) options.push("--tls-cert", tls.cert, "--tls-key", tls.key);
  // The tests' machine may be nearly full, and its clocks are nobody's business.
  options.push("--disk-reserve-mib", "0", "--log-level", "warn", ...more);
  const process_ = spawn(program, options, {
    env: { ...process.env, HEATGRID_OPERATOR_TOKEN: TOKEN },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const origin = `${tls ? "https" : "http"}://heat.test:${port}`;
  // Node does not ask the browser's resolver.
  const local = `${tls ? "https" : "http"}://127.0.0.1:${port}`;

  const ask = async (path, options = {}) => {
    const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
    return fetch(local + path, { ...options, headers: { ...headers, ...options.headers } });
  };
  await until("the server is ready", async () => (await ask("/readyz").catch(() => ({}))).ok);

  return {
    origin,
    local,
    token: TOKEN,
    ask,
    /** Makes a site and gives its public key. */
    site: async (name, settings = {}) => {
      const answer = await ask("/v1/sites", { method: "POST", body: JSON.stringify({ site: name, ...settings }) });
      if (answer.status != 201) throw new Error(`making the site: ${answer.status} ${await answer.text()}`);
      return (await answer.json()).key;
    },
    /** Non-empty cells of a page: `{ cells: [[x, y, count], ...], total }`. */
    grid: async (site, page, query = {}) => {
      const answer = await ask(`/v1/sites/${site}/grid?${new URLSearchParams({ page, ...query })}`);
      if (!answer.ok) throw new Error(`grid: ${answer.status} ${await answer.text()}`);
      return answer.json();
    },
    close: async () => {
      const ended = new Promise((done) => process_.once("exit", done));
      process_.kill();
      await ended;
      await rm(data, { recursive: true, force: true });
    },
  };
};
