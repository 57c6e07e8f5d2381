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

test("a busy server is asked again when it said, and not before", async (world) => {
  const visitor = await visit(world, PAGE, { prepare: (page) => page.clock.install() });
  const { page } = visitor;
  let tries = 0;
  await page.route(COLLECT, async (route) => {
    if (++tries > 1) return route.continue();
    const origin = `http://shop.test:${world.sites.port}`;
    const headers = { "access-control-allow-origin": origin, "access-control-allow-credentials": "true" };
    return route.fulfill({
      status: 503,
      headers: { ...headers, "access-control-expose-headers": "Retry-After", "retry-after": "120" },
    });
  });
  await page.mouse.click(304, 304);
  const refused = page.waitForResponse((response) => response.url().endsWith("/v1/collect"));
  await page.clock.runFor(5_000);
  await refused;
  await page.clock.runFor(100_000);
  assert.equal(tries, 1);
  await until("it is asked again", async () => {
    await page.clock.runFor(5_000);
    return tries > 1;
  });
  await visitor.leave();
  await visitor.expect("click", [cell(304, 304)]);
  await visitor.close();
});

test("a site chooses how often what waits is sent", async (world) => {
  for (const [every, afterMs] of [["1", 1_000], ["20", 20_000], ["now", 5_000]]) {
    const visitor = await visit(world, PAGE, {
      attributes: `data-every="${every}"`,
      prepare: async (page) => {
        await page.clock.install();
        await page.addInitScript(() => {
          const wait = window.setTimeout;
          window.waits = [];
          window.setTimeout = (run, ms) => {
            window.waits.push(ms);
            return wait(run, ms);
          };
        });
      },
    });
    const sent = visitor.page.waitForRequest(COLLECT);
    const waits = await visitor.page.evaluate(() => window.waits);
    assert.ok(waits.includes(afterMs), `data-every="${every}" waits ${waits}`);
    await visitor.page.clock.runFor(afterMs);
    await sent;
    await visitor.leave();
    await visitor.expectViews(1);
    await visitor.close();
  }
});

test("converted clicks and what else is sent alone wait for the line as the rest does", async (world) => {
  const due = Date.now() - 1_000;
  let memory;
  const visitor = await visit(world, PAGE, {
    attributes: `data-conversion="m" data-consent="granted"`,
    prepare: async (page) => {
      memory = page.waitForResponse("**/t-conversion.js");
      await page.clock.install();
      await page.addInitScript((due) => {
        if (location.host) localStorage.m ??= JSON.stringify({ clicks: [], parcels: [[due, location.href, 1024, [[9, 0, 0, 0]]]] });
      }, due);
    },
  });
  const { page, context } = visitor;
  await (await memory).finished();
  await context.setOffline(true);
  await until("the parcel was taken out", async () => {
    await page.clock.runFor(5_000);
    return page.evaluate(() => !localStorage.m);
  });
  await page.clock.runFor(1_200_000);
  await context.setOffline(false);
  await page.clock.runFor(6_000);
  await visitor.leave();
  await visitor.expect("conversion", [[0, 0, 1]], { fixed: "any" });
  await visitor.close();
});

test("no handler costs the page more than a few questions to it, an event on average less than a tenth of a millisecond, and no task is long", async (world) => {
  // Deep, as pages of frameworks are, and isolated, so that the clock is fine enough.
  const deep = "<div>".repeat(30) + `<div style="height:5000px">text</div>` + "</div>".repeat(30);
  const visitor = await visit(world, deep, {
    host: "localhost",
    headers: { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" },
    prepare: (page) => page.addInitScript(MEASURE),
  });
  const { page } = visitor;
  for (let n = 0; n < 200; n++) {
    await page.mouse.move(100 + n * 4, 100 + n * 2, { steps: 4 });
    await page.mouse.click(100 + n * 4, 100 + n * 2);
    if (n % 6 == 0) await page.mouse.wheel(0, 50);
  }
  const costs = await page.evaluate(() => window.costs);
  await visitor.close();
  // The middle of each, because what the machine does meanwhile is not the tracker's.
  const middle = (name) => costs[name].sort((a, b) => a - b)[Math.floor(costs[name].length / 2)];
  const names = Object.keys(costs);
  console.log(`      ms in the middle: ${names.map((name) => `${name} ${middle(name).toFixed(3)} (${costs[name].length})`).join(", ")}`);
  const { [YARDSTICK]: yardstick, ...ours } = costs;
  assert.ok(yardstick.length > 50, "the yardstick was laid");
  // In units of the yardstick, because machines differ, and so does one that is busy. The clock tells steps of 5 us.
  const unit = middle(YARDSTICK) + 0.005;
  for (const [handler, most] of Object.entries(MOST)) {
    assert.ok(ours[handler].length > 25, `${handler} was measured`);
    assert.ok(middle(handler) <= most * unit, `${handler}: ${middle(handler)} ms, ${unit} ms is the yardstick`);
  }
  // All of it, timers and sending too, by what was heard.
  const heard = ["pointerdown", "pointermove", "pointerup", "scroll"].reduce((sum, name) => sum + ours[name].length, 0);
  const ms = Object.keys(ours).reduce((sum, name) => sum + ours[name].length * middle(name), 0) / heard;
  console.log(`      ${ms.toFixed(3)} ms an event`);
  assert.ok(ms < 0.1, `${ms} ms an event`);
  // A task is long from 50 ms on. The browser tells of those of the whole machine; these are the tracker's own, but for
  // the few that the machine interrupts.
  const long = Object.values(ours).flat().filter((ms) => ms >= 50);
  assert.ok(long.length < 3 && names.every((name) => middle(name) < 50), `tasks of ${long} ms`);
});

/** What each level around the target is asked at least, by whoever wants to know where on a page it is. */
const YARDSTICK = "yardstick";
/** Yardsticks that a handler may cost. */
const MOST = { pointerdown: 1, pointermove: 2, pointerup: 5, scroll: 2 };

/** Measures every handler and timer of the tracker, and lays the yardstick to every third release in their place. */
const MEASURE = () => {
  window.costs = {};
  const note = (name, begin) => (window.costs[name] ||= []).push(performance.now() - begin);
  let isInside = false;
  let releases = 0;
  let isYardstick = false;
  addEventListener(
    "pointerup",
    ({ target }) => {
      isYardstick = releases++ % 3 == 0;
      if (!isYardstick) return;
      const begin = performance.now();
      for (let node = target; node; node = node.parentElement) if (getComputedStyle(node).position == "fixed") break;
      note("yardstick", begin);
    },
    true,
  );
  const timed = (name, run) => (event) => {
    // What follows on the yardstick finds everything warm.
    const isMeasured = name != "pointerup" || !isYardstick;
    const begin = performance.now();
    isInside = true;
    run(event);
    isInside = false;
    if (isMeasured) note(name, begin);
  };
  // Asked while the script starts, never in what is measured.
  const isOurs = () => isInside || new Error().stack.includes("/t.js");
  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (type, handler, options) {
    return listen.call(this, type, isOurs() ? timed(type, handler) : handler, options);
  };
  for (const name of ["setTimeout", "setInterval"]) {
    const wait = window[name];
    window[name] = (run, ms) => wait(isOurs() ? timed(`after ${ms} ms`, run) : run, ms);
  }
};
