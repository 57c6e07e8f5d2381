// The browser tests: the real server, a real browser, and sites in between. `tests/browser/run` starts it.

import { existsSync } from "node:fs";
import "./cases/source.js";
import "./cases/positions.js";
import "./cases/pointers.js";
import "./cases/views.js";
import "./cases/consent.js";
import "./cases/conversions.js";
import "./cases/delivery.js";
import "./cases/posthog.js";
import "./cases/demo.js";
import { executablePath, launch } from "./lib/chromium.js";
import { certificate, startSites } from "./lib/fixture.js";
import { startServer } from "./lib/heatgrid.js";
import { runAll } from "./lib/runner.js";
import { SITE } from "./lib/visit.js";

const [program, filter] = process.argv.slice(2);
const end = ({ passed, failed }) => {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed || !passed ? 1 : 0);
};
if (!executablePath || !existsSync(program)) {
  console.log(executablePath ? `there is no server at ${program}` : "there is no Chromium: install the package chromium");
  end({ passed: 0, failed: 1 });
}
// A certificate of our own is not known to Node either.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
process.removeAllListeners("warning");

const closing = [];
try {
  const tls = certificate();
  const world = { program, tls, sites: await startSites(tls), server: await startServer(program) };
  closing.push(world.sites.close, world.server.close);
  world.key = await world.server.site(SITE, { path_rules: "keep" });
  world.browser = await launch();
  closing.unshift(() => world.browser.close());
  end(await runAll(world, filter).finally(async () => {
    for (const close of closing) await close();
  }));
} catch (error) {
  console.log(error);
  end({ passed: 0, failed: 1 });
}
