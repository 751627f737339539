// The thermostat, run by `setpoint run` against `setpoint emulator`: seen, set, called, downloaded.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

export async function scenario(place) {
  const page = await place.open();
  assert.equal(new URL(page.url()).hash, "", "the key does not stay in the address");
  await page.getByRole("link", { name: /my-pnp-device.*connected/ }).click();
  await page.getByRole("heading", { name: "my-pnp-device" }).waitFor();
  await page.getByText("Thermostat · dtmi:com:example:Thermostat;1").waitFor();

  // Telemetry on the plot: its values in words, and a line in its colour.
  const plot = page.getByRole("img", { name: /^Temperature from .* lowest .* °C/ });
  await plot.waitFor();
  const value = page.locator(".plot .value");
  await place.until("a temperature", async () => Number.isFinite(Number(await value.textContent())));
  await place.until("a line", () => plot.evaluate(painted));
  await place.picture(page, "thermostat-telemetry");

  // Paused, the plot stands still while values come.
  const any = page.getByRole("img", { name: /^Temperature from/ });
  const seen = async () =>
    (await any.getAttribute("aria-label"))
      .match(/from (\S+) to (\S+):/)
      .slice(1)
      .join();
  const another = async () => {
    const before = await value.textContent();
    await place.until("another value", async () => (await value.textContent()) !== before);
  };
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Live" }).waitFor();
  // A value is written with its plot: what is seen with the next one was drawn after the pause began.
  await another();
  const still = await seen();
  await another();
  assert.equal(await seen(), still);
  await page.getByRole("button", { name: "Closer" }).click();
  await place.until("a closer look", async () => (await seen()) !== still);
  const closer = await seen();
  const box = await any.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + 80);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 + 150, box.y + 80, { steps: 4 });
  await page.mouse.up();
  await place.until("an earlier time", async () => (await seen()) !== closer);
  await page.getByRole("button", { name: "Live" }).click();
  await page.getByRole("button", { name: "Pause" }).waitFor();

  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download CSV" }).click();
  const file = await download;
  assert.equal(file.suggestedFilename(), "my-pnp-device-telemetry.csv");
  const lines = (await readFile(await file.path(), "utf8")).trim().split("\r\n");
  assert.equal(lines[0], "enqueuedTime,temperature");
  assert.match(lines[1], /^\d{4}-\d\d-\d\dT[\d:.]+Z,-?[\d.]+$/);

  // A property is held against the model, set, and acknowledged.
  await place.tab(page, "Properties").click();
  const form = page.getByRole("form", { name: "Set Target temperature" });
  const input = form.getByLabel("New value in °C");
  await input.fill("warm");
  await form.getByRole("button", { name: "Set" }).click();
  await form.getByText("A number is needed, such as 21.5.").waitFor();
  await input.fill("42.5");
  await form.getByRole("button", { name: "Set" }).click();
  const property = page.locator(".property", { has: form });
  await property.locator('.state[data-state="accepted"]').waitFor();
  await property.getByText(/The device answered 200 for version \d+/).waitFor();
  assert.deepEqual(await property.locator("dd").allTextContents(), ["42.5", "42.5"]);
  await place.picture(page, "thermostat-properties");

  // A command: refused with nonsense, answered without.
  await place.tab(page, "Commands").click();
  const command = page.getByRole("form", { name: /Report of highest/ });
  await command.getByLabel("Since").fill("yesterday");
  await command.getByRole("button", { name: "Call" }).click();
  await command.getByText("A date and time is needed").waitFor();
  await command.getByLabel("Since").fill("");
  await command.getByRole("button", { name: "Call" }).click();
  await command.getByText("The device answered with status 200.").waitFor();
  const answer = JSON.parse(await command.locator(".answer").textContent());
  assert.deepEqual(Object.keys(answer).sort(), ["avgTemp", "endTime", "maxTemp", "minTemp", "startTime"]);
  await place.picture(page, "thermostat-commands");

  // A message, which the device takes.
  await place.tab(page, "Messages").click();
  await page.getByLabel("Body").fill("hello");
  await page.getByRole("button", { name: "Add property" }).click();
  await page.getByLabel("Name of property 1").fill("colour");
  await page.getByLabel("Value of property 1").fill("red & blue");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText("Sent.").waitFor();
  await page.getByText("No message waits for this device.").waitFor();

  // All of it is in the events, and the newest is open to be read.
  await place.tab(page, "Events").click();
  await page
    .getByText(/"targetTemperature":\{"ac":200/)
    .first()
    .waitFor();
  await page.getByText("getMaxMinReport answered 200").waitFor();
  await page.getByLabel("Which events").selectOption("telemetry");
  await page.locator(".events li").first().locator("summary").click();
  await page.locator(".events details[open] pre").getByText('"temperature":').waitFor();
  await place.picture(page, "thermostat-events");
}

/** Whether a plot's canvas has something on it that is neither grid nor empty: the accent's green is stronger than its red. */
function painted(element) {
  const canvas = element.querySelector("canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 200 && data[at + 1] - data[at] > 60) return true;
  return false;
}
