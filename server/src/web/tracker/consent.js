// Whether the visitor may be counted. The browser's signals and the visitor's own no override all that a site says.

import { safely } from "./safe.js";

// The only thing that is kept without consent, because the visitor wishes it: the no.
const OPTED_OUT = "heatgrid-opt-out";

/**
 * Whether anything stands against counting: Do Not Track, Global Privacy Control, or the visitor's no. Throws where the
 * browser blocks storage: who cannot say a lasting no is not counted either.
 */
export const objects = () =>
  /** @type {any} */ (navigator).doNotTrack == 1 || navigator.globalPrivacyControl || localStorage[OPTED_OUT];

/** Keeps the visitor's no for this site. Throws where the browser blocks storage. */
export const keepObjection = () => (localStorage[OPTED_OUT] = "1");

/** Takes what was kept out of the site's storage. @param {string} [name] by itself, the visitor's no */
export const forget = safely((name = OPTED_OUT) => delete localStorage[name]);
