// A page that runs posthog-js already: pointed at this server, it fills the same cells.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "../lib/runner.js";
import { cell, visit } from "../lib/visit.js";
import assert from "node:assert/strict";
import { until } from "../lib/until.js";

/** The versions of the contract's samples, by package, and what each asks for when it is left to itself. */
const VERSIONS = [
  { name: "posthog-js-1.205", version: "1.205.0", paths: ["/array/KEY/config", "/decide/", "/e/"] },
  { name: "posthog-js", version: "1.449.2", paths: ["/array/KEY/config", "/e/"] },
];
/** How a page that wants heatmaps and nothing else asks for them, in the words of both versions. */
const HEATMAPS_ONLY = {
  enable_heatmaps: true,
  autocapture: false,
  capture_pageview: false,
  disable_session_recording: true,
  disable_surveys: true,
  advanced_disable_decide: true,
  advanced_disable_flags: true,
};
/** A page that leaves everything to what the server says: all other events are sent as well, and ignored. */
const AS_IT_COMES = {};

const require = createRequire(import.meta.url);
const html = `<header style="position:fixed;top:0;left:0;right:0;height:60px">menu</header><div style="height:4000px">text</div>`;

let sites = 0;

/** Clicks on a page that has both scripts, holds their cells against each other, and gives the paths that were asked. */
const fillsTheSameCells = async (world, { name, version }, options) => {
  const site = `hog-${++sites}`;
  const key = await world.server.site(site);
  assert.equal(JSON.parse(readFileSync(require.resolve(`${name}/package.json`))).version, version);
  world.sites.put("/posthog.js", readFileSync(require.resolve(`${name}/dist/array.full.no-external.js`)), {
    "content-type": "text/javascript",
  });
  const visitor = await visit(world, html, { path: `/hog-and-tracker-${"abcd"[sites - 1]}` });
  const { page } = visitor;
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url())));
  await page.addScriptTag({ url: "/posthog.js" });
  await page.evaluate(
    ([host, key, options]) =>
      window.posthog.init(key, { ...options, api_host: host, persistence: "memory", opt_out_useragent_filter: true }),
    [world.server.origin, key, options],
  );
  await page.waitForFunction(() => window.posthog.heatmaps?.isEnabled);
  await page.mouse.click(304, 304);
  await page.evaluate(() => scrollTo(0, 800));
  await page.waitForFunction(() => scrollY == 800);
  await page.mouse.click(504, 304);
  await page.mouse.click(48, 24);
  await visitor.leave();
  for (const [fixed, cells] of [["false", [cell(304, 304), cell(504, 1104)]], ["true", [cell(48, 24)]]]) {
    await visitor.expect("click", cells, { fixed });
    const grid = await until("posthog's clicks are counted", async () => {
      const grid = await world.server.grid(site, visitor.url, { kind: "click", fixed });
      return grid.total >= cells.length && grid;
    });
    assert.deepEqual(grid.cells, cells, `fixed ${fixed}`);
  }
  await visitor.close();
  const elsewhere = asked.filter(({ origin, hostname }) => origin != world.server.origin && hostname != "shop.test");
  assert.deepEqual(elsewhere.map(String), [], "nothing goes to anybody else");
  const here = asked.filter(({ origin }) => origin == world.server.origin);
  return here.map(({ pathname }) => pathname.replace(key, "KEY"));
};

for (const version of VERSIONS) {
  test(`posthog-js ${version.version} with this server as its api_host fills the same cells as the tracker`, async (world) => {
    await fillsTheSameCells(world, version, HEATMAPS_ONLY);
  });

  test(`posthog-js ${version.version} as it comes is told to send heatmaps and fills the same cells`, async (world) => {
    const paths = new Set(await fillsTheSameCells(world, version, AS_IT_COMES));
    for (const path of version.paths) assert(paths.has(path), `${path} was not asked for: ${[...paths]}`);
  });
}
