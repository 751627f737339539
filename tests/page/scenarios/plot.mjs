// The plots under a mouse, a wheel and two fingers, on a wide and on a narrow screen.
import assert from "node:assert/strict";

/** The beginning and end in sight, in seconds of the day, as the words of a plot have them. */
async function seen(plot) {
  const words = await plot.getAttribute("aria-label");
  return [...words.matchAll(/(\d\d):(\d\d):(\d\d)/g)].slice(0, 2).map(([, h, m, s]) => 3600 * h + 60 * m + 1 * s);
}

const width = ([from, to]) => (to - from + 86_400) % 86_400;

export async function scenario(place) {
  await mouse(place);
  await fingers(place);
}

async function mouse(place) {
  const page = await place.open();
  await page.getByRole("link", { name: /greenhouse/ }).click();
  const plot = page.getByRole("img", { name: /^First thermostat · Temperature from/ });
  await plot.locator("canvas").waitFor();
  assert.equal(await page.locator(".plot").count(), 3, "every number has a plot");

  // It follows the present.
  const [, first] = await seen(plot);
  await place.until("the present to pass", async () => (await seen(plot))[1] > first);

  // The wheel is the page's, until a key is held.
  const box = await plot.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + 80);
  const before = width(await seen(plot));
  await page.mouse.wheel(0, 50);
  await place.until("the page to scroll", () => page.evaluate(() => scrollY > 0));
  assert.ok(Math.abs(width(await seen(plot)) - before) <= 3, "it shows as much as before");
  await page.evaluate(() => scrollTo(0, 0));
  await page.keyboard.down("Control");
  await page.mouse.wheel(0, -600);
  await page.keyboard.up("Control");
  await place.until("a closer look", async () => width(await seen(plot)) < before * 0.7);

  // Drawn to the right, it shows what was before, and stays there; all plots go along.
  const [, present] = await seen(plot);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 + 200, box.y + 80, { steps: 5 });
  await page.mouse.up();
  await page.getByText("Paused; new values are kept").waitFor();
  const other = page.getByRole("img", { name: /^Working set from/ });
  // A slow page draws them a moment after it has said so.
  await place.until("all plots to show what was before", async () => {
    const there = await seen(plot);
    return there[1] < present && String(await seen(other)) === String(there);
  });
  const still = await seen(plot);

  // The value under the pointer is told in place of the latest.
  await page.mouse.move(box.x + box.width * 0.6, box.y + 70);
  const card = page.locator(".plot").first();
  const pointed = /^at \d\d:\d\d:\d\d\.\d{3}$/;
  await card.getByText(pointed).waitFor();
  // It stays there while others come, and goes with the pointer.
  const size = page.locator(".plot .value").last();
  for (let turn = 0; turn < 2; turn += 1) {
    const last = await size.textContent();
    await place.until("another value", async () => (await size.textContent()) !== last);
    assert.match(await card.locator(".below").textContent(), pointed);
  }
  await page.mouse.move(box.x, box.y - 100);
  await card.getByText(/^lowest|^nothing in this time/).waitFor();
  await place.picture(page, "plot-paused");

  await plot.dblclick();
  await page.getByRole("button", { name: "Pause" }).waitFor();
  await page.getByLabel("How much time is shown").selectOption("1 minute");
  await place.until("the present again", async () => (await seen(plot))[1] > still[1]);
  await page.context().close();
}

async function fingers(place) {
  const page = await place.open({ width: 320, height: 640, touch: true });
  await page.getByRole("link", { name: /greenhouse/ }).tap();
  const plot = page.getByRole("img", { name: /^First thermostat · Temperature from/ });
  await plot.locator("canvas").waitFor();
  await plot.scrollIntoViewIfNeeded();
  const { x, y, width: wide } = await plot.boundingBox();
  const screen = await page.context().newCDPSession(page);
  const touch = (type, ...across) =>
    screen.send("Input.dispatchTouchEvent", {
      type,
      touchPoints: across.map((part, id) => ({ id, x: x + wide * part, y: y + 90 })),
    });
  await touch("touchStart", 0.3);
  for (const part of [0.4, 0.5, 0.6, 0.7]) await touch("touchMove", part);
  await touch("touchEnd");
  await page.getByRole("button", { name: "Live" }).waitFor();
  const before = width(await seen(plot));
  await touch("touchStart", 0.45, 0.55);
  for (const part of [0.4, 0.35, 0.3, 0.25]) await touch("touchMove", part, 1 - part);
  await touch("touchEnd");
  await place.until("a closer look", async () => width(await seen(plot)) < before * 0.7);
  await place.fits(page, "pinched");
  await place.picture(page, "plot-narrow");
}
