// Every way to say no is obeyed: before the first listener in the browser, and by the server whatever the browser does.

import assert from "node:assert/strict";
import { launchProfile } from "../lib/chromium.js";
import { startServer } from "../lib/heatgrid.js";
import { test } from "../lib/runner.js";
import { until } from "../lib/until.js";
import { SITE, cell, tag, visit } from "../lib/visit.js";

const PAGE = `<button style="width:200px;height:60px">ok</button><div style="height:3000px"></div>`;

/** What a browser asked of heatgrid's server, by path. */
const record = (world, page) => {
  const asked = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.hostname == "heat.test") asked.push(url.pathname);
  });
  return asked;
};

/** Another visitor, who does not object: once this one is counted, so would be whatever was sent before. */
const control = async (world) => {
  const visitor = await visit(world, PAGE);
  await visitor.leave();
  await visitor.expectViews(1);
  await visitor.close();
};

const BEHAVE = async (page) => {
  await page.mouse.move(100, 30);
  await page.mouse.click(100, 30);
  await page.evaluate(() => scrollTo(0, 900));
  await page.evaluate(() => window.heatgrid.convert("goal"));
};

/** A visitor who objects: nothing is asked of the server but the script, and nothing is counted. */
const silent = async (world, visitor, asked) => {
  await BEHAVE(visitor.page);
  await visitor.leave();
  await control(world);
  assert.deepEqual([...new Set(asked)], ["/t.js"]);
  await visitor.expect("view", []);
  await visitor.expect("click", []);
};

/** Counts what the tracker listens to. */
const COUNT_LISTENERS = () => {
  window.listening = 0;
  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (...rest) {
    // Playwright listens as well.
    if (new Error().stack.includes("/t.js")) window.listening++;
    return listen.apply(this, rest);
  };
};

const signals = [
  ["Sec-GPC, as browsers with Global Privacy Control send it", { extraHTTPHeaders: { "sec-gpc": "1" } }, () => {
    Object.defineProperty(Navigator.prototype, "globalPrivacyControl", { get: () => true });
  }],
  ["globalPrivacyControl alone, where a proxy has taken the header away", {}, () => {
    Object.defineProperty(Navigator.prototype, "globalPrivacyControl", { get: () => true });
  }],
  ["doNotTrack alone", {}, () => {
    Object.defineProperty(Navigator.prototype, "doNotTrack", { get: () => "1" });
  }],
  ["a no that this site has kept", {}, () => {
    // Not on the empty page that a visit ends with.
    if (location.host) localStorage.setItem("heatgrid-opt-out", "1");
  }],
];

for (const [name, context, script] of signals) {
  test(`silent before the first listener: ${name}`, async (world) => {
    let asked;
    const visitor = await visit(world, PAGE, {
      context,
      attributes: `data-conversion="memory" data-consent="granted"`,
      prepare: async (page) => {
        asked = record(world, page);
        await page.addInitScript(script);
        await page.addInitScript(() => {
          if (location.host) localStorage.setItem("memory", `{"clicks":[],"parcels":[]}`);
        });
        await page.addInitScript(COUNT_LISTENERS);
      },
    });
    assert.equal(await visitor.page.evaluate(() => window.listening), 0);
    assert.equal(await visitor.page.evaluate(() => localStorage.memory), undefined, "what was remembered is gone");
    await silent(world, visitor, asked);
    await visitor.close();
  });
}

test("silent with Do Not Track switched on in the browser's settings", async (world) => {
  const profile = await launchProfile({ enable_do_not_track: true });
  try {
    let asked;
    const visitor = await visit(world, PAGE, {
      browser: profile.context,
      prepare: (page) => (asked = record(world, page)),
    });
    assert.equal(await visitor.page.evaluate(() => navigator.doNotTrack), "1");
    await silent(world, visitor, asked);
    await visitor.close();
  } finally {
    await profile.close();
  }
});

test("the server drops what a browser sends in spite of its signal", async (world) => {
  const visitor = await visit(world, PAGE);
  // Switched on after the script came: the header travels with every request from now on.
  await visitor.context.setExtraHTTPHeaders({ "sec-gpc": "1" });
  const sent = visitor.page.waitForResponse((response) => response.url().endsWith("/v1/collect"));
  await visitor.page.mouse.click(100, 30);
  assert.equal((await sent).status(), 204);
  await visitor.leave();
  await control(world);
  await visitor.expect("view", []);
  await visitor.expect("click", []);
  await visitor.close();
});

