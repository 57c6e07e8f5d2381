// What is counted arrives: once, all of it, also from a page that is closed, and never at the page's expense.

import assert from "node:assert/strict";
import { test } from "../lib/runner.js";
import { until } from "../lib/until.js";
import { cell, visit, visiting } from "../lib/visit.js";

const PAGE = `<button style="width:200px;height:60px">ok</button><div style="height:3000px">text</div>`;
const COLLECT = "**/v1/collect";

test("a page that is closed half a second after a click still delivers it", async (world) => {
  const visitor = await visit(world, PAGE);
  await visitor.page.mouse.click(304, 304);
  await visitor.page.evaluate(() => new Promise((done) => setTimeout(done, 500)));
  await visitor.page.close({ runBeforeUnload: false });
  await visitor.expect("click", [cell(304, 304)]);
  await visitor.expect("scroll", [cell(0, 799)]);
  await visitor.close();
});

test("what waits is sent every five seconds, in batches of at most 16 KiB", async (world) => {
  const visitor = await visit(world, PAGE, { prepare: (page) => page.clock.install() });
  const { page } = visitor;
  const bodies = [];
  page.on("request", (request) => request.url().endsWith("/v1/collect") && bodies.push(request.postData()));
  await page.mouse.click(304, 304);
  // The page's clock runs on by itself as well.
  await page.clock.runFor(2_000);
  assert.equal(bodies.length, 0);
  await page.clock.runFor(3_000);
  await until("a batch is sent", () => bodies.length == 1);
  for (let n = 0; n < 700; n++) await page.mouse.click(400, 304);
  await page.clock.runFor(5_000);
  await until("all batches are sent", () => bodies.length > 3);
  await visitor.leave();
  await visitor.expect("click", [cell(304, 304), cell(400, 304, 700)]);
  for (const body of bodies) assert.ok(body.length <= 16 << 10, `${body.length} bytes`);
  await visitor.close();
});

test("a thousand clicks arrive as a thousand", (world) =>
  visiting(
    world,
    PAGE,
    async (page) => {
      for (let n = 0; n < 1_000; n++) await page.mouse.click(300 + 8 * (n % 50), 300 + 8 * Math.floor(n / 50));
    },
    (visitor) =>
      visitor.expect(
        "click",
        Array.from({ length: 1_000 }, (_, n) => cell(300 + 8 * (n % 50), 300 + 8 * Math.floor(n / 50))),
      ),
  ));

test("a batch that is refused for now comes again under the same id, later and later, and is counted once", async (world) => {
  const visitor = await visit(world, PAGE, { prepare: (page) => page.clock.install() });
  const { page } = visitor;
  const tries = [];
  await page.route(COLLECT, async (route) => {
    const { id, pages } = JSON.parse(route.request().postData());
    tries.push({ id, ages: pages.flatMap(({ events }) => events.map((event) => event[4])) });
    const number = tries.length;
    if (number == 1) return route.fulfill({ status: 503 });
    if (number == 2) return route.fulfill({ status: 429 });
    if (number == 3) return route.abort("connectionreset");
    // It arrives, but the answer does not: the next try is the same batch to the server.
    if (number == 4) {
      await route.fetch({ url: `${world.server.local}/v1/collect` });
      return route.abort("connectionreset");
    }
    return route.continue();
  });
  await page.mouse.click(304, 304);
  for (let number = 1; number <= 5; number++) {
    await until(`try ${number}`, async () => {
      await page.clock.runFor(5_000);
      return tries.length >= number;
    });
  }
  await page.unroute(COLLECT);
  await visitor.leave();
  assert.equal(new Set(tries.slice(0, 5).map(({ id }) => id)).size, 1, "one id");
  assert.match(tries[0].id, /^[0-9a-f]{32}$/);
  assert.ok(tries[4].ages[0] > tries[0].ages[0], "its events have become older");
  await visitor.expect("click", [cell(304, 304)]);
  await visitor.expectViews(1);
  await visitor.close();
});

test("offline, what happens waits, within bounds", async (world) => {
  const visitor = await visit(world, PAGE, { prepare: (page) => page.clock.install() });
  const { page, context } = visitor;
  await context.setOffline(true);
  await page.mouse.click(304, 304);
  await page.clock.runFor(1_200_000);
  await context.setOffline(false);
  await page.clock.runFor(6_000);
  await visitor.leave();
  await visitor.expect("click", [cell(304, 304)]);
  await visitor.expectViews(1);
  await visitor.close();
});

