// What was done, by its code on the wire (`Kind` of the engine).

export const VIEW = 0;
export const CLICK = 1;
export const RAGE_CLICK = 2;
export const DEAD_CLICK = 3;
export const MOVE = 4;
export const TOUCH = 5;
export const SCROLL = 6;
export const ATTENTION = 7;
export const ATTENTION_END = 8;
export const CONVERSION = 9;
export const CONVERTED_CLICK = 10;
