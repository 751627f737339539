// Two hubs, each with a device of the same name: another one is chosen with keys alone, and everything is its own.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

export async function scenario(place) {
  const page = await place.open();
  const { origin } = new URL(page.url());
  const choice = page.getByRole("combobox", { name: "Hub" });
  const rows = page.locator(".devices .name");
  await choice.waitFor();
  const [own, second] = await choice.locator("option").allTextContents();
  assert.equal(await choice.inputValue(), own);
  await page.getByRole("link", { name: /^greenhouse/ }).click();
  await page.getByRole("img", { name: /^own from/ }).waitFor();

  // The keyboard: to the header, to the other hub, and on from there.
  await page.keyboard.press("Shift+Tab");
  for (let step = 0; !(await choice.evaluate((select) => select === document.activeElement)); step += 1) {
    assert.ok(step < 40, "the choice is reached");
    await page.keyboard.press("Shift+Tab");
  }
  await page.keyboard.press("ArrowDown");
  await place.until("the other hub's devices", async () => (await rows.allTextContents()).includes("cellar"));
  assert.equal(new URL(page.url()).hash, `#/hub/${encodeURIComponent(second)}/`);
  assert.ok(await choice.evaluate((select) => select === document.activeElement), "it can go on choosing");
  await page.locator('.status[data-link="live"]').waitFor();
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const width of [320, 1280]) {
      await page.setViewportSize({ width, height: 860 });
      await place.picture(page, `hubs-${width}-${scheme}`);
      await place.accessible(page, `a choice of hubs, ${width} px, ${scheme}`);
    }
  }

  // Telemetry, events, twin, calls, messages and files are the other hub's.
  await page.getByRole("link", { name: /^greenhouse/ }).click();
  await page
    .getByRole("img", { name: /from .* lowest/ })
    .first()
    .waitFor();
  assert.equal(await page.getByRole("img", { name: /^own from/ }).count(), 0);
  assert.doesNotMatch(await csv(page), /^enqueuedTime,own/);
  await place.tab(page, "Properties").click();
  const form = page.getByRole("form", { name: "Set Target temperature" }).first();
  await form.getByLabel("New value in °C").fill("23.5");
  await form.getByRole("button", { name: "Set" }).click();
  const property = page.locator(".property", { has: form });
  await place.until("the acknowledgement", async () => (await property.locator("dd").nth(1).textContent()) === "23.5");
  await place.tab(page, "Commands").click();
  await page.getByText("Call any method").click();
  await page.getByLabel("Method", { exact: true }).fill("anything");
  const call = page.locator("details", { hasText: "Call any method" });
  await call.getByRole("button", { name: "Call", exact: true }).click();
  await call.getByText("The device answered with status 200.").waitFor();
  await place.tab(page, "Messages").click();
  await page.getByLabel("Body").fill("hello");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText(/1 waiting for it/).waitFor();
  await place.tab(page, "Events").click();
  await page.getByText("anything answered 200").waitFor();
  await page
    .getByText(/"workingSet":/)
    .first()
    .waitFor();
  await place.tab(page, "Connection").click();
  await page.getByText(new RegExp(`^${second.replaceAll(".", "\\.")}, MQTT`)).waitFor();

  // The address says which hub it is, also when the page is loaded again.
  const there = page.url();
  await page.reload();
  await page.getByRole("heading", { name: "greenhouse" }).waitFor();
  await place.until("the choice", async () => (await choice.inputValue()) === second);
  await page.getByRole("button", { name: "Show connection string" }).click();
  await place.until("its connection string", async () =>
    (await page.getByLabel("Connection string", { exact: true }).inputValue()).startsWith(`HostName=${second}`),
  );
  await page.getByRole("button", { name: "Add device" }).click();
  await page.getByLabel("Device id").fill("made-there");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByRole("heading", { name: "made-there" }).waitFor();
  await choice.selectOption(own);
  await place.until("the own hub's devices", async () => !(await rows.allTextContents()).includes("made-there"));
  await page.getByRole("link", { name: /^greenhouse/ }).click();
  assert.match(await csv(page), /^enqueuedTime,own\r\n/);
  await place.tab(page, "Events").click();
  await page
    .getByText(/"own":/)
    .first()
    .waitFor();
  assert.equal(await page.getByText("anything answered 200").count(), 0);
  await page.goto(there);
  await place.until("the choice", async () => (await choice.inputValue()) === second);
  await page.goBack();
  await place.until("the way back", async () => (await choice.inputValue()) === own);

  // A hub that is not there: said, and another one can be chosen.
  await page.goto(`${origin}/#/hub/nowhere/`);
  await page.getByRole("alert").filter({ hasText: "The emulator has no hub nowhere." }).waitFor();
  await place.accessible(page, "a hub that is not there");
  await choice.selectOption(second);
  await place.until("the devices", async () => (await rows.allTextContents()).includes("cellar"));
  await page.locator('.status[data-link="live"]').waitFor();
}

/** The file that is downloaded of the device in sight. */
async function csv(page) {
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download CSV" }).click();
  return readFile(await (await download).path(), "utf8");
}
