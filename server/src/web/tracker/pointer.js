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
import { listen, safely, soon } from "./safe.js";
import { count } from "./view.js";

/** @typedef {import("./place.js").Place} Place */

const CLICK_PX = 10;
const RAGE_PX = 30;
const RAGE_MS = 1e3;
const RAGE_CLICKS = 3;
const DEAD_MS = 2e3;
// The mouse is looked at when it rests, or this often.
const MOVE_MS = 250;
const ANSWERS_UNSEEN = "input,select,textarea,label,audio,video,canvas,[contenteditable]";

/** @type {PointerEvent | undefined} */
let pressed;
/** @type {[event: PointerEvent, target: any]} */
let moved;
/** @type {PointerEvent | undefined} */
let lastClick;
/** Clicks in the run of quick ones. */
let run = 0;
/** What counts the clicks as dead that nothing has answered yet. @type {number[]} */
let dying = [];

/** Something happened: whatever was clicked lately is not dead. */
export const answered = () => {
  dying.forEach(clearTimeout);
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
  dying.push(setTimeout(safely(() => document.hasFocus() && count(DEAD_CLICK, place)), DEAD_MS));
};

const lookAtMouse = soon(() => {
  const place = placeOf(...moved);
  if (place) count(MOVE, place);
}, MOVE_MS);

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
        pressed = event.button ? undefined : event;
      },
      pointerup: (event) => {
        if (pressed && pressed.pointerId == event.pointerId && isNear(pressed, event, CLICK_PX)) {
          click(event, event.composedPath()[0], clicked);
        }
        pressed = undefined;
      },
      pointermove: (event) => {
        if (event.pointerType != "mouse") return;
        // Only kept: where it is gets worked out later, and not for every step.
        moved = [event, event.composedPath()[0]];
        lookAtMouse();
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