test("a site that asks first is silent until optIn, and after optOut", async (world) => {
  let asked;
  const visitor = await visit(world, PAGE, {
    attributes: `data-consent="wait"`,
    prepare: (page) => (asked = record(world, page)),
  });
  const { page } = visitor;
  await page.mouse.click(100, 30);
  await page.evaluate(() => window.heatgrid.optIn());
  await page.mouse.click(48, 40);
  const beacon = page.waitForResponse((response) => response.url().endsWith("/v1/collect"));
  await beacon;
  await page.evaluate(() => window.heatgrid.optOut());
  await page.mouse.click(104, 40);
  await page.reload();
  await page.waitForFunction(() => window.heatgrid);
  await page.mouse.click(104, 40);
  await page.evaluate(() => window.heatgrid.optIn());
  await page.mouse.click(152, 40);
  await visitor.leave();
  await visitor.expectViews(2);
  await visitor.expect("click", [cell(48, 40), cell(152, 40)]);
  assert.equal(asked.filter((path) => path == "/t.js").length, 2);
  await visitor.close();
});

test("nothing is kept in the browser without conversions", async (world) => {
  const visitor = await visit(world, PAGE);
  await visitor.page.mouse.click(100, 30);
  await visitor.leave();
  await visitor.expectViews(1);
  await visitor.page.goto(visitor.url);
  const kept = await visitor.page.evaluate(async () => [
    document.cookie,
    { ...localStorage },
    { ...sessionStorage },
    (await indexedDB.databases()).length,
  ]);
  assert.deepEqual(kept, ["", {}, {}, 0]);
  assert.deepEqual(await visitor.context.cookies(), []);
  await visitor.close();
});

test("one click on the opt-out page silences two sites of different names, over TLS, and one more brings them back", async (world) => {
  const server = await startServer(world.program, world.tls);
  // A visitor whose browser lets cookies of other sites through.
  const profile = await launchProfile({ profile: { cookie_controls_mode: 0, block_third_party_cookies: false } });
  try {
    const key = await server.site(SITE);
    const secure = { ...world, server, key };
    const pages = ["shop.test", "press.example"].map((host) => `https://${host}:${world.sites.tlsPort}/two-sites`);
    world.sites.put("/two-sites", `<!doctype html>${PAGE}${tag(secure)}`);
    const page = await profile.context.newPage();
    const asked = record(secure, page);
    const visitBoth = async () => {
      for (const url of pages) {
        await page.goto(url);
        await page.waitForFunction(() => window.heatgrid);
        await page.mouse.click(104, 40);
      }
      await page.goto("about:blank");
    };
    const clicks = (url) => server.grid(SITE, url, { kind: "click" }).then(({ total }) => total);

    await visitBoth();
    for (const url of pages) await until("the click is counted", async () => (await clicks(url)) == 1);

    await page.goto(`${server.origin}/opt-out`);
    assert.match(await page.getByRole("status").innerText(), /You are counted on/);
    await page.getByRole("button").click();
    await page.waitForURL(/opt-out\?chosen/);
    assert.match(await page.getByRole("status").innerText(), /not counted.*opted out/);
    const [cookie] = await profile.context.cookies(server.origin);
    assert.deepEqual(
      [cookie.name, cookie.value, cookie.secure, cookie.httpOnly, cookie.sameSite],
      ["__Host-hg_optout", "1", true, true, "None"],
    );
    assert.ok(cookie.expires - Date.now() / 1e3 > 399 * 86_400, "kept for 400 days");

    asked.length = 0;
    await visitBoth();
    assert.deepEqual([...new Set(asked)], ["/t.js"], "the stub asks for nothing");
    for (const url of pages) assert.equal(await clicks(url), 1);

    await page.goto(`${server.origin}/opt-out`);
    await page.getByRole("button", { name: "Count me again" }).click();
    await page.waitForURL(/opt-out\?chosen/);
    assert.deepEqual(await profile.context.cookies(server.origin), []);
    await visitBoth();
    for (const url of pages) await until("counted again", async () => (await clicks(url)) == 2);
  } finally {
    await profile.close();
    await server.close();
  }
});

test("the opt-out page works without script and without a mouse, loads nothing, and no other site can opt a visitor in", async (world) => {
  // On this machine without TLS, under the name that such a page has.
  const local = world.server.local;
  const context = await world.browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  const problems = [];
  const loaded = [];
  page.on("console", (message) => problems.push(message.text()));
  page.on("request", (request) => loaded.push(new URL(request.url()).pathname));
  await page.goto(`${local}/opt-out`);
  assert.deepEqual(loaded.filter((path) => path != "/favicon.ico"), ["/opt-out"]);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForURL(/chosen/);
  assert.match(await page.getByRole("status").innerText(), /opted out/);
  assert.equal((await context.cookies())[0].name, "hg_optout");
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
  assert.equal(await page.getByRole("heading", { level: 1 }).count(), 1);
  assert.deepEqual(problems, [], "its own policy lets its style through");

  world.sites.put("/evil", `<form method="post" action="${local}/opt-out"><input name="choice" value="in"><button>win</button></form>`);
  await page.goto(`http://localhost:${world.sites.port}/evil`);
  await page.getByRole("button").click();
  await page.waitForURL(/opt-out/);
  assert.match(await page.locator("body").innerText(), /own \/opt-out page only/);
  assert.equal((await context.cookies(local))[0].value, "1");
  await context.close();
});
