// The emulator is killed and started again under an open page.
import assert from "node:assert/strict";

export async function scenario(place) {
  const page = await place.open();
  await page.getByRole("link", { name: /my-pnp-device/ }).click();
  const plot = page.locator(".plot .canvas");
  await plot.waitFor();
  await place.ask("kill");
  const banner = page.getByRole("alert").filter({ hasText: "The emulator does not answer." });
  await banner.waitFor();
  assert.equal(await page.locator(".status").textContent(), "Not connected");
  await place.picture(page, "restart-away");
  // What was asked for meanwhile is refused in words.
  await place.tab(page, "Messages").click();
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText("The emulator does not answer. Is it running?").waitFor();

  await place.ask("start");
  await page.locator('.status[data-link="live"]').waitFor();
  await banner.waitFor({ state: "hidden" });
  // The device comes back, and its telemetry with it; nobody had to open the link again.
  await page.locator('.chip[data-state="connected"]').waitFor();
  await place.tab(page, "Events").click();
  await page.getByLabel("Which events").selectOption("connection");
  await page.locator(".events li", { hasText: "connected" }).first().waitFor();
  await page.getByLabel("Which events").selectOption("telemetry");
  const newest = () => page.locator(".events li time").first().getAttribute("datetime");
  const before = await place.until("telemetry", newest);
  await place.until("more telemetry", async () => (await newest()) > before);
}
