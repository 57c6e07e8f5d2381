// What counts as a click, a tap, a move, and what does not.

import assert from "node:assert/strict";
import { test } from "../lib/runner.js";
import { cell, visit, visiting } from "../lib/visit.js";

/** Waits in the page until `script` is true. */
const BUTTON = `<button id="t" style="position:absolute;left:40px;top:80px;width:160px;height:40px">do it</button>`;

test("a click is counted where it is", (world) =>
  visiting(
    world,
    `<p style="height:900px">text</p>`,
    (page) => page.mouse.click(300, 500),
    (visitor) => visitor.expect("click", [cell(300, 500)]),
  ));

test("keys give no event: Tab and Enter, Space, and what they scroll aside", (world) =>
  visiting(
    world,
    `${BUTTON}<a id="a" href="#x">link</a><input id="i"><script>let n = 0; t.onclick = () => n++</script>`,
    async (page) => {
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.keyboard.press("Space");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.locator("#i").focus();
      await page.keyboard.type("secret words");
      assert.equal(await page.evaluate("n"), 2, "the button was pressed by keys");
    },
    (visitor) => visitor.expectNone("click", "touch", "move", "rage_click", "dead_click"),
  ));

test("nothing listens to keys, input, selection or the clipboard", async (world) => {
  const visitor = await visit(world, BUTTON, {
    prepare: (page) =>
      page.addInitScript(() => {
        window.heard = [];
        const listen = EventTarget.prototype.addEventListener;
        EventTarget.prototype.addEventListener = function (type, ...rest) {
          // Playwright listens as well.
          if (new Error().stack.includes("/t.js")) window.heard.push(type);
          return listen.call(this, type, ...rest);
        };
      }),
  });
  const heard = await visitor.page.evaluate(() => window.heard);
  assert.ok(heard.includes("pointerdown"), "the tracker's listeners were seen");
  assert.deepEqual(
    heard.filter((type) => /key|input|^change|select|copy|cut|paste|composition|focus|blur/.test(type)),
    [],
  );
  await visitor.close();
});

test("clicks that a script or a label makes are not counted", (world) =>
  visiting(
    world,
    `${BUTTON}<label id="l" style="position:absolute;left:400px;top:80px"><input type="checkbox" id="c"> yes</label>`,
    async (page) => {
      await page.evaluate(() => {
        t.click();
        t.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true, clientX: 50, clientY: 90 }));
        t.dispatchEvent(new PointerEvent("pointerup", { bubbles: true, clientX: 50, clientY: 90 }));
        t.dispatchEvent(new PointerEvent("click", { bubbles: true, pointerType: "mouse" }));
      });
      // The browser makes a second click, on the box.
      await page.mouse.click(430, 90);
      assert.equal(await page.evaluate("c.checked"), true);
    },
    (visitor) => visitor.expect("click", [cell(430, 90)]),
  ));

test("a drag and another button are no click", (world) =>
  visiting(
    world,
    `<p style="font-size:40px">some words to select here</p>`,
    async (page) => {
      await page.mouse.move(20, 60);
      await page.mouse.down();
      await page.mouse.move(200, 60, { steps: 4 });
      await page.mouse.up();
      await page.mouse.click(300, 300, { button: "right" });
      await page.mouse.click(300, 300, { button: "middle" });
      await page.mouse.click(600, 400);
    },
    (visitor) => visitor.expect("click", [cell(600, 400)]),
  ));

test("three quick clicks at one place are a rage click, and each further one", (world) =>
  visiting(
    world,
    `<p>text</p>`,
    async (page) => {
      for (const x of [300, 304, 308, 312]) await page.mouse.click(x, 500);
      // Elsewhere: a run of its own, too short.
      for (const x of [900, 904]) await page.mouse.click(x, 100);
    },
    async (visitor) => {
      await visitor.expect("rage_click", [cell(308, 500), cell(312, 500)]);
      await visitor.expect("click", [300, 304, 308, 312, 900, 904].map((x) => cell(x, x < 900 ? 500 : 100)).reduce(merge, []));
    },
  ));

/** Adds up what fell into one cell. */
const merge = (cells, [x, y, count]) => {
  const same = cells.find((other) => other[0] == x && other[1] == y);
  if (same) same[2] += count;
  else cells.push([x, y, count]);
  return cells;
};

