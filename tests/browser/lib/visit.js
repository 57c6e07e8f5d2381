// A visitor on a page with the tracker, and what the server has counted of the visit.

import assert from "node:assert/strict";
import { CONTEXT } from "./chromium.js";
import { until } from "./until.js";

export const SITE = "shop";
let visits = 0;

/** The cell of a position. */
export const cell = (x, y, count = 1) => [Math.floor(x / 8), Math.floor(y / 8), count];

/** The line that a site puts into its pages. */
export const tag = (world, attributes = "", key = world.key) =>
  `<script async src="${world.server.origin}/t.js" data-key="${key}" ${attributes}></script>`;

/**
 * Opens a page with the tracker in a browser of its own.
 * @param {object} world
 * @param {string} html what the page shows
 * @param {object} [options] path, attributes of the tag, headers of the page, context (of Playwright), host, prepare
 */
export const visit = async (world, html, options = {}) => {
  const path = options.path ?? `/visit-${++visits}-${"abcdefghij"[visits % 10]}`;
  const url = `http://${options.host ?? "shop.test"}:${world.sites.port}${path}`;
  const head = `<!doctype html><meta charset="utf-8"><style>body{margin:0}</style>`;
  world.sites.put(path.split("#")[0], head + html + tag(world, options.attributes), options.headers);
  const context = options.browser ?? (await world.browser.newContext({ ...CONTEXT, ...options.context }));
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  await options.prepare?.(page, context);
  await page.goto(url);
  if (!options.isSilent) await page.waitForFunction(() => window.heatgrid);

  const visitor = {
    page,
    context,
    url,
    /** Goes elsewhere, as the end of a visit: what waits is sent now. */
    leave: () => page.goto("about:blank"),
    close: async () => {
      if (!options.browser) await context.close();
      else await page.close();
      assert.deepEqual(errors, [], "nothing was thrown into the page");
    },
    /** The page's cells of a kind once they are `expected`. */
    expect: async (kind, expected, query = {}) => {
      const ask = { kind, fixed: "false", ...query };
      const total = expected.reduce((sum, [, , count]) => sum + count, 0);
      const wanted = [...expected].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      let last;
      try {
        last = await until("the count", async () => {
          last = await world.server.grid(SITE, options.page ?? query.page ?? url, ask);
          return last.total >= total && last;
        });
      } catch {
        // Said below, with what is there instead.
      }
      assert.deepEqual(last?.cells, wanted, `${kind} ${JSON.stringify(query)}`);
    },
    /** That nothing of a kind was counted; the view, which is sent first, tells that the rest has come. */
    expectNone: async (...kinds) => {
      await visitor.expectViews(1);
      for (const kind of kinds) await visitor.expect(kind, [], { fixed: "any" });
    },
    expectViews: (count, query) => visitor.expect("view", [[0, 0, count]], query),
  };
  return visitor;
};

/** Runs `act` as a visitor, leaves, and then `check`s what was counted. */
export const visiting = async (world, html, act, check, options = {}) => {
  const visitor = await visit(world, html, options);
  try {
    await act(visitor.page, visitor);
    await visitor.leave();
    await check(visitor);
  } finally {
    await visitor.close();
  }
};
