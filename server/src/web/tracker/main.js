// heatgrid's tracker: counts what mouse and fingers do on a page, for heatmaps. It knows no visitor.
//
//   <script async src="https://heat.example/t.js" data-key="eu_..."></script>
//
// What it collects and why: docs/PRIVACY.md. Attributes and functions for sites: docs/TRACKER.md.

import { forget, keepObjection, objects } from "./consent.js";
import { add, address, empty } from "./outbox.js";
import { answered, watchPointers } from "./pointer.js";
import { safely, turn } from "./safe.js";
import { drop, url, watchViews, width } from "./view.js";

const main = () => {
  const tag = /** @type {HTMLScriptElement} */ (document.currentScript);
  // Once a page; and a frame of a page of the same origin is counted with that page.
  if (window.heatgrid || (frameElement && parent.heatgrid)) return;
  const { key, consent, conversion, goal, hash, every } = tag.dataset;
  /** @param {string} name */
  const beside = (name) => new URL(name, tag.src);

  /** What the visitor's browser remembers, once it may. @type {Promise<ReturnType<typeof import("./conversion.js").open>> | null} */
  let memory;
  /** @type {ReturnType<typeof watchViews> | undefined} */
  let arrive;

  /** @param {"viewed" | "remember" | "convert"} name @param {any} [what] */
  const tellMemory = (name, what) => {
    memory?.then((opened) => opened[name](what)).catch(() => {});
  };

  /** Ends everything, and leaves nothing behind. */
  const stop = () => {
    turn(false);
    drop();
    answered();
    empty();
    memory = null;
    if (conversion) forget(conversion);
  };

  /** @param {boolean} hasConsent */
  const start = (hasConsent) => {
    if (objects()) {
      stop();
      return;
    }
    turn(true);
    if (!arrive) {
      watchPointers((place) => tellMemory("remember", place));
      arrive = watchViews(hash != null, () => {
        answered();
        tellMemory("viewed");
      });
    }
    arrive();
    if (hasConsent && conversion && !memory) {
      memory = import(/** @type {any} */ (beside("t-conversion.js"))).then(({ open }) => open(conversion, goal, () => [url, width], add));
      tellMemory("viewed");
    }
  };

  window.heatgrid = {
    optOut: safely(() => {
      stop();
      keepObjection();
    }),
    optIn: safely(() => {
      forget();
      start(true);
    }),
    convert: (goal) => tellMemory("convert", goal),
  };
  address(beside("v1/collect"), key, every);
  if (consent != "wait") start(consent == "granted");
};

safely(main)();