test("a click after which nothing happens is dead, and one that is answered is not", async (world) => {
  const html = `${BUTTON}<div id="dead" style="position:absolute;left:400px;top:80px;width:100px;height:40px">buy</div>
    <div id="host" style="position:absolute;left:400px;top:200px"></div>
    <input style="position:absolute;left:400px;top:300px">
    <script>
      t.onclick = () => (t.textContent = "done");
      host.attachShadow({ mode: "open" }).innerHTML = "<p>inside</p>";
      host.shadowRoot.firstChild.onclick = (event) => (event.target.className = "on");
    </script>`;
  // One page a click: an answer to one speaks for all of the last two seconds.
  for (const [x, y, isDead] of [[50, 90, 0], [410, 90, 1], [410, 225, 0], [410, 310, 0]]) {
    const visitor = await visit(world, html, { context: {} });
    await visitor.page.clock.install();
    await visitor.page.reload();
    await visitor.page.waitForFunction(() => window.heatgrid);
    await visitor.page.mouse.click(x, y);
    await visitor.page.clock.runFor(2_500);
    await visitor.leave();
    await visitor.expect("click", [cell(x, y)]);
    await visitor.expect("dead_click", isDead ? [cell(x, y)] : []);
    await visitor.close();
  }
});

test("where the mouse rests is counted, and not each step of its way", (world) =>
  visiting(
    world,
    `<p style="height:2000px">text</p>`,
    async (page) => {
      await page.clock.install();
      await page.reload();
      await page.waitForFunction(() => window.heatgrid);
      // From here on its time stands still but for what is said.
      await page.clock.pauseAt(Date.now() + 60_000);
      await page.mouse.move(100, 100);
      await page.mouse.move(600, 400, { steps: 40 });
      await page.clock.runFor(300);
      await page.mouse.wheel(0, 400);
      await page.waitForFunction(() => scrollY == 400);
      await page.mouse.move(700, 400);
      await page.clock.runFor(300);
    },
    (visitor) => visitor.expect("move", [cell(600, 400), cell(700, 800)]),
  ));

test("what is marked, a password field and a key pad are left out", (world) =>
  visiting(
    world,
    `<div data-heatgrid-ignore style="position:absolute;left:0;top:0;width:200px;height:100px"><b id="in">x</b></div>
     <input type="password" style="position:absolute;left:300px;top:0;width:100px;height:30px">
     <div id="pad" style="position:absolute;left:0;top:200px;width:300px"></div>
     <div id="phone" style="position:absolute;left:400px;top:200px;width:300px"></div>
     <main><section><div><nav id="pages" style="position:absolute;left:0;top:600px;width:1000px"></nav></div></section></main>
     <style>button{width:90px;height:40px;margin:0}</style>
     <script>
       const put = (where, texts) => (where.innerHTML = texts.map((text) => "<button>" + text + "</button>").join(""));
       put(pad, [7, 8, 9, 4, 5, 6, 1, 2, 3, 0, "clear"]);
       put(phone, [1, 2, 3, 4, 5, 6, 7, 8, 9, 0].map((n) => "<b>" + n + "</b> <i>ABC</i>"));
       put(pages, [1, 2, 3, 4, 5, 6, 7, 8, 9, "next"]);
     </script>`,
    async (page) => {
      await page.mouse.click(5, 5);
      await page.mouse.click(100, 50);
      await page.mouse.click(320, 10);
      await page.mouse.click(45, 220);
      await page.mouse.click(430, 220);
      await page.mouse.click(45, 620);
      await page.mouse.click(800, 620);
    },
    (visitor) => visitor.expect("click", [cell(45, 620), cell(800, 620)]),
  ));

const PHONE = { context: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } };

/** Moves a finger over the screen. */
const swipe = async (page, points) => {
  const devtools = await page.context().newCDPSession(page);
  const send = (type, touchPoints) => devtools.send("Input.dispatchTouchEvent", { type, touchPoints });
  await send("touchStart", [points[0]]);
  for (const point of points.slice(1)) await send("touchMove", [point]);
  await send("touchEnd", []);
};

test("a tap on a phone is a touch of a mobile window, where the page is scrolled to", (world) =>
  visiting(
    world,
    `<meta name="viewport" content="width=device-width"><p style="height:3000px">text</p>`,
    async (page) => {
      await page.evaluate(() => scrollTo(0, 1000));
      await page.touchscreen.tap(100, 200);
    },
    async (visitor) => {
      await visitor.expect("touch", [cell(100, 1200)], { device: "mobile" });
      await visitor.expect("click", []);
      await visitor.expect("move", []);
    },
    PHONE,
  ));

test("a finger that scrolls or drags is no tap, also where the page takes touches itself", (world) =>
  visiting(
    world,
    `<meta name="viewport" content="width=device-width"><p style="height:3000px">text</p>
     <div id="pane" style="position:absolute;top:500px;left:0;width:390px;height:200px;touch-action:none">map</div>
     <script>pane.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false })</script>`,
    async (page) => {
      await swipe(page, [{ x: 200, y: 600 }, { x: 150, y: 590 }, { x: 100, y: 580 }]);
      await page.touchscreen.tap(120, 640);
      await swipe(page, [{ x: 200, y: 400 }, { x: 200, y: 350 }, { x: 200, y: 250 }, { x: 200, y: 150 }]);
      await page.waitForFunction(() => scrollY > 50);
    },
    (visitor) => visitor.expect("touch", [cell(120, 640)]),
    PHONE,
  ));
