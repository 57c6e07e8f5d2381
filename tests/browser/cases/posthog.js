// A page that runs posthog-js already: pointed at this server, it fills the same cells.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "../lib/runner.js";
import { cell, visit } from "../lib/visit.js";
import assert from "node:assert/strict";
import { until } from "../lib/until.js";

const script = readFileSync(createRequire(import.meta.url).resolve("posthog-js/dist/array.full.no-external.js"));

test("posthog-js with this server as its api_host fills the same cells as the tracker", async (world) => {
  const key = await world.server.site("hog");
  world.sites.put("/posthog.js", script, { "content-type": "text/javascript" });
  const html = `<header style="position:fixed;top:0;left:0;right:0;height:60px">menu</header><div style="height:4000px">text</div>`;
  const visitor = await visit(world, html, { path: "/hog-and-tracker" });
  const { page } = visitor;
  await page.addScriptTag({ url: "/posthog.js" });
  await page.evaluate(
    ([host, key]) =>
      window.posthog.init(key, {
        api_host: host,
        enable_heatmaps: true,
        autocapture: false,
        capture_pageview: false,
        disable_session_recording: true,
        disable_surveys: true,
        advanced_disable_flags: true,
        persistence: "memory",
        opt_out_useragent_filter: true,
      }),
    [world.server.origin, key],
  );
  await page.mouse.click(304, 304);
  await page.evaluate(() => scrollTo(0, 800));
  await page.waitForFunction(() => scrollY == 800);
  await page.mouse.click(504, 304);
  await page.mouse.click(48, 24);
  await visitor.leave();
  for (const [fixed, cells] of [["false", [cell(304, 304), cell(504, 1104)]], ["true", [cell(48, 24)]]]) {
    await visitor.expect("click", cells, { fixed });
    const grid = await until("posthog's clicks are counted", async () => {
      const grid = await world.server.grid("hog", visitor.url, { kind: "click", fixed });
      return grid.total >= cells.length && grid;
    });
    assert.deepEqual(grid.cells, cells, `fixed ${fixed}`);
  }
  await visitor.close();
});
