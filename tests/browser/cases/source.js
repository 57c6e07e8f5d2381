// The minified files stand in the repository, so that nobody needs Node to build the server: they must be what the
// source makes, and small.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import { OUTPUTS, make, standing } from "../lib/build.js";
import { test } from "../lib/runner.js";

for (const output of OUTPUTS) {
  test(`${output.to} is what its source makes`, async () => {
    assert.equal(await standing(output), await make(output), "run `npm run build` in tests/browser");
  });
}

test("the types of the source hold", async () => {
  execFileSync("npm", ["run", "--silent", "types"], { stdio: "inherit" });
});

test("the tracker has at most 3 KiB compressed, 4 KiB with conversions", async () => {
  const [tracker, conversion] = await Promise.all(OUTPUTS.map(standing));
  const size = (text) => gzipSync(text, { level: 9 }).length;
  assert.ok(size(tracker) <= 3 << 10, `${size(tracker)} bytes`);
  assert.ok(size(tracker) + size(conversion) <= 4 << 10, `${size(tracker)} + ${size(conversion)} bytes`);
});
