// A browser before the page, and what the scenarios do with it.
import assert from "node:assert/strict";
import { join } from "node:path";

/** How long anything may take, in milliseconds. Only a failing test waits for it. */
const PATIENCE = 60_000;

export class Place {
  /** What the page's console said, and what went wrong in it. */
  said = [];
  #problems = [];
  #page = null;

  constructor({ browser, axe, ask, pictures, link, name }) {
    Object.assign(this, { browser, axe, ask, pictures, link, name });
  }

  /** Opens the page in a browser of its own. */
  async open({ width = 1280, height = 860, scheme = "light", link = this.link, touch = false } = {}) {
    const context = await this.browser.newContext({
      viewport: { width, height },
      colorScheme: scheme,
      reducedMotion: "reduce",
      acceptDownloads: true,
      hasTouch: touch,
    });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    this.#page = page;
    page.on("console", (message) => {
      this.said.push(`${message.type()}: ${message.text()}`);
      // A refusal that the page shows, and a connection that is being made again, are reported by the browser as well.
      const expected = /Failed to load resource|WebSocket connection to/.test(message.text());
      if (message.type() === "error" && !expected) this.#problems.push(message.text());
    });
    page.on("pageerror", (error) => this.#problems.push(String(error.stack ?? error)));
    page.on("dialog", (dialog) => {
      this.#problems.push(`a dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    await page.goto(link);
    await page.locator('.status[data-link="live"]').waitFor();
    return page;
  }

  /** Nothing may have gone wrong in any page: an error, a dialog, something that the policy kept from happening. */
  verdict() {
    assert.deepEqual(this.#problems, []);
  }

  /** Waits until a condition holds, looking again and again; the value it gives. */
  async until(what, condition) {
    const end = Date.now() + PATIENCE;
    let last;
    while (Date.now() < end) {
      try {
        last = await condition();
        if (last) return last;
      } catch (error) {
        last = error;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${what} did not come: ${last}`);
  }

  /** Keeps a picture of the page. */
  async picture(page, name, options = {}) {
    await page.screenshot({ path: join(this.pictures, `${name}.png`), animations: "disabled", ...options });
  }

  async lastPicture() {
    // A page that is gone cannot be shown.
    await this.#page?.screenshot({ path: join(this.pictures, `failed-${this.name}.png`) }).catch(() => {});
  }

  /** No serious finding of axe, and no sideways scrolling. */
  async accessible(page, what) {
    await page.evaluate(this.axe);
    const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    const shown = found.violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(
        ({ id, impact, nodes }) =>
          `${impact} ${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(" | ")}`,
      );
    assert.deepEqual(shown, [], what);
    assert.ok(found.violations.length < 5, `${what}: ${found.violations.map(({ id }) => id)}`);
    await this.fits(page, what);
  }

  /** Nothing is wider than the window. */
  async fits(page, what) {
    const [content, window] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.clientWidth,
    ]);
    assert.ok(content <= window, `${what}: ${content} px in ${window} px`);
  }

  tab(page, name) {
    return page.getByRole("navigation", { name: "Views of the device" }).getByRole("link", { name, exact: true });
  }
}
