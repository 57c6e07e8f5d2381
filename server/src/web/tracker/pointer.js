// What mouse, pen and fingers do: clicks, taps, where the mouse rests. No key is ever listened to.
//
// A click is a press of the main button and its release at most 10 px away; a tap is the same with pen or finger. Clicks
// that keys, labels, scripts or assistive software make have no press of a pointer, and are not counted. A finger that
// scrolls, pinches or drags is taken over by the browser or ends elsewhere, and is no tap.
//
// rage_click: from the third on, each click of a run in which every one follows the one before within a second and 30 px.
// dead_click: a click after which, for two seconds, no document or shadow root around its target changed, nothing
//   scrolled, the window kept the focus and the page was not left. Fields, labels, media and canvases, which answer
//   without a change of the document, have none.

import { CLICK, DEAD_CLICK, MOVE, RAGE_CLICK, TOUCH } from "./kinds.js";
import { placeOf } from "./place.js";
import { listen, soon } from "./safe.js";
import { count } from "./view.js";

/** @typedef {import("./place.js").Place} Place */

const CLICK_PX = 10;
const RAGE_PX = 30;
const RAGE_MS = 1e3;
const RAGE_CLICKS = 3;
const DEAD_MS = 2e3;
// The mouse is looked at when it rests, or this often; and so are clicks that may be dead.
const LOOK_MS = 250;
const ANSWERS_UNSEEN = "input,select,textarea,label,audio,video,canvas,[contenteditable]";

/** @type {PointerEvent | null} */
let pressed;
/** Where the mouse is, until it is looked at. @type {[event: PointerEvent, target: any] | null} */
let moved;
/** @type {PointerEvent | undefined} */
let lastClick;
/** Clicks in the run of quick ones. */
let run = 0;
/** Clicks that nothing has answered yet. @type {Array<[place: Place, clickedMs: number]>} */
let dying = [];

/** Something happened: whatever was clicked lately is not dead. */
export const answered = () => {
  dying = [];
  observer.disconnect();
};

const observer = new MutationObserver(answered);

/**
 * Whether `b` came within so many px of `a`.
 * @param {PointerEvent} a
 * @param {PointerEvent} b
 * @param {number} px
 */
const isNear = (a, b, px) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) <= px;

/**
 * @param {PointerEvent} event
 * @param {any} target
 * @param {(place: Place) => void} clicked
 */
const click = (event, target, clicked) => {
  /** @type {Node[]} */
  const roots = [];
  const place = placeOf(event, target, roots);
  if (!place) return;
  count(event.pointerType == "mouse" ? CLICK : TOUCH, place);
  clicked(place);

  run = lastClick && isNear(lastClick, event, RAGE_PX) && event.timeStamp - lastClick.timeStamp < RAGE_MS ? run + 1 : 1;
  lastClick = event;
  if (run >= RAGE_CLICKS) count(RAGE_CLICK, place);

  if (target.closest(ANSWERS_UNSEEN)) return;
  for (const root of roots) {
    observer.observe(root, { subtree: true, childList: true, attributes: true, characterData: true });
  }
  dying.push([place, Date.now()]);
  lookSoon();
};

const look = () => {
  const place = moved && placeOf(...moved);
  moved = null;
  if (place) count(MOVE, place);
  dying = dying.filter(
    ([place, clickedMs]) => Date.now() - clickedMs < DEAD_MS || (document.hasFocus() && count(DEAD_CLICK, place)),
  );
  if (dying[0]) lookSoon();
};

// One timer for all of it: setting one is among the dearest things that a click would do.
const lookSoon = soon(look, LOOK_MS);

/**
 * Counts what pointers do in this window and in the frames of its origin.
 * @param {(place: Place) => void} clicked told of every click and tap
 */
export const watchPointers = (clicked) => {
  // Documents in frames that are watched already.
  const watched = new WeakSet();

  /** @param {any} inner a document */
  const watch = (inner) => {
    listen(inner, {
      pointerdown: (event) => {
        pressed = event.button ? null : event;
      },
      pointerup: (event) => {
        if (pressed?.pointerId == event.pointerId && isNear(/** @type {PointerEvent} */ (pressed), event, CLICK_PX)) {
          click(event, event.composedPath()[0], clicked);
        }
        pressed = null;
      },
      pointermove: (event) => {
        if (event.pointerType != "mouse") return;
        // Only kept: where it is gets worked out later, and not for every step.
        moved = [event, event.composedPath()[0]];
        lookSoon();
      },
      // Frames that are loaded later.
      load: ({ target }) => enter(target),
      scroll: answered,
    });
    inner.querySelectorAll("iframe").forEach(enter);
  };

  /** @param {any} frame */
  const enter = ({ contentWindow: view, contentDocument: inner }) => {
    // A frame of another origin shows no document; one with a tracker of its own counts itself.
    if (inner && !view.heatgrid && !watched.has(inner)) {
      watched.add(inner);
      watch(inner);
    }
  };

  watch(document);
};
