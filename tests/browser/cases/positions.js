// The same target has the same cell, however the page is built, scrolled or zoomed.

import assert from "node:assert/strict";
import { launchProfile } from "../lib/chromium.js";
import { test } from "../lib/runner.js";
import { cell, visit, visiting } from "../lib/visit.js";

/** Scrolls the window, and waits until it is there. */
const scroll = async (page, y, x = 0) => {
  await page.evaluate(([left, top]) => scrollTo(left, top), [x, y]);
  await page.waitForFunction(([left, top]) => Math.abs(scrollX - left) < 1 && Math.abs(scrollY - top) < 1, [x, y]);
};

/** One case: a page, what the visitor does, and the cells that clicks must have in both layers. */
const position = (name, html, act, { moving = [], fixed = [], kind = "click" }, options) =>
  test(name, (world) =>
    visiting(
      world,
      html,
      act,
      async (visitor) => {
        await visitor.expect(kind, moving, { fixed: "false" });
        await visitor.expect(kind, fixed, { fixed: "true" });
      },
      options,
    ),
  );

const TALL = `<div style="height:4000px">tall</div>`;

position(
  "a click on a scrolled page is where the page is",
  TALL,
  async (page) => {
    await scroll(page, 1200);
    await page.mouse.click(200, 300);
  },
  { moving: [cell(200, 1500)] },
);

position(
  "a fixed header is where the window is, in its own layer",
  `<header style="position:fixed;top:0;left:0;right:0;height:60px"><b><i>menu</i></b></header>${TALL}`,
  async (page) => {
    await scroll(page, 900);
    await page.mouse.click(50, 20);
    await page.mouse.click(50, 300);
  },
  { moving: [cell(50, 1200)], fixed: [cell(50, 20)] },
);

const STICKY = `<div style="height:400px"></div><nav style="position:sticky;top:10px;height:60px">nav</nav>${TALL}`;

position(
  "a sticky bar that is not held yet is where the page is",
  STICKY,
  async (page) => {
    await scroll(page, 100);
    await page.mouse.click(48, 328);
  },
  { moving: [cell(48, 428)] },
);

position(
  "a sticky bar that is held is where the window is, also in a page whose body hides its overflow",
  `<style>body{overflow-x:hidden}</style>${STICKY}`,
  async (page) => {
    await scroll(page, 900);
    await page.mouse.click(48, 38);
  },
  { fixed: [cell(48, 38)] },
);

position(
  "a sticky bar at the lower edge is held until its place in the page comes",
  `<main><div style="height:2000px">text</div><footer style="position:sticky;bottom:0;height:80px">buy</footer></main>${TALL}`,
  async (page) => {
    await page.mouse.click(100, 760);
    await scroll(page, 1700);
    await page.mouse.click(100, 340);
  },
  { moving: [cell(100, 2040)], fixed: [cell(100, 760)] },
);

position(
  "the content of a scroll container lies as if it were not scrolled",
  `<div style="height:100px"></div>
   <div id="s" style="overflow:auto;height:300px;width:400px"><div style="height:3000px;width:2000px">rows</div></div>${TALL}`,
  async (page) => {
    await page.evaluate(() => s.scrollTo(160, 1000));
    await page.mouse.click(48, 152);
    await scroll(page, 50);
    await page.mouse.click(48, 152);
    await page.mouse.click(600, 152);
  },
  { moving: [cell(208, 1152), cell(208, 1202), cell(600, 202)] },
);

position(
  "a layout of one window's height has the positions of its content",
  `<style>html,body{height:100%;overflow:hidden}#m{height:100vh;overflow:auto}</style>
   <div id="m"><header style="position:sticky;top:0;height:56px">head</header><div style="height:5000px">text</div></div>`,
  async (page) => {
    await page.evaluate(() => m.scrollTo(0, 2000));
    await page.mouse.click(304, 400);
    await page.mouse.click(304, 24);
  },
  { moving: [cell(304, 2400), cell(304, 24)] },
);

