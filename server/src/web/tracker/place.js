// Where on the page something is: the same element has the same position, however the page is scrolled.
//
// A position is found by walking from the target up through shadow roots, scroll containers and same-origin frames:
// - what a scroll container has scrolled away is added, so that its content lies on the page as if it were unscrolled;
// - a fixed target, or a sticky one that is held, does not move with the page: its position is the one in the window;
// - what must not be measured (`data-heatgrid-ignore`, passwords, key pads) has no position.

import { isKey } from "./keypad.js";

/**
 * Position in CSS px from the left and top of the page, or of the window if `fixed` is 1.
 * @typedef {[x: number, y: number, fixed: 0 | 1]} Place
 */

const IGNORED = "[data-heatgrid-ignore],[type=password]";

/**
 * The node around a node as it is shown: slot, parent, shadow host.
 * @param {any} node
 * @returns {any}
 */
export const around = (node) => node.assignedSlot || node.parentNode || node.host;

/**
 * Whether a sticky box is held at its edge of what scrolls it; until then it moves like any other.
 * @param {any} sticky
 * @param {number} top of what scrolls it, in the window
 * @param {any} port what scrolls it
 */
const isHeld = (sticky, top, { clientHeight }) => {
  const box = sticky.getBoundingClientRect();
  const style = getComputedStyle(sticky);
  /** @param {number} gap @param {string} wanted `auto` is near nothing */
  const isNear = (gap, wanted) => Math.abs(gap - parseFloat(wanted)) < 1;
  return isNear(box.top - top, style.top) || isNear(top + clientHeight - box.bottom, style.bottom);
};

/**
 * Whether what scrolls in an element is the window, whose part is told by the event.
 * @param {any} node
 */
const isOfWindow = (node) => {
  const { body, documentElement, scrollingElement } = node.ownerDocument;
  // The overflow of the body is the window's, unless the root has one of its own.
  return node == scrollingElement || (node == body && getComputedStyle(documentElement).overflow == "visible");
};

/**
 * The place of a pointer event, or undefined if it must not be measured.
 * @param {PointerEvent} event
 * @param {any} target the innermost element, in shadow trees too
 * @param {Node[]} [roots] filled with the documents and shadow roots around the target
 * @returns {Place | undefined}
 */
export const placeOf = (event, target, roots) => {
  let x = event.clientX;
  let y = event.clientY;
  // Told by the event: asking the window could cost a layout.
  let windowX = event.pageX - x;
  let windowY = event.pageY - y;
  let isFixed;
  // Whether an absolute box was met, and its containing block not yet: what is between does not scroll it.
  let isLoose;
  // A sticky box that was met, until what scrolls it is.
  let sticky;
  let inner;
  let next;
  if (isKey(target)) return;
  for (let node = target; node; inner = node, node = next) {
    next = around(node);
    if (node.tagName) {
      // Once for each tree that the walk comes into: at the target, a slot, a host, a frame.
      if (inner?.parentNode != node && node.closest(IGNORED)) return;
      if (isFixed) continue;
      const style = getComputedStyle(node);
      // Nearly all of what a walk costs are these two, for each level of the page: the rest is asked only where they say so.
      const { position, overflowY } = style;
      isLoose &&= position == "static" && style.transform == "none";
      // One axis tells: a box that scrolls along the other one has neither of these here.
      if (overflowY != "visible" && overflowY != "clip" && !isLoose && !isOfWindow(node)) {
        x += node.scrollLeft;
        if (!sticky || !isHeld(sticky, node.getBoundingClientRect().top + node.clientTop, node)) y += node.scrollTop;
        sticky = null;
      }
      if (position == "sticky") sticky ||= node;
      // A fixed box inside a transformed one is an absolute one there, and has an offset parent.
      isFixed = position == "fixed" && !node.offsetParent;
      // Absolute or fixed: the only ones so early in the alphabet.
      isLoose ||= position < "g";
    } else {
      roots?.push(node);
      const { body, documentElement: root, defaultView: view } = node;
      if (view) {
        if (!isFixed) {
          // Where text runs from right to left the window starts at the right end, and counts down from 0.
          x += windowX + (getComputedStyle(body).direction == "rtl" ? root.scrollWidth - root.clientWidth : 0);
          isFixed = sticky && isHeld(sticky, 0, root);
          if (!isFixed) y += windowY;
        }
        if (view == window) break;
        // On with the frame around the document, whose origin is the same: else nothing would listen here.
        next = view.frameElement;
        const box = next.getBoundingClientRect();
        const style = getComputedStyle(next);
        x += box.left + next.clientLeft + parseFloat(style.paddingLeft);
        y += box.top + next.clientTop + parseFloat(style.paddingTop);
        windowX = view.parent.scrollX;
        windowY = view.parent.scrollY;
        isFixed = isLoose = sticky = null;
      }
    }
  }
  return [x, y, isFixed ? 1 : 0];
};
