// Runs one scenario in a real Chromium: `node run.mjs NAME`. The test around it says by environment variables where
// everything is, and is asked for what a browser cannot do by lines: `ASK restart` is answered with one line.
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { Place } from "./place.mjs";

const require = createRequire(`${process.env.PAGE_TOOLS}/`);
const { chromium } = require("playwright-core");
const axe = require("axe-core");

const name = process.argv[2];
const { scenario } = await import(`./scenarios/${name}.mjs`);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const ask = async (what) => {
  process.stdout.write(`ASK ${what}\n`);
  const { value } = await lines.next();
  return value;
};

const pictures = process.env.PAGE_PICTURES;
await mkdir(pictures, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.PAGE_CHROMIUM,
  // Small machines have a small /dev/shm.
  args: ["--disable-dev-shm-usage"],
});
const place = new Place({ browser, axe: axe.source, ask, pictures, link: process.env.PAGE_LINK, name });
try {
  await scenario(place);
  place.verdict();
  process.stdout.write("PASSED\n");
} catch (error) {
  await place.lastPicture();
  process.stdout.write(`FAILED ${error.stack ?? error}\n${place.said.join("\n")}\n`);
  process.exitCode = 1;
} finally {
  await browser.close();
  // The lines are not waited for any more.
  process.stdin.destroy();
}