position(
  "an absolute box is not moved by a scroll container that does not hold it",
  `<div style="position:relative"><div id="s" style="overflow:auto;height:300px"><div style="height:2000px">text</div>
     <div style="position:absolute;top:200px;left:400px;width:100px;height:40px">tip</div></div></div>${TALL}`,
  async (page) => {
    await page.evaluate(() => s.scrollTo(0, 800));
    await page.mouse.click(424, 216);
    await page.mouse.click(24, 216);
  },
  { moving: [cell(424, 216), cell(24, 1016)] },
);

position(
  "a fixed box inside a transformed one moves with the page",
  `<div style="height:500px"></div><div style="transform:translateX(0);height:100px">
     <div style="position:fixed;top:0;left:0;height:40px;width:100px">not fixed</div></div>${TALL}`,
  async (page) => {
    await scroll(page, 400);
    await page.mouse.click(48, 120);
  },
  { moving: [cell(48, 520)] },
);

position(
  "a dialog in the top layer is where the window is",
  `<dialog id="d" style="width:400px;height:200px">sure?</dialog>${TALL}<script>d.showModal()</script>`,
  async (page) => {
    await scroll(page, 700);
    await page.mouse.click(640, 400);
  },
  { fixed: [cell(640, 400)] },
);

position(
  "a page from right to left counts from its left end",
  `<script>document.documentElement.dir = "rtl"</script><div style="width:2000px;height:3000px">نص</div>`,
  async (page) => {
    // Without scrolling the right end is in sight: 1280 of 2000 px.
    await page.mouse.click(104, 104);
    await scroll(page, 400, -320);
    await page.mouse.click(104, 104);
  },
  { moving: [cell(104 + 720, 104), cell(104 + 400, 504)] },
);

const FRAME = `<div style="height:200px"></div>
  <iframe id="f" style="margin-left:100px;border:5px solid;padding:11px;width:300px;height:240px"
    srcdoc="<body style='margin:0'><div style='height:2000px'>inside</div>
    <div style='position:fixed;right:0;bottom:0;height:40px;width:100px'>badge</div></body>"></iframe>${TALL}`;

position(
  "a frame of the same origin is part of the page around it, scrolled or not",
  FRAME,
  async (page) => {
    await page.waitForFunction(() => f.contentWindow.document.body?.firstElementChild);
    await page.evaluate(() => f.contentWindow.scrollTo(0, 320));
    await scroll(page, 80);
    // 100 + 5 + 11 from the left, 200 + 5 + 11 - 80 from the top is the corner of the frame's window.
    await page.mouse.click(116 + 40, 136 + 40);
    // Fixed in the frame: there it does not scroll, but with the page it does.
    await page.mouse.click(116 + 280, 136 + 224);
  },
  { moving: [cell(156, 216 + 40 + 320), cell(116 + 280, 216 + 224)] },
);

position(
  "a frame that comes later, and one that navigates, are counted too",
  `<div id="box" style="position:absolute;top:80px;left:80px"></div>${TALL}`,
  async (page) => {
    for (const text of ["one", "two"]) {
      await page.evaluate((text) => {
        box.innerHTML ||= `<iframe style="border:0;width:200px;height:200px"></iframe>`;
        return new Promise((loaded) => {
          box.firstChild.onload = loaded;
          box.firstChild.srcdoc = `<p>${text}</p>`;
        });
      }, text);
      await page.mouse.click(120, 120);
    }
  },
  { moving: [cell(120, 120, 2)] },
);

position(
  "a frame that is fixed is where the window is, and one that is marked is left out",
  `<iframe style="position:fixed;left:400px;top:40px;border:0;width:200px;height:200px"
     srcdoc="<body style='margin:0'><div style='height:2000px'>chat</div>"></iframe>
   <iframe data-heatgrid-ignore style="position:absolute;left:0;top:900px;border:0;width:200px;height:200px"
     srcdoc="<body>private</body>"></iframe>${TALL}`,
  async (page) => {
    await page.waitForFunction(() => [...document.querySelectorAll("iframe")].every((frame) => frame.contentDocument.body?.textContent));
    await page.evaluate(() => frames[0].scrollTo(0, 160));
    await scroll(page, 800);
    await page.mouse.click(424, 104);
    await page.mouse.click(104, 150);
    await page.mouse.click(304, 150);
  },
  // Fixed: by the place in the window, and what the frame itself has scrolled is added as in any container.
  { moving: [cell(304, 950)], fixed: [cell(424, 104 + 160)] },
);

