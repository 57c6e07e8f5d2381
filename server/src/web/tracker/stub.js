// What a visitor who objects gets in the tracker's place: the functions a site calls, doing nothing, and the word that
// another script of the page can ask for.

import { forget } from "./consent.js";

const memory = document.currentScript?.dataset.conversion;
// Clicks that were remembered before the visitor objected.
if (memory) forget(memory);
const nothing = () => {};
window.heatgrid ||= { objects: true, optOut: nothing, optIn: nothing, convert: nothing };
