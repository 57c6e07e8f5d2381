// Runs cases one after the other, says how each went, and ends with `N passed, N failed`.

const cases = [];

/** Declares a case; its name is a sentence. @param {string} name @param {(world: object) => Promise<void>} run */
export const test = (name, run) => cases.push({ name, run });

/** @param {object} world @param {string | undefined} filter part of the names to run */
export const runAll = async (world, filter) => {
  let passed = 0;
  let failed = 0;
  for (const { name, run } of cases.filter(({ name }) => !filter || name.includes(filter))) {
    const begin = Date.now();
    try {
      await run(world);
      passed++;
      console.log(`ok    ${name} (${Date.now() - begin} ms)`);
    } catch (error) {
      failed++;
      console.log(`FAIL  ${name} (${Date.now() - begin} ms)\n${String(error.stack ?? error).replace(/^/gm, "      ")}`);
    }
  }
  return { passed, failed };
};
