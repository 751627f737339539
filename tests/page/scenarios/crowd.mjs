// A thousand devices, and a hundred messages a second: all of it is shown, and the page answers meanwhile.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** How long the page may be busy at a time, in milliseconds, on a machine that has other work. */
const LONGEST = 1_000;

export async function scenario(place) {
  const page = await place.open();
  await page.evaluate(() => {
    window.stalls = [];
    new PerformanceObserver((list) =>
      window.stalls.push(...list.getEntries().map((entry) => Math.round(entry.duration))),
    ).observe({
      type: "longtask",
      buffered: true,
    });
  });
  await page.locator(".count").getByText("1001", { exact: true }).waitFor();
  await page.getByText("1–50 of 1001").waitFor();
  assert.equal(await page.locator(".devices li").count(), 50);
  await place.picture(page, "crowd-list");
  await page.goto(`${new URL(page.url()).origin}/#/device/busy/telemetry`);
  await page.getByRole("heading", { name: "busy" }).waitFor();
  const messages = Number(await place.ask("begin"));
  const began = Date.now();

  // While they come: pages are turned, names are sought, tabs are opened.
  await page.getByRole("button", { name: "Later devices" }).click();
  await page.getByText("51–100 of 1001").waitFor();
  await page.getByLabel("Find a device or model").fill("device-0777");
  await page.getByRole("link", { name: /device-0777/ }).waitFor();
  assert.equal(await page.locator(".devices li").count(), 1);
  await place.tab(page, "Events").click();
  await page.locator(".events li").nth(20).waitFor();
  await place.tab(page, "Telemetry").click();

  // Every single one was counted: the mean of 0 to n-1 is what it is only if none is missing.
  const mean = (messages - 1) / 2;
  const words = new RegExp(`lowest 0, mean ${String(mean).replace(".", "\\.")}, highest ${messages - 1}$`);
  await page.locator(".plot .below").filter({ hasText: words }).waitFor();
  const took = Date.now() - began;
  await place.picture(page, "crowd-plot");
  await page.getByLabel("Find a device or model").fill("");
  await page.getByText("1–50 of 1001").waitFor();
  // Nobody waited for the page: it was never busy for long, nor for most of the time.
  const stalls = await page.evaluate(() => window.stalls);
  const [longest, sum] = [Math.max(0, ...stalls), stalls.reduce((sum, one) => sum + one, 0)];
  const told = `${messages} messages in ${took} ms, ${stalls.length} tasks above 50 ms: ${sum} ms, the longest ${longest} ms\n`;
  await writeFile(join(place.pictures, "crowd-stalls.txt"), told);
  assert.ok(longest < LONGEST && sum < took / 2, told);
}
