// The demo, as somebody sees it who opens the shop and its heatmaps side by side.

import assert from "node:assert/strict";
import { startServer } from "../lib/heatgrid.js";
import { test } from "../lib/runner.js";
import { until } from "../lib/until.js";

const WINDOW = { viewport: { width: 1440, height: 900 } };
// A second until it is sent, a second until it is looked at, and time for a machine that is busy. Sent as seldom as
// elsewhere, the second click would not make it.
const SOON_MS = 4_500;

test("one's own clicks in the demo's shop are on the dashboard in a second or two", async (world) => {
  const server = await startServer(world.program, undefined, ["--demo"]);
  const [shopper, looker] = await Promise.all([world.browser.newContext(WINDOW), world.browser.newContext(WINDOW)]);
  try {
    const dashboard = await looker.newPage();
    await dashboard.goto(`${server.local}/#token=${server.token}`);
    const shown = () =>
      dashboard.evaluate(() => ({
        total: parseInt(document.getElementById("chart-words").textContent.replace(/\D/g, "_").replace(/_(?=\d{3}(_|$))/g, "")),
        picture: document.getElementById("picture").src,
        title: document.getElementById("page-title").textContent,
      }));
    await until("the dashboard shows the shop's first page", async () => {
      const { total, picture, title } = await shown();
      return total && picture && title.endsWith("/demo/");
    });
    const page = await shopper.newPage();
    await page.goto(`${server.local}/demo/`);
    await page.waitForFunction(() => window.heatgrid);
    const tooks = [];
    for (const y of [700, 640, 580]) {
      const before = await shown();
      const begin = Date.now();
      await page.mouse.click(100, y);
      await until(
        "the click is in the number and in the picture",
        async () => {
          const { total, picture } = await shown();
          return total == before.total + 1 && picture != before.picture;
        },
        SOON_MS,
      );
      tooks.push(Date.now() - begin);
    }
    console.log(`      shown after ${tooks.join(", ")} ms`);
    assert.equal(tooks.length, 3);
  } finally {
    await shopper.close();
    await looker.close();
    await server.close();
  }
});
