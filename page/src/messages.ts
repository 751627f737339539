// Messages from the cloud to the device.

import { call, of, told } from "./api.ts";
import { h, newId, setText, type View } from "./dom.ts";
import type { Store, Watched } from "./store.ts";

export function messages(store: Store, watched: Watched): View {
  const bodyId = newId();
  const body = h("textarea", { id: bodyId, rows: "4", class: "code", spellcheck: "false" });
  const rows = h("div", { class: "stack small-gap" });
  const waiting = h("p", { class: "muted", role: "status" });
  const result = h("p", { class: "result", role: "status" });
  const pairs: { name: HTMLInputElement; value: HTMLInputElement }[] = [];
  const addRow = () => {
    const number = pairs.length + 1;
    const name = h("input", {
      type: "text",
      "aria-label": `Name of property ${number}`,
      placeholder: "Name",
      autocomplete: "off",
    });
    const value = h("input", {
      type: "text",
      "aria-label": `Value of property ${number}`,
      placeholder: "Value",
      autocomplete: "off",
    });
    pairs.push({ name, value });
    rows.append(h("div", { class: "pair" }, name, value));
    name.focus();
  };
  const form = h(
    "form",
    { class: "card", novalidate: true, "aria-label": "Send a message to the device" },
    h("h3", { text: "Send a message" }),
    h("div", { class: "field" }, h("label", { for: bodyId, text: "Body" }), body),
    rows,
    h(
      "div",
      { class: "actions start" },
      h("button", { type: "submit", text: "Send" }),
      h("button", { type: "button", class: "quiet", text: "Add property", on: { click: addRow } }),
    ),
    result,
    waiting,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const given = pairs
      .map(({ name, value }) => [name.value, value.value])
      .filter(([name, value]) => name !== "" || value !== "");
    try {
      await call("POST", of(watched, "message"), JSON.stringify({ body: body.value, properties: given }));
      result.className = "result";
      setText(result, "Sent.");
      store.note(body.value, Object.fromEntries(given) as Record<string, string>);
    } catch (error) {
      result.className = "result error";
      setText(result, told(error));
    }
  });
  return {
    element: h("section", { class: "stack" }, h("h2", { class: "hidden", text: "Messages" }), form),
    update() {
      const row = store.devices.get(watched.id);
      const count = row?.waiting ?? 0;
      const state = row?.connected
        ? "the device takes them as it acknowledges them"
        : "the device gets them when it connects";
      setText(waiting, count === 0 ? "No message waits for this device." : `${count} of at most 50 wait: ${state}.`);
    },
  };
}
