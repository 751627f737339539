// Nobody touches the mouse: a device is added, found, set, called and deleted with keys alone.
import assert from "node:assert/strict";

export async function scenario(place) {
  const page = await place.open();
  const press = (key) => page.keyboard.press(key);
  /** Goes on with Tab until the element in focus is this one; it must be seen where the focus is. */
  const reach = async (role, name) => {
    const wanted = page.getByRole(role, { name });
    await wanted.first().waitFor();
    for (let step = 0; step < 80; step += 1) {
      await press("Tab");
      if (!(await wanted.evaluateAll((all) => all.includes(document.activeElement)))) continue;
      const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
      assert.notEqual(outline, "none", `${role} ${name} shows that it has the focus`);
      return;
    }
    throw new Error(`${role} ${name} is not reached with Tab`);
  };

  await reach("link", "Skip to the device");
  await reach("button", "Add device");
  await press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.type("made by keys!");
  await press("Enter");
  // A space is no part of an id: said, and put right.
  await page.getByRole("alert").filter({ hasText: "is not a device or module id" }).waitFor();
  await press("Control+A");
  await page.keyboard.type("made-by-keys");
  await press("Enter");
  await page.getByRole("heading", { name: "made-by-keys" }).waitFor();
  await reach("button", "Show connection string");
  await press("Enter");
  await place.until("the connection string", () =>
    page.evaluate(() => /^HostName=.*;DeviceId=made-by-keys;SharedAccessKey=/.test(document.activeElement.value)),
  );
  await reach("button", "Delete device…");
  await press("Enter");
  const dialog = page.getByRole("dialog", { name: "Delete this device?" });
  await dialog.waitFor();
  await press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await press("Enter");
  await dialog.waitFor();
  await reach("button", "Delete");
  await press("Enter");
  await page.getByRole("heading", { name: "Devices", level: 1 }).waitFor();
  await page.getByRole("link", { name: /made-by-keys/ }).waitFor({ state: "detached" });

  // The plot of another one is moved, and its property set.
  await reach("searchbox", "Find a device or model");
  await page.keyboard.type("green");
  await reach("link", /greenhouse/);
  await press("Enter");
  await page.getByRole("heading", { name: "greenhouse" }).waitFor();
  await reach("img", /from .* to/);
  /** How many seconds are in sight. */
  const seconds = () =>
    page.evaluate(() => {
      const times = [...document.activeElement.getAttribute("aria-label").matchAll(/(\d\d):(\d\d):(\d\d)/g)];
      const [from, to] = times.map(([, hours, minutes, seconds]) => 3600 * hours + 60 * minutes + 1 * seconds);
      return (to - from + 86_400) % 86_400;
    });
  await press("ArrowLeft");
  await page.getByRole("button", { name: "Live" }).waitFor();
  const before = await seconds();
  await press("+");
  await place.until("a closer look", async () => (await seconds()) < before * 0.7);
  await press("-");
  await place.until("more of it", async () => (await seconds()) > before * 0.7);
  await press("Space");
  await page.getByRole("button", { name: "Pause" }).waitFor();
  await press("Space");
  await page.getByRole("button", { name: "Live" }).waitFor();
  await press("End");
  await page.getByRole("button", { name: "Pause" }).waitFor();
  await press("Shift+Tab");
  await page.evaluate(() => scrollTo(0, 0));
  await page.getByRole("navigation", { name: "Views of the device" }).waitFor();
  await page.getByRole("link", { name: "Skip to the device" }).focus();
  await press("Enter");
  await reach("link", "Properties");
  await press("Enter");
  await reach("textbox", "New value in °C");
  await page.keyboard.type("23.5");
  await press("Enter");
  const form = page.getByRole("form", { name: "Set Target temperature" }).first();
  await form.getByText("Asked for.").waitFor();
  const property = page.locator(".property", { has: form });
  await place.until("the acknowledgement", async () => (await property.locator("dd").nth(1).textContent()) === "23.5");
}
