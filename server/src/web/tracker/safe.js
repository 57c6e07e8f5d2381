// What the rest stands on: nothing here may throw into the page, or hold it up.

/**
 * `run`, but errors stay inside.
 * @template {any[]} A
 * @param {(...args: A) => void} run
 * @returns {(...args: A) => void}
 */
export const safely =
  (run) =>
  (...args) => {
    try {
      run(...args);
    } catch {
      // Nobody to tell: the console is the site's.
    }
  };

/**
 * Makes a function that does `run` in a while, once, however often it is called until then.
 * @param {() => void} run
 * @param {number} afterMs
 */
export const soon = (run, afterMs) => {
  let timer = 0;
  return () => {
    timer ||= setTimeout(
      safely(() => {
        timer = 0;
        run();
      }),
      afterMs,
    );
  };
};

let isListening = false;

/** Starts or ends listening. @param {boolean} on */
export const turn = (on) => {
  isListening = on;
};

/**
 * Listens, before the page does, to what the browser itself tells: events that a script made up are not heard.
 * @param {EventTarget} target
 * @param {Record<string, (event: any) => void>} handlers by type of event
 */
export const listen = (target, handlers) => {
  for (const type in handlers) {
    const heard = (/** @type {Event} */ event) => isListening && event.isTrusted && handlers[type](event);
    target.addEventListener(type, safely(heard), true);
  }
};
