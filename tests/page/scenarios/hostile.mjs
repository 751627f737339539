// A device that sends what would be markup, a script or too much elsewhere.
import assert from "node:assert/strict";

export async function scenario(place) {
  const page = await place.open();
  const device = await place.ask("device");
  await page.getByRole("link", { name: device }).click();
  await page.getByRole("heading", { name: device, exact: true }).waitFor();
  await place.until("all plots", async () => (await page.locator(".plot").count()) >= 4);
  await page.getByRole("heading", { name: "<img src=x onerror=hacked()>" }).waitFor();
  // The largest numbers there are have a plot with an axis.
  const largest = page.locator(".plot", { hasText: "huge" });
  await largest.getByText(/lowest -1e\+308.*highest 1e\+308/).waitFor();
  await place.fits(page, "plots");
  await place.picture(page, "hostile-telemetry", { fullPage: true });
  for (const tab of ["Properties", "Commands", "Messages", "Events", "Connection"]) {
    await place.tab(page, tab).click();
    await place.fits(page, tab);
  }
  await place.tab(page, "Properties").click();
  await page.getByRole("heading", { name: "<b/onmouseover=hacked()>bold</b>" }).waitFor();
  await place.picture(page, "hostile-properties");
  await place.tab(page, "Events").click();
  await page.locator(".events li").first().waitFor();
  const rows = page.locator(".events details");
  for (let index = 0; index < (await rows.count()); index += 1) await rows.nth(index).locator("summary").click();
  const whole = page.getByRole("button", { name: /^Show all 2\d\d/ }).first();
  await whole.click();
  await place.until("a whole message", async () => {
    const lengths = await page.locator(".events pre").evaluateAll((all) => all.map((one) => one.textContent.length));
    return Math.max(...lengths) > 200_000;
  });
  await place.fits(page, "events");
  await place.picture(page, "hostile-events");
  // Nothing of it became an element, and nothing ran.
  const made = await page.evaluate(() => ({
    elements: document.querySelectorAll("main img, main script, main iframe, main b, main svg, main style").length,
    scripts: document.querySelectorAll("script").length,
    hacked: window.hacked,
    title: document.title,
  }));
  assert.deepEqual(made, { elements: 0, scripts: 1, hacked: undefined, title: `${device} · Setpoint` });
  // And the page is still there for its user.
  await page.getByLabel("Text in events").fill("nothing has this");
  await page.getByText("Nothing yet.").waitFor();
}
