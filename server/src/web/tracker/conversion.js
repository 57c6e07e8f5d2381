// Converted clicks: the visitor's own browser remembers what was clicked, and tells it when a goal is reached.
//
// Loaded only where a site asks for it and the visitor consents. Nothing here names the visitor. What is remembered
// leaves page by page, each in a request of its own at a random time within an hour or at a later visit, in random
// order, with the sort of device and neither width nor time. So a shop's order log does not tell whose clicks they were.

import { CONVERSION, CONVERTED_CLICK } from "./kinds.js";
import { safely } from "./safe.js";

/** @typedef {import("./place.js").Place} Place */
/** @typedef {[day: number, url: string, device: number, place: Place]} Click */
/** @typedef {[dueMs: number, url: string, device: number, told: Array<[kind: number, ...Place]>]} Parcel */
/** @typedef {{ clicks: Click[], parcels: Parcel[] }} Memory */

const DAY_MS = 864e5;
const KEPT_MS = 30 * DAY_MS;
const SPREAD_MS = 36e5;
// Enough for many pages; the oldest make room.
const CLICKS = 200;
const LOOK_EVERY_MS = 5e3;

/** The device as the narrowest of its windows: mobile, tablet or desktop. @param {number} width */
const deviceOf = (width) => (width < 768 ? 1 : width < 1024 ? 768 : 1024);

/** @template T @param {T[]} list @returns {T[]} the same in random order */
const shuffled = (list) => {
  for (let last = list.length; last > 1; ) {
    const other = Math.floor(Math.random() * last--);
    [list[last], list[other]] = [list[other], list[last]];
  }
  return list;
};

/**
 * Opens the memory of a site.
 * @param {string} name the one the site gave it, in its storage
 * @param {string | undefined} goal path of a goal, in which `*` is any run
 * @param {() => [url: string, width: number]} current page and width of its window
 * @param {typeof import("./outbox.js").add} add
 */
export const open = (name, goal, current, add) => {
  /** @type {() => Memory} what is young enough */
  const recall = () => {
    const now = Date.now();
    /** @type {Memory} */
    const { clicks, parcels } = JSON.parse(localStorage[name] || '{"clicks":[],"parcels":[]}');
    return {
      clicks: clicks.filter(([day]) => now - day * DAY_MS < KEPT_MS),
      parcels: parcels.filter(([dueMs]) => now - dueMs < KEPT_MS),
    };
  };

  /** @type {(memory: Memory) => void} */
  const keep = (memory) =>
    memory.clicks[0] || memory.parcels[0]
      ? (localStorage[name] = JSON.stringify(memory))
      : delete localStorage[name];

  /** Goals reached in this view: one that is named twice is reached once. */
  let reached = new Set();

  /** What was clicked before is to be told. @param {string} [goal] */
  const convert = (goal) => {
    if (reached.has(goal)) return;
    reached.add(goal);
    const [url, width] = current();
    const { clicks, parcels } = recall();
    const dueMs = () => Date.now() + Math.random() * SPREAD_MS;
    /** @type {Record<string, Parcel>} */
    const pages = {};
    for (const [, page, device, place] of shuffled(clicks)) {
      (pages[device + page] ||= [dueMs(), page, device, []])[3].push([CONVERTED_CLICK, ...place]);
    }
    parcels.push(...Object.values(pages), [dueMs(), url, deviceOf(width), [[CONVERSION, 0, 0, 0]]]);
    keep({ clicks: [], parcels: shuffled(parcels) });
  };

  keep(recall());

  // Sends one parcel that is due, and takes it out of the memory first: rather never than twice.
  const sendDue = () => {
    const { clicks, parcels } = recall();
    const due = parcels.findIndex(([dueMs]) => dueMs <= Date.now());
    if (due < 0) return;
    const [[, url, device, told]] = parcels.splice(due, 1);
    keep({ clicks, parcels });
    add(url, device, told, true);
  };
  setInterval(safely(sendDue), LOOK_EVERY_MS);

  return {
    convert,

    /** @param {Place} place */
    remember: ([x, y, fixed]) => {
      const [url, width] = current();
      const { clicks, parcels } = recall();
      // By the cell: nothing finer is ever told.
      clicks.push([Math.floor(Date.now() / DAY_MS), url, deviceOf(width), [x & ~7, y & ~7, fixed]]);
      keep({ clicks: clicks.slice(-CLICKS), parcels });
    },

    /** A view has begun; its address may be a goal. */
    viewed: () => {
      reached = new Set();
      const parts = goal && goal.split("*").map((part) => part.replace(/\W/g, "\\$&"));
      if (parts && RegExp(`^${parts.join(".*")}$`).test(new URL(current()[0]).pathname)) convert(goal);
    },
  };
};
