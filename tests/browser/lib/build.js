// The tracker as browsers get it, made from its source: bundled by esbuild, minified by terser.

import { readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";
import { minify } from "terser";

const web = new URL("../../../server/src/web/", import.meta.url);
const source = new URL("tracker/", web);

/** What is made: source module, file that the server embeds, how it is loaded. */
export const OUTPUTS = [
  { from: "main.js", to: "t.js", format: "iife" },
  { from: "conversion.js", to: "t-conversion.js", format: "esm" },
  { from: "stub.js", to: "t-stub.js", format: "iife" },
];

/** Names of our own that may become shorter: those of a batch that are not written into it. */
const OWN_NAMES = /^(isFlying|triedMs|letter|size)$/;

/** @returns {Promise<string>} the text of one output, made anew */
export const make = async ({ from, format }) => {
  const bundled = await build({
    entryPoints: [new URL(from, source).pathname],
    bundle: true,
    format,
    target: "es2021",
    write: false,
  });
  const made = await minify(bundled.outputFiles[0].text.replace(/^"use strict";\n/, ""), {
    ecma: 2021,
    module: format == "esm",
    compress: {
      passes: 4,
      unsafe: true,
      unsafe_arrows: true,
      unsafe_comps: true,
      unsafe_math: true,
      pure_getters: true,
      keep_fargs: false,
    },
    mangle: { properties: { regex: OWN_NAMES } },
  });
  return made.code + "\n";
};

/** Where an output stands in the repository. */
export const pathOf = ({ to }) => new URL(`assets/${to}`, web);

/** @returns {Promise<string>} what stands there */
export const standing = (output) => readFile(pathOf(output), "utf8");

if (process.argv[1] == new URL(import.meta.url).pathname) {
  for (const output of OUTPUTS) await writeFile(pathOf(output), await make(output));
}
