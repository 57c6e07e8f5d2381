// Views of pages: when one begins and ends, how deep it was scrolled, and where attention rested.

import { ATTENTION, ATTENTION_END, SCROLL, VIEW } from "./kinds.js";
import { add, sendNow } from "./outbox.js";
import { listen, safely, soon } from "./safe.js";

/** @typedef {import("./place.js").Place} Place */

const TICK_MS = 1e3;
// Somebody who reads moves neither mouse nor page for a while; after this long nobody may be there.
const ACTIVE_MS = 3e4;
// Scrolling is looked at this often, and when it has ended: a row that flew past was not reached.
const SETTLE_MS = 150;
// A URL that is longer carries data; the server keeps 1,024 bytes of a page.
const URL_LENGTH = 4096;

export let url = "";
/** Of the window, in CSS px; 0 is unknown. */
export let width = 0;
let isViewing = false;
let isScrollTold = false;
let deepest = 0;
let activeMs = 0;
/** What scrolled last, until it is looked at. @type {any} */
let scrolled;
/** What scrolls the page: the document, or an element where a layout scrolls one instead. @type {any} */
let scroller;

/**
 * Where the address bar says we are. A route in the fragment becomes a part of the path, because the server drops
 * fragments; the query of the page around the routes gives way to it.
 * @param {boolean} hasRoutes
 */
const address = (hasRoutes) =>
  location.href.replace(hasRoutes ? /(\?[^#]*)?#/ : /#.*/, hasRoutes ? "%23" : "").slice(0, URL_LENGTH);

/**
 * Counts something at a place of the page that is viewed.
 * @param {number} kind
 * @param {Place} place
 */
export const count = (kind, place) => {
  // Whatever hand did it is there.
  if (kind < SCROLL) activeMs = Date.now();
  if (isViewing) add(url, width, [/** @type {any} */ ([kind, ...place.map((px) => Math.max(px, 0) | 0)])]);
};

/** @returns {[top: number, bottom: number]} the rows in sight, in px of the page */
const band = () => {
  const { pageTop, height } = /** @type {VisualViewport} */ (visualViewport);
  // The document, or an element that is gone.
  if (!scroller?.clientHeight) return [pageTop, pageTop + height];
  const top = scroller.getBoundingClientRect().top + scrollY + scroller.scrollTop;
  return [top, top + scroller.clientHeight];
};

const settle = () => {
  if (!scrolled) return;
  // A list that scrolls inside the page is not the page: only what fills most of the window, or the document itself,
  // which has no size of its own.
  if (!(scrolled.clientHeight * scrolled.clientWidth * 2 < innerHeight * innerWidth)) scroller = scrolled;
  scrolled = null;
  deepest = Math.max(deepest, band()[1]);
};

const settleSoon = soon(settle, SETTLE_MS);

const measure = () => {
  // While fingers zoom in, some browsers tell the width that is seen: the page has not become narrower.
  if (/** @type {VisualViewport} */ (visualViewport).scale <= 1) width = innerWidth;
};

const tick = () => {
  if (document.hidden || Date.now() - activeMs > ACTIVE_MS) return;
  const [top, bottom] = band();
  count(ATTENTION, [0, top, 0]);
  // Rows that are seen in part are seen: the end is the first row below.
  count(ATTENTION_END, [0, bottom + 7, 0]);
};

/** Tells how deep the view went, once. */
const tellScroll = () => {
  if (isScrollTold) return;
  settle();
  count(SCROLL, [0, deepest - 1, 0]);
  isScrollTold = true;
};

/** Ends the view, without a word: what happens from now on is not counted. */
export const drop = () => {
  isViewing = false;
};

/**
 * Follows the views of this window, once it is told that the visitor has arrived.
 * @param {boolean} hasRoutes whether fragments are routes
 * @param {() => void} viewed told when a view begins
 * @returns {() => void} tells it
 */
export const watchViews = (hasRoutes, viewed) => {
  const begin = () => {
    measure();
    isViewing = true;
    isScrollTold = false;
    url = address(hasRoutes);
    deepest = innerHeight;
    count(VIEW, [0, 0, 0]);
    viewed();
  };
  const arrive = () => {
    if (isViewing || document.hidden) return;
    begin();
    scrolled ||= document;
    settleSoon();
  };
  /** The address may have changed. @param {boolean} [isReplaced] */
  const navigated = (isReplaced) => {
    const next = address(hasRoutes);
    if (!isViewing || next == url) return;
    if (isReplaced && next.split("?")[0] == url.split("?")[0]) {
      // A filter or a tab that is written into the query: still the same view.
      url = next;
    } else {
      tellScroll();
      // Where the old page was scrolled to says nothing of the new one.
      begin();
    }
  };
  // Where windows are closed by a gesture, a hidden one may never be heard of again.
  const mayVanish = !matchMedia("(hover)").matches;

  // There is no event for these.
  for (const name of /** @type {const} */ (["pushState", "replaceState"])) {
    const original = history[name];
    history[name] = function (...state) {
      original.apply(this, state);
      safely(navigated)(name == "replaceState");
    };
  }
  listen(window, {
    popstate: () => {
      // By now the browser may have scrolled to where the other page was left.
      scrolled = null;
      navigated();
    },
    scroll: ({ target }) => {
      scrolled = target;
      activeMs = Date.now();
      settleSoon();
    },
    resize: measure,
    pagehide: () => {
      tellScroll();
      sendNow();
      drop();
    },
    // Also when it comes back out of the browser's memory of left pages.
    pageshow: arrive,
    visibilitychange: () => {
      if (!document.hidden) return arrive();
      if (mayVanish) tellScroll();
      sendNow();
    },
  });
  setInterval(safely(tick), TICK_MS);
  return arrive;
};
