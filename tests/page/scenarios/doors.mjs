// Who has no link is not let in, and who has it is let in once and for all.
import assert from "node:assert/strict";

export async function scenario(place) {
  const { origin } = new URL(place.link);
  const context = await place.browser.newContext();
  const page = await context.newPage();
  await page.goto(origin);
  await page.getByText("This browser has not been let in.").waitFor();
  assert.equal(await page.locator(".devices li").count(), 0);
  await place.picture(page, "doors-locked");
  await page.goto(`${origin}/#access=wrong`);
  await page.getByText("open the one it printed when it started").waitFor();

  // The link itself lets in, also in a tab that was locked.
  await page.goto(place.link);
  await page.locator('.status[data-link="live"]').waitFor();
  assert.ok(!page.url().includes("access"));
  const [cookie] = await context.cookies(origin);
  assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Strict"]);
  assert.ok(!place.link.includes(cookie.value));
  assert.equal(await page.evaluate(() => document.cookie), "", "no script sees it");
  const second = await context.newPage();
  await second.goto(origin);
  await second.locator('.status[data-link="live"]').waitFor();

  // Text stays text, whoever would have it otherwise.
  const thrown = await page.evaluate(() => {
    try {
      document.body.innerHTML = "<p>";
      return "";
    } catch (error) {
      return error.name;
    }
  });
  assert.equal(thrown, "TypeError");
}
