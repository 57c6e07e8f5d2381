// Views, how deep they went, and where attention rested.

import { test } from "../lib/runner.js";
import { cell, visit, visiting } from "../lib/visit.js";
import { until } from "../lib/until.js";

const TALL = `<div style="height:5000px">tall</div>`;

test("a view is counted once, and its deepest row is the last that was seen", (world) =>
  visiting(
    world,
    TALL,
    async (page) => {
      for (const y of [1600, 200]) {
        await page.evaluate((y) => scrollTo(0, y), y);
        await page.waitForFunction((y) => scrollY == y, y);
        // Scrolling is looked at when it pauses: two pictures and a bit.
        await page.evaluate(() => new Promise((done) => setTimeout(done, 200)));
      }
    },
    async (visitor) => {
      await visitor.expectViews(1);
      await visitor.expect("scroll", [cell(0, 1600 + 800 - 1)]);
    },
  ));

test("a layout that scrolls inside the window is as deep as its content was seen", (world) =>
  visiting(
    world,
    `<style>html,body{height:100%;overflow:hidden}#m{height:100vh;overflow:auto}#list{height:100px;overflow:auto}</style>
     <div id="m"><div id="list"><div style="height:9000px">list</div></div><div style="height:5000px">text</div></div>`,
    async (page) => {
      await page.evaluate(() => m.scrollTo(0, 2000));
      await page.evaluate(() => new Promise((done) => setTimeout(done, 200)));
      // A list in the page is not the page.
      await page.evaluate(() => list.scrollTo(0, 8000));
    },
    (visitor) => visitor.expect("scroll", [cell(0, 2000 + 800 - 1)]),
  ));

test("attention is a second for each row in sight while somebody is there", async (world) => {
  const visitor = await visit(world, TALL, { prepare: (page) => page.clock.install() });
  const { page } = visitor;
  await page.clock.runFor(3_000);
  // Browsers tell of it with the next frame: waited for, or the page's clock might run before.
  await page.evaluate(
    () =>
      new Promise((done) => {
        addEventListener("scroll", done, { once: true });
        scrollTo(0, 1000);
      }),
  );
  await page.clock.runFor(2_000);
  // Nobody is there any more after half a minute.
  await page.clock.runFor(60_000);
  await visitor.leave();
  const seconds = 2 + 30;
  await visitor.expect("attention", [cell(0, 0, 3), cell(0, 1000, seconds - 2)]);
  await visitor.expect("attention_end", [cell(0, 800, 3), cell(0, 1800, seconds - 2)]);
  await visitor.close();
});

test("a single-page application has a view for each page, and what happens there is counted there", async (world) => {
  const visitor = await visit(world, TALL, { path: "/app/start" });
  const { page } = visitor;
  await page.mouse.click(100, 100);
  await page.evaluate(() => history.pushState({}, "", "/app/list"));
  await page.mouse.click(200, 200);
  // A filter in the query: the same view.
  await page.evaluate(() => history.replaceState({}, "", "/app/list?filter=red"));
  await page.mouse.click(208, 200);
  await page.evaluate(() => history.replaceState({}, "", "/app/detail"));
  await page.mouse.click(300, 300);
  await page.evaluate(() => history.back());
  await page.waitForFunction(() => location.pathname == "/app/start");
  await page.mouse.click(400, 400);
  await visitor.leave();
  const at = (path) => ({ page: `http://shop.test:${world.sites.port}${path}` });
  for (const [path, views, cells] of [
    ["/app/start", 2, [cell(100, 100), cell(400, 400)]],
    ["/app/list", 1, [cell(200, 200), cell(208, 200)]],
    ["/app/detail", 1, [cell(300, 300)]],
  ]) {
    await visitor.expectViews(views, at(path));
    await visitor.expect("click", cells, at(path));
    await visitor.expect("scroll", [cell(0, 799, views)], at(path));
  }
  await visitor.close();
});

test("fragments are routes only where the site says so", async (world) => {
  for (const [path, attributes, pages] of [
    ["/plain-hash", "", { "/plain-hash": 1 }],
    ["/routes", "data-hash", { "/routes%23/one": 1, "/routes%23/two": 1 }],
  ]) {
    const visitor = await visit(world, TALL, { path: `${path}#/one`, attributes });
    await visitor.page.evaluate(() => (location.hash = "#/two"));
    await visitor.leave();
    for (const [page, views] of Object.entries(pages)) {
      await visitor.expectViews(views, { page: `http://shop.test:${world.sites.port}${page}` });
    }
    await visitor.close();
  }
});

test("a page that comes back out of the back/forward cache is viewed again", async (world) => {
  world.sites.put("/elsewhere", "<p>elsewhere</p>");
  const visitor = await visit(world, TALL);
  const { page } = visitor;
  await page.evaluate(() => addEventListener("pageshow", (event) => (window.cameBack = event.persisted)));
  await page.goto(`http://shop.test:${world.sites.port}/elsewhere`);
  await page.goBack({ waitUntil: "commit" });
  await until("the page is the one that was left", () => page.evaluate(() => window.cameBack));
  await page.mouse.click(304, 304);
  await visitor.leave();
  await visitor.expectViews(2);
  await visitor.expect("click", [cell(304, 304)]);
  await visitor.close();
});

test("a window in the background is viewed when it is looked at", async (world) => {
  const visitor = await visit(world, TALL, {
    prepare: (page) =>
      page.addInitScript(() => {
        // As a tab that is opened behind the present one.
        let hidden = true;
        Object.defineProperty(Document.prototype, "hidden", { get: () => hidden });
        window.show = () => (hidden = false);
      }),
  });
  await visitor.page.mouse.click(100, 100);
  await visitor.leave();
  await visitor.page.goto(visitor.url);
  await visitor.page.waitForFunction(() => window.heatgrid);
  await visitor.page.evaluate(() => window.show());
  // Coming back out of the cache tells as much as a change of visibility, and is the browser's own word.
  await visitor.page.goto("about:blank");
  await visitor.page.goBack({ waitUntil: "commit" });
  await visitor.page.mouse.click(208, 208);
  await visitor.leave();
  await visitor.expectViews(1);
  await visitor.expect("click", [cell(208, 208)]);
  await visitor.close();
});
