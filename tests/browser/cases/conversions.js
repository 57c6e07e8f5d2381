// Clicks that led to a goal: remembered by the visitor's own browser, with consent, and told without telling who.

import assert from "node:assert/strict";
import { test } from "../lib/runner.js";
import { until } from "../lib/until.js";
import { SITE, cell, visit } from "../lib/visit.js";

const PAGE = `<button style="width:300px;height:60px">buy</button><div style="height:2000px"></div>`;
const CONSENT = `data-conversion="shop-memory" data-consent="granted"`;
const DAY_MS = 86_400_000;

const memory = (page) => page.evaluate(() => JSON.parse(localStorage["shop-memory"] ?? "null"));

/** What a visit sends, batch by batch, as the server sees it. */
const record = (page) => {
  const batches = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/v1/collect")) batches.push(JSON.parse(request.postData()));
  });
  return batches;
};

const converted = (batches) =>
  batches.filter(({ pages }) => pages.some(({ events }) => events.some(([kind]) => kind > 8)));

test("clicks of several pages come as converted clicks, page by page, with the device and nothing else", async (world) => {
  // Ten visitors: the server withholds what fewer have done.
  const visitors = 10;
  const batches = [];
  let pages;
  for (let n = 0; n < visitors; n++) {
    const options = { attributes: CONSENT, context: { viewport: { width: 1440, height: 900 } } };
    const first = await visit(world, PAGE, { ...options, path: "/convert/one" });
    const { page, context } = first;
    if (n == 0) batches.push(record(page));
    await page.clock.install();
    await page.mouse.click(101, 31);
    await until("the click is remembered", async () => (await memory(page))?.clicks.length == 1);
    const second = await visit(world, PAGE, { ...options, path: "/convert/two", browser: context });
    if (n == 0) batches.push(record(second.page));
    await second.page.mouse.click(205, 31);
    await until("both are", async () => (await memory(second.page))?.clicks.length == 2);
    await second.page.clock.install();
    await second.page.evaluate(() => {
      window.heatgrid.convert("order");
      // Twice in a view is once.
      window.heatgrid.convert("order");
    });
    await until("all of it is to be told", async () => (await memory(second.page))?.parcels.length == 3);
    const kept = await memory(second.page);
    assert.deepEqual(kept.clicks, []);
    const now = Date.now();
    for (const [due] of kept.parcels) assert.ok(due > now - 60_000 && due < now + 3_660_000, "within an hour");
    // One clock moves all windows: two of them would look at the same moment for what is due, and both might tell it.
    await page.close();
    // The hour passes.
    for (const step of Array(13)) {
      void step;
      await second.page.clock.runFor(300_000);
    }
    await until("the memory is empty", async () => (await memory(second.page)) == null);
    await second.leave();
    pages = [first.url, second.url];
    await second.close();
    await first.close();
  }
  const ask = { fixed: "any" };
  const visitor = { expect: (kind, page, cells) => expectGrid(world, kind, page, cells, ask) };
  await visitor.expect("conversion", pages[1], [[0, 0, visitors]]);
  await visitor.expect("converted_click", pages[0], [cell(101, 31, visitors)]);
  await visitor.expect("converted_click", pages[1], [cell(205, 31, visitors)]);
  assert.equal((await world.server.grid(SITE, pages[0], { kind: "converted_click", device: "mobile" })).total, 0);

  const told = converted(batches.flat());
  assert.equal(told.length, 3, "each page in a request of its own");
  for (const { pages } of told) {
    assert.equal(pages.length, 1);
    assert.equal(pages[0].vw, 1024, "the device, not the width");
    assert.ok(pages[0].events.every(([, x, y]) => x % 8 == 0 && y % 8 == 0), "the cell, not the position");
  }
});

const expectGrid = async (world, kind, page, cells, query) => {
  const total = cells.reduce((sum, [, , count]) => sum + count, 0);
  const grid = await until(`${kind} is counted`, async () => {
    const grid = await world.server.grid(SITE, page, { kind, ...query });
    return grid.total >= total && grid;
  });
  assert.deepEqual(grid.cells, cells, kind);
};

test("without consent nothing is remembered, and a goal is not counted", async (world) => {
  const visitor = await visit(world, PAGE, { attributes: `data-conversion="shop-memory"` });
  const { page } = visitor;
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await page.mouse.click(104, 31);
  await page.evaluate(() => window.heatgrid.convert("order"));
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  // Consent is given: from here on.
  await page.evaluate(() => window.heatgrid.optIn());
  await page.mouse.click(200, 31);
  await until("the click is remembered", async () => (await memory(page))?.clicks.length == 1);
  assert.equal(asked.filter((path) => path == "/t-conversion.js").length, 1);
  // And taken back.
  await page.evaluate(() => window.heatgrid.optOut());
  assert.deepEqual(await page.evaluate(() => Object.keys(localStorage)), ["heatgrid-opt-out"]);
  await visitor.close();
});

test("a goal by its address is reached by coming there, also in a single-page application", async (world) => {
  const visitor = await visit(world, PAGE, { path: "/goal/start", attributes: `${CONSENT} data-goal="/goal/thanks*"` });
  const { page } = visitor;
  await page.mouse.click(104, 31);
  await until("the click is remembered", async () => (await memory(page))?.clicks.length == 1);
  await page.evaluate(() => history.pushState({}, "", "/goal/thanks/a"));
  await until("the goal is reached", async () => (await memory(page))?.parcels.length == 2);
  await visitor.close();
});

test("what is not told by the end of a visit is told at the next, one page at a time, and what is old is forgotten", async (world) => {
  const day = Math.floor(Date.now() / DAY_MS);
  const seed = (visits) => {
    const due = Date.now() - 1_000;
    const old = Date.now() - 31 * 86_400_000;
    localStorage["shop-memory"] ??= JSON.stringify({
      clicks: [[visits, "http://shop.test/x", 1024, [8, 8, 0]], [visits - 31, "http://shop.test/y", 1024, [8, 8, 0]]],
      parcels: [[due, location.href, 1, [[10, 8, 16, 0]]], [old, location.href, 1, [[10, 800, 800, 0]]]],
    });
  };
  let batches;
  const visitor = await visit(world, PAGE, {
    attributes: CONSENT,
    prepare: async (page) => {
      await page.clock.install();
      await page.addInitScript(seed, day);
      batches = record(page);
    },
  });
  const { page } = visitor;
  await until("old things are forgotten", async () => {
    const { clicks, parcels } = await memory(page);
    return clicks.length == 1 && parcels.length == 1;
  });
  await page.clock.runFor(11_000);
  await until("the parcel is sent", () => converted(batches).length == 1);
  assert.deepEqual((await memory(page)).parcels, []);
  assert.deepEqual(converted(batches)[0].pages[0].events.map((event) => event.slice(0, 4)), [[10, 8, 16, 0]]);
  await visitor.close();
});
