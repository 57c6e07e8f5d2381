// On-screen key pads: a click on one tells what is typed, so it is not measured.
//
// A pad is recognised by what it must have: within a few levels around the key some ten different keys with a 0 among
// them, or most letters of an alphabet. Paginations and calendars have no 0, and are not taken for one.

import { around } from "./place.js";

// Key, what is in it, row and pad.
const LEVELS = 4;
const DIGITS = 9;
const LETTERS = 20;
// `7`, `q`, and `7 PQRS` as on telephones.
const KEY = /^\s*(\d\s*\p{L}{0,4}|\p{L})\s*$/u;

/** @param {any} node @returns {string} the character on a key, or nothing */
const keyOf = (node) => {
  // Keys are small; the text of what is large is not even put together.
  const key = node.childElementCount < 4 && KEY.exec(node.value || node.textContent);
  return key ? key[1][0] : "";
};

/**
 * Whether an element is a key of an on-screen key pad.
 * @param {any} target
 */
export const isKey = (target) => {
  if (keyOf(target)) {
    let node = target;
    for (let level = 0; level < LEVELS && node; level++) {
      const keys = new Set(Array.from(node.querySelectorAll("*"), keyOf));
      if (keys.size > (keys.has("0") ? DIGITS : LETTERS)) return true;
      node = around(node);
    }
  }
  return false;
};
