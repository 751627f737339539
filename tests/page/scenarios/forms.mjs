// A device whose model has every kind of schema: each form refuses what does not fit, and sets what does.
import assert from "node:assert/strict";

/** A property, what does not fit it, what is said then; what fits it, and what the twin holds then. */
const TYPED = [
  ["level", "1.5", "A whole number is needed.", "100", "100"],
  ["level", "2147483648", "It must be from -2147483648 to 2147483647.", "7", "7"],
  ["total", "9223372036854775808", "It must be from", "4503599627370495", "4503599627370495"],
  ["ratio", "0x10", "A number is needed, such as 21.5.", "-1.50e2", "-150"],
  ["share", "1e39", "This number is too large.", "0.25", "0.25"],
  ["note", null, null, '<b>"text"</b>', '"<b>\\"text\\"</b>"'],
  ["day", "2023-02-29", "A day is needed", "2024-02-29", '"2024-02-29"'],
  ["moment", "2024-02-29 12:00", "A date and time is needed", "2024-02-29T12:00:00Z", '"2024-02-29T12:00:00Z"'],
  ["hour", "25:00:00Z", "A time is needed", "12:30:00Z", '"12:30:00Z"'],
  ["shifts", '{"monday": "late"}', "$.monday is not an integer of 32 bits", '{"monday": 8}', '{"monday":8}'],
  ["steps", "[1, 2.5]", "$[1] is not an integer of 32 bits", "[1, 2]", "[1,2]"],
  ["steps", "1, 2", "This is not JSON.", "[]", "[]"],
  [
    "place",
    '{"type": "Polygon", "coordinates": []}',
    "$ is not a GeoJSON Point",
    '{"type": "Point", "coordinates": [8.5, 47.4]}',
    '{"coordinates":[8.5,47.4],"type":"Point"}',
  ],
];

const CHOSEN = [
  ["on", "true", "true"],
  ["mode", "Busy", "1"],
  ["colour", "blue", '"b"'],
];

export async function scenario(place) {
  const page = await place.open();
  await page.getByRole("link", { name: /workshop/ }).click();
  // Whatever is a number has a plot, also inside; nothing else has.
  await place.until("all plots", async () => (await page.locator(".plot h3").count()) >= 3);
  assert.deepEqual((await page.locator(".plot header code").allTextContents()).filter(Boolean).sort(), [
    "levels[0]",
    "levels[1]",
  ]);
  await page.getByRole("heading", { name: "tank.inner.depth" }).waitFor();
  assert.equal(await page.locator(".plot").count(), 3);

  await place.tab(page, "Properties").click();
  const property = (name) => {
    const form = page.getByRole("form", { name: `Set ${name}`, exact: true });
    const line = page.locator(".property", { has: form });
    return { form, line, set: () => form.getByRole("button", { name: "Set" }).click() };
  };
  const settled = async (name, desired, state = "accepted") => {
    const { line } = property(name);
    await line.locator("dd").first().getByText(desired, { exact: true }).waitFor();
    await line.locator(`.state[data-state="${state}"]`).waitFor();
  };
  for (const [name, wrong, said, right, desired] of TYPED) {
    const { form, line, set } = property(name);
    const input = form.getByRole("textbox");
    if (wrong !== null) {
      const before = await line.locator("dd").first().textContent();
      await input.fill(wrong);
      await set();
      await form.getByRole("alert").getByText(said).waitFor();
      assert.equal(await input.getAttribute("aria-invalid"), "true", name);
      assert.equal(await line.locator("dd").first().textContent(), before, `${name} was not sent`);
    }
    await input.fill(right);
    await set();
    await settled(name, desired);
    assert.equal(await input.getAttribute("aria-invalid"), null, name);
  }
  for (const [name, choice, desired] of CHOSEN) {
    const { form, set } = property(name);
    await set();
    await form.getByText("A value is needed.").waitFor();
    await form.getByRole("combobox").selectOption(choice);
    await set();
    await settled(name, desired);
  }

  // What a model allows and a twin does not is said in the hub's words.
  const total = property("total");
  await total.form.getByRole("textbox").fill("9223372036854775807");
  await total.set();
  await total.form.locator(".result.error").getByText("is outside -4503599627370496..4503599627370495").waitFor();

  // An object: field by field, also within; what may be left out is left out.
  const limits = property("limits");
  await limits.set();
  await limits.form.getByText("A value is needed.").waitFor();
  await limits.form.getByLabel("Highest (required)").fill("90");
  await limits.set();
  await settled("limits", '{"highest":90}');
  await limits.form.getByLabel("Reason").fill("summer");
  await limits.form.getByLabel("Loud").selectOption("true");
  await limits.set();
  await settled("limits", '{"alarm":{"loud":true},"highest":90,"reason":"summer"}');

  // What the device thinks of it is beside it: no, and not yet.
  const level = property("level");
  await level.form.getByRole("textbox").fill("101");
  await level.set();
  await settled("level", "101", "refused");
  await level.line.getByText(/The device answered 400 for version \d+: at most 100/).waitFor();
  assert.deepEqual(await level.line.locator("dd").allTextContents(), ["101", "100"]);
  const pause = property("break");
  await pause.form.getByRole("textbox").fill("five minutes");
  await pause.set();
  await pause.form.getByText("A duration is needed").waitFor();
  await pause.form.getByRole("textbox").fill("PT5M");
  await pause.set();
  await settled("break", '"PT5M"', "underway");
  await place.picture(page, "forms-properties", { fullPage: true });

  // Whatever is in no model: as JSON, and taken away again.
  await page.getByText("Change as JSON").click();
  const json = page.getByLabel("Change of the desired properties");
  await json.fill('{"extra": ');
  await page.getByRole("button", { name: "Apply" }).click();
  await page.getByText("This is not JSON.").waitFor();
  await json.fill('{"extra": {"deep": 1}, "note": null}');
  await page.getByRole("button", { name: "Apply" }).click();
  const extra = page.locator(".property", { has: page.getByRole("heading", { name: "extra" }) });
  await extra.locator('.state[data-state="accepted"]').waitFor();
  await property("note").line.locator('.state[data-state="reported"]').waitFor();

  await commands(place, page);
  await messages(place, page);
}

