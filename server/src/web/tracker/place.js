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
  let page = target.ownerDocument;
  if (isKey(target)) return;
  for (let node = target; node; node = around(node)) {
    if (node.tagName) {
      if (node.matches(IGNORED)) return;
      if (isFixed || node == page.scrollingElement) continue;
      const style = getComputedStyle(node);
      const { position } = style;
      isLoose &&= position == "static" && style.transform == "none";
      if (
        !isLoose &&
        // Asked first: how far something has scrolled costs more than whether it can.
        /auto|scroll|hidden/.test(style.overflow) &&
        // The overflow of the body is the window's, unless the root has one of its own.
        (node != page.body || getComputedStyle(page.documentElement).overflow != "visible")
      ) {
        x += node.scrollLeft;
        if (!sticky || !isHeld(sticky, node.getBoundingClientRect().top + node.clientTop, node)) y += node.scrollTop;
        sticky = undefined;
      }
      if (position == "sticky") sticky ||= node;
      // A fixed box inside a transformed one is an absolute one there, and has an offset parent.
      isFixed = position == "fixed" && !node.offsetParent;
      isLoose ||= position == "fixed" || position == "absolute";
    } else {
      roots?.push(node);
      const { body, documentElement: root, defaultView: view } = node;
      if (!view) continue;
      if (!isFixed) {
        // Where text runs from right to left the window starts at the right end, and counts down from 0.
        x += windowX + (getComputedStyle(body).direction == "rtl" ? root.scrollWidth - root.clientWidth : 0);
        isFixed = sticky && isHeld(sticky, 0, root);
        if (!isFixed) y += windowY;
      }
      if (view == window) break;
      // On in the document around the frame, whose origin is the same: else nothing would listen here.
      node = view.frameElement;
      page = node.ownerDocument;
      const box = node.getBoundingClientRect();
      const style = getComputedStyle(node);
      x += box.left + node.clientLeft + parseFloat(style.paddingLeft);
      y += box.top + node.clientTop + parseFloat(style.paddingTop);
      windowX = view.parent.scrollX;
      windowY = view.parent.scrollY;
      isFixed = isLoose = sticky = undefined;
    }
  }
  return [x, y, isFixed ? 1 : 0];
};
