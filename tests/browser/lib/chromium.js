// Debian's Chromium, driven by playwright-core.

import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
export const executablePath = PATHS.find(existsSync);

const OPTIONS = {
  executablePath,
  // Playwright's own way of being headless is the same; the flag is there for who reads the list of processes.
  headless: true,
  args: [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // Every host of the tests is this machine, and no other can be reached.
    "--host-resolver-rules=MAP * 127.0.0.1",
    "--ignore-certificate-errors",
    // Like a visitor's browser: the server drops what says that a program drives it.
    "--disable-blink-features=AutomationControlled",
    // And without the word that says it has no window. Emulated, it would be missing from beacons of closed pages.
    "--user-agent=Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
  ],
  ignoreDefaultArgs: ["--enable-automation", "--disable-back-forward-cache"],
};

/** A visitor's window. */
export const CONTEXT = { viewport: { width: 1280, height: 800 } };

export const launch = () => chromium.launch(OPTIONS);

/**
 * A browser with a profile of its own, whose settings are `preferences`: what a visitor can switch on in the menus.
 * @param {object} preferences
 */
export const launchProfile = async (preferences) => {
  const directory = await mkdtemp(join(tmpdir(), "heatgrid-profile-"));
  await mkdir(join(directory, "Default"));
  await writeFile(join(directory, "Default", "Preferences"), JSON.stringify(preferences));
  const context = await chromium.launchPersistentContext(directory, { ...OPTIONS, ...CONTEXT });
  return {
    context,
    close: async () => {
      await context.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
};