async function commands(place, page) {
  await place.tab(page, "Commands").click();
  const mix = page.getByRole("form", { name: "Mix", exact: true });
  const call = (form) => form.getByRole("button", { name: "Call" }).click();
  await mix.getByLabel("Minutes").fill("soon");
  await call(mix);
  await mix.getByText("A whole number is needed.").waitFor();
  await mix.getByLabel("Name (required)").fill("dough");
  await mix.getByLabel("Minutes").fill("12");
  await call(mix);
  await mix.getByText("The device answered with status 200.").waitFor();
  assert.equal(await mix.locator(".answer").textContent(), "12");
  // An answer that is not the model's is shown, and said to be none.
  await mix.getByLabel("Minutes").fill("");
  await call(mix);
  await mix.getByText("This is not what the model says").waitFor();
  // A text that is left empty is no payload.
  const say = page.getByRole("form", { name: "Say", exact: true });
  const answer = async (wanted) =>
    place.until(wanted, async () => (await say.locator(".answer").textContent()).includes(wanted));
  await call(say);
  await answer('"nothing"');
  await say.getByLabel("Words").fill("hello");
  await call(say);
  await answer('"hello"');

  await page.getByText("Call any method").click();
  const any = page.locator("details", { hasText: "Call any method" });
  await call(any);
  await any.getByText("A method's name is needed.").waitFor();
  await any.getByLabel("Method").fill("whatever");
  await any.getByLabel("Payload").fill('{"a": [1, null]}');
  await call(any);
  await any.getByText("The device answered with status 200.").waitFor();
  assert.deepEqual(JSON.parse(await any.locator(".answer").textContent()), { took: { a: [1, null] } });
  await any.getByLabel("Method").fill("sulk");
  await any.getByLabel("Seconds to wait for the answer").fill("1");
  await call(any);
  await any.locator(".result.error").getByText("did not answer within the response timeout").waitFor();
  await place.picture(page, "forms-commands", { fullPage: true });
}

async function messages(place, page) {
  await place.tab(page, "Messages").click();
  await page.getByLabel("Body").fill("grüezi");
  await page.getByRole("button", { name: "Add property" }).click();
  await page.getByLabel("Name of property 1").fill("colour");
  await page.getByLabel("Value of property 1").fill("red & blue = ?");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText("Sent.").waitFor();
  await place.tab(page, "Properties").click();
  const heard = page.locator(".property", { has: page.getByRole("heading", { name: "heard" }) });
  await heard.getByText('{"body":"grüezi","colour":"red & blue = ?"}').waitFor();
}
