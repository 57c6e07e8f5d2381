// Waiting for what must come, by looking again; never for a fixed time.

const LOOK_MS = 25;
const LONGEST_MS = 10_000;

/**
 * Looks until `look` finds something, and gives it.
 * @template T
 * @param {string} what for the message when it does not come
 * @param {() => T | Promise<T>} look
 * @param {number} [longestMs] that it may take
 * @returns {Promise<T>}
 */
export const until = async (what, look, longestMs = LONGEST_MS) => {
  const end = Date.now() + longestMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
};