test("a strict policy and trusted types do not stand in its way, and one name is all it leaves", async (world) => {
  const origin = world.server.origin;
  const policy =
    `default-src 'none'; script-src ${origin}; connect-src ${origin}; style-src 'unsafe-inline'; ` +
    "require-trusted-types-for 'script'; trusted-types 'none'";
  const said = [];
  const visitor = await visit(world, PAGE, {
    attributes: `data-conversion="m" data-consent="granted"`,
    headers: { "content-security-policy": policy },
    prepare: async (page) => {
      page.on("console", (message) => said.push(message.text()));
      await page.goto("about:blank");
    },
  });
  const names = await visitor.page.evaluate(() => {
    const frame = document.body.appendChild(document.createElement("iframe"));
    const known = new Set(Object.getOwnPropertyNames(frame.contentWindow));
    frame.remove();
    return Object.getOwnPropertyNames(window).filter((name) => !known.has(name) && !/^(\d+|__pw|__playwright)/.test(name));
  });
  assert.deepEqual(names, ["heatgrid"]);
  await visitor.page.mouse.click(304, 304);
  await until("the click is remembered", () => visitor.page.evaluate(() => localStorage.m));
  await visitor.leave();
  await visitor.expect("click", [cell(304, 304)]);
  assert.deepEqual(said, [], "the policy was not broken");
  await visitor.close();
});

test("a browser in which everything fails sees no error of ours", async (world) => {
  const visitor = await visit(world, PAGE, {
    prepare: (page) =>
      page.addInitScript(() => {
        const broken = () => {
          throw new Error("broken");
        };
        navigator.sendBeacon = window.fetch = broken;
        window.getComputedStyle = broken;
        Element.prototype.matches = broken;
        addEventListener("unhandledrejection", (event) => (document.title = `rejected ${event.reason}`));
      }),
  });
  await visitor.page.mouse.click(304, 304);
  await visitor.page.mouse.move(400, 304);
  await visitor.page.evaluate(() => scrollTo(0, 500));
  await visitor.page.evaluate(() => history.pushState({}, "", "/other"));
  await visitor.page.evaluate(() => new Promise((done) => setTimeout(done, 400)));
  assert.equal(await visitor.page.title(), "");
  await visitor.leave();
  await visitor.close();
});

test("an event costs the page less than a tenth of a millisecond, and no task is long", async (world) => {
  // Deep, as pages of frameworks are, and isolated, so that the clock is fine enough.
  const deep = "<div>".repeat(30) + `<div style="height:5000px">text</div>` + "</div>".repeat(30);
  const visitor = await visit(world, deep, {
    host: "localhost",
    headers: { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" },
    prepare: (page) =>
      page.addInitScript(() => {
        window.costs = {};
        const isOurs = () => new Error().stack.includes("/t.js");
        const timed = (name, run) => (event) => {
          const begin = performance.now();
          run(event);
          (window.costs[name] ||= []).push(performance.now() - begin);
        };
        const listen = EventTarget.prototype.addEventListener;
        EventTarget.prototype.addEventListener = function (type, handler, options) {
          return listen.call(this, type, isOurs() ? timed(type, handler) : handler, options);
        };
        for (const name of ["setTimeout", "setInterval"]) {
          const wait = window[name];
          window[name] = (run, ms) => wait(isOurs() ? timed("later", run) : run, ms);
        }
      }),
  });
  const { page } = visitor;
  for (let n = 0; n < 150; n++) {
    await page.mouse.move(100 + n * 5, 100 + n * 2, { steps: 4 });
    await page.mouse.click(100 + n * 5, 100 + n * 2);
    if (n % 6 == 0) await page.mouse.wheel(0, 50);
  }
  const costs = await page.evaluate(() => window.costs);
  // The middle of each type, because what the machine does meanwhile is not the tracker's; then over all events.
  const middle = Object.entries(costs).map(([type, list]) => ({
    type,
    count: list.length,
    ms: list.sort((a, b) => a - b)[Math.floor(list.length / 2)],
  }));
  console.log(`      ms in the middle: ${middle.map(({ type, ms }) => `${type} ${ms.toFixed(3)}`).join(", ")}`);
  const count = middle.reduce((sum, { count }) => sum + count, 0);
  const ms = middle.reduce((sum, { count, ms }) => sum + count * ms, 0) / count;
  assert.ok(count > 700, `${count} events`);
  assert.ok(ms < 0.1, `${ms} ms`);
  // A task is long from 50 ms on. The browser tells of those of the whole machine; these are the tracker's own.
  const longest = Math.max(...Object.values(costs).flat());
  assert.ok(longest < 50, `a task of ${longest} ms`);
  await visitor.close();
});
