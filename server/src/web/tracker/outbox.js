// What waits to be sent, and how it gets to the server: seldom, small, once, and also when the page is left.

import { safely, soon } from "./safe.js";

/**
 * What happened: kind, x and y in CSS px, fixed, and its age in ms once it is written.
 * @typedef {[kind: number, x: number, y: number, fixed: 0 | 1, age: { toJSON(): number }]} Happening
 */

/**
 * Events that are sent together, as they are written.
 * @typedef {object} Letter
 * @property {string | undefined} key
 * @property {string} id the same when it is sent again, so that it is counted once
 * @property {boolean} bot
 * @property {Array<{ url: string, vw: number, events: Happening[] }>} pages
 */

/**
 * @typedef {object} Batch
 * @property {Letter} letter
 * @property {number} size in bytes at most, once written, but for what is in every batch
 * @property {number} [triedMs] when it was first sent; nothing joins it from then on
 * @property {boolean} [isFlying]
 */

// A batch has 16 KiB at most: several may be in flight when a page is left, which may only send 64 KiB by then. It is
// full below that: what joined it last may still have been a long URL, or a parcel of converted clicks.
const BATCH_BYTES = 1e4;
// `[10,16383,262143,1,86400000],` is as long as an event gets.
const EVENT_BYTES = 30;
// Offline, or while the server is busy: a quarter of a MiB, then the oldest are given up.
const BATCHES = 16;
const SEND_EVERY_MS = 5e3;
const LONGEST_PAUSE_MS = 3e5;
// The server knows a batch again for ten minutes. Later it might count twice what had arrived after all.
const KNOWN_AGAIN_MS = 54e4;

/** @type {Batch[]} */
let batches = [];
let pauseMs = SEND_EVERY_MS;
let pausedUntilMs = 0;
/** @type {URL} */
let endpoint;
/** @type {string | undefined} */
let key;
/** @type {() => void} */
let sendSoon;

/**
 * Says where to send, in whose name, and how often.
 * @param {URL} to
 * @param {string | undefined} site
 * @param {any} seconds between two batches, as the site has written it
 */
export const address = (to, site, seconds) => {
  endpoint = to;
  key = site;
  sendSoon = soon(send, seconds * 1e3 || SEND_EVERY_MS);
};

/** Gives up all that waits. */
export const empty = () => {
  batches = [];
};

/**
 * Adds events of one page to what waits.
 * @param {string} url
 * @param {number} vw width of the window in CSS px
 * @param {Array<[kind: number, x: number, y: number, fixed: 0 | 1]>} what
 * @param {boolean} [isAlone] in a batch of their own
 */
export const add = (url, vw, what, isAlone) => {
  const now = Date.now();
  let batch = batches[batches.length - 1];
  if (!batch || isAlone || batch.triedMs || batch.size > BATCH_BYTES) {
    // 32 digits at random; hexadecimal would do, and be longer to write.
    const id = crypto.getRandomValues(new Uint8Array(32)).map((byte) => byte % 10).join("");
    batch = { letter: { key, id, bot: navigator.webdriver, pages: [] }, size: 0 };
    batches.push(batch);
    if (batches.length > BATCHES) batches.shift();
  }
  const { pages } = batch.letter;
  let page = pages.find((other) => other.url == url && other.vw == vw);
  if (!page) {
    pages.push((page = { url, vw, events: [] }));
    batch.size += url.length;
  }
  for (const event of what) page.events.push([...event, { toJSON: () => Date.now() - now }]);
  // What is alone stays so: full from the start.
  batch.size += isAlone ? BATCH_BYTES : EVENT_BYTES;
  sendSoon();
};

/** Sends the oldest batch, and the next when that has arrived. */
const send = () => {
  const now = Date.now();
  batches = batches.filter(({ triedMs = now }) => now - triedMs < KNOWN_AGAIN_MS);
  const batch = batches[0];
  if (!batch) return;
  sendSoon();
  // What was never tried stays new until the line is back.
  if (batch.isFlying || now < pausedUntilMs || !navigator.onLine) return;
  batch.isFlying = true;
  batch.triedMs ||= now;
  /** @param {Response | void} answer nothing where the server was out of reach */
  const settle = (answer) => {
    batch.isFlying = false;
    // Busy, out of reach, or a key or origin that is not known: waited for longer each time, then given up.
    if (!answer?.ok) {
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      // As long as it asks for, and scattered, so that not every visitor of a busy server comes back at once.
      const askedS = /** @type {any} */ (answer?.headers.get("Retry-After"));
      pausedUntilMs = Date.now() + pauseMs * Math.random() + (askedS * 1e3 || 0);
      return;
    }
    batches = batches.filter((other) => other != batch);
    pauseMs = SEND_EVERY_MS;
    if (batches[1]) send();
  };
  // The cookie must travel, so that an opt-out is seen; text needs no preflight.
  fetch(endpoint, { method: "POST", body: JSON.stringify(batch.letter), keepalive: true, credentials: "include" })
    .catch(() => {})
    .then(safely(settle));
};

/** The page is left, perhaps for good: gives the browser all that waits. What is in flight arrives by itself. */
export const sendNow = () => {
  batches = batches.filter(
    (batch) => batch.isFlying || !navigator.sendBeacon(endpoint, JSON.stringify(batch.letter)),
  );
};