test("a frame of another origin is left alone", async (world) => {
  world.sites.put("/foreign", "<p>foreign</p>");
  await visiting(
    world,
    `<iframe style="border:0;position:absolute;left:0;top:0;width:400px;height:300px" src="http://other.test:${world.sites.port}/foreign"></iframe>`,
    async (page) => {
      await page.frames()[1].waitForLoadState();
      await page.mouse.click(40, 40);
      await page.mouse.click(600, 40);
    },
    (visitor) => visitor.expect("click", [cell(600, 40)]),
  );
});

position(
  "what is in a shadow tree is where it is shown: in a scroll container, in a fixed host, in a slot",
  `<div id="a" style="position:absolute;top:100px"></div>
   <div id="b" style="position:fixed;top:40px;left:600px;width:200px;height:80px"></div>
   <div id="c" style="position:absolute;top:400px;left:600px"><u style="display:block;height:50px">slotted</u></div>${TALL}
   <script>
     a.attachShadow({ mode: "open" }).innerHTML =
       "<div id=s style='overflow:auto;height:200px;width:300px'><div style='height:900px'>deep</div></div>";
     b.attachShadow({ mode: "open" }).innerHTML = "<button style='width:100px;height:60px'>in</button>";
     c.attachShadow({ mode: "open" }).innerHTML =
       "<section id=s style='overflow:auto;height:100px'><div style='height:300px'></div><slot></slot></section>";
   </script>`,
  async (page) => {
    await page.evaluate(() => {
      a.shadowRoot.getElementById("s").scrollTop = 240;
      c.shadowRoot.getElementById("s").scrollTop = 248;
    });
    await scroll(page, 80);
    await page.mouse.click(40, 60);
    await page.mouse.click(624, 56);
    await page.mouse.click(620, 400 - 80 + 64);
  },
  { moving: [cell(40, 60 + 80 + 240), cell(620, 464 + 248)], fixed: [cell(624, 56)] },
);

test("a page that fingers have zoomed in keeps its cells and its width", async (world) => {
  const visitor = await visit(
    world,
    `<meta name="viewport" content="width=device-width"><div style="height:3000px">text</div>
     <div id="t" style="position:absolute;left:240px;top:400px;width:8px;height:8px;background:red"></div>`,
    { context: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } },
  );
  const { page } = visitor;
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Emulation.setPageScaleFactor", { pageScaleFactor: 2 });
  await page.waitForFunction(() => visualViewport.scale == 2);
  await page.evaluate(() => t.addEventListener("pointerup", () => (window.hit = true)));
  await page.touchscreen.tap(244, 404);
  assert.ok(await page.evaluate(() => window.hit), "the target was hit");
  await visitor.leave();
  await visitor.expect("touch", [cell(240, 400)], { device: "mobile" });
  await visitor.close();
});

test("a page that the browser has zoomed keeps its cells, and has the width that it shows", async (world) => {
  // The setting of the menu, 150 %: log(1.5) / log(1.2).
  const profile = await launchProfile({ partition: { default_zoom_level: { x: 2.2239 } } });
  try {
    const visitor = await visit(world, TALL, { browser: profile.context });
    const ratio = await visitor.page.evaluate(() => devicePixelRatio);
    const width = await visitor.page.evaluate(() => innerWidth);
    assert.ok(ratio > 1.4 && width < 900, `zoomed ${ratio} times, ${width} px wide`);
    await scroll(visitor.page, 600);
    await visitor.page.evaluate(() => addEventListener("pointerup", (event) => (window.at = [event.pageX, event.pageY])));
    await visitor.page.mouse.click(300, 300);
    const [x, y] = await visitor.page.evaluate(() => window.at);
    await visitor.leave();
    await visitor.expect("click", [cell(x, y)], { viewport: `${width}-${width}` });
    await visitor.close();
  } finally {
    await profile.close();
  }
});
