// The twin: what is asked for beside what the device reports, and how it has answered.

import { type Ack, ack, words } from "./ack.ts";
import { call, of, told } from "./api.ts";
import { fill, h, newId, setAttribute, setText, type View } from "./dom.ts";
import { field, hinted, readJson } from "./form.ts";
import { inline, unit } from "./format.ts";
import { type Component, label, type Property } from "./model.ts";
import type { Store, Twin, Watched } from "./store.ts";

/** Most properties without a model that get a line; the JSON below has all. */
const LINES = 200;

export function properties(store: Store, watched: Watched): View {
  const modelled = h("div", { class: "stack" });
  const note = h("p", { class: "muted", hidden: true });
  const raw = h("pre", { class: "code", tabindex: "0", "aria-label": "The twin as JSON" });
  const lines: Line[] = [];
  const free = new Map<string, Line>();
  let model: Watched["model"] = null;
  let twin: Twin | null = null;
  const build = () => {
    lines.length = 0;
    fill(modelled);
    for (const component of watched.model?.components ?? []) {
      if (component.properties.length === 0) continue;
      const own = component.properties.map((property) => new Line(store, watched, component, property));
      lines.push(...own);
      const title = component.name === null ? label(component) || "Properties" : label(component);
      modelled.append(h("section", { class: "card" }, h("h3", { text: title }), ...own.map((line) => line.element)));
    }
  };
  const rest = () => {
    const known = new Set<string>();
    for (const component of watched.model?.components ?? []) {
      if (component.name !== null) known.add(component.name);
      else for (const property of component.properties) known.add(property.name);
    }
    const { desired = {}, reported = {} } = watched.twin?.properties ?? {};
    const names = new Set([...Object.keys(desired), ...Object.keys(reported)]);
    const wanted = [...names].filter((name) => !name.startsWith("$") && !known.has(name)).slice(0, LINES);
    for (const [name, line] of free) {
      if (wanted.includes(name)) continue;
      line.element.remove();
      free.delete(name);
    }
    for (const name of wanted) {
      if (free.has(name)) continue;
      const line = new Line(store, watched, null, { name, displayName: null, description: null });
      free.set(name, line);
      card.append(line.element);
    }
    card.hidden = wanted.length === 0;
  };
  const card = h("section", { class: "card", hidden: true }, h("h3", { text: "Not in a model" }));
  return {
    element: h(
      "section",
      { class: "properties stack" },
      h("h2", { class: "hidden", text: "Properties" }),
      note,
      modelled,
      card,
      editor(store, watched),
      h("details", { class: "card" }, h("summary", { text: "The whole twin" }), raw),
    ),
    update() {
      note.hidden = watched.model !== null;
      setText(note, modelNote(watched));
      if (model !== watched.model) {
        model = watched.model;
        twin = null;
        build();
      }
      if (twin === watched.twin) return;
      twin = watched.twin;
      rest();
      for (const line of [...lines, ...free.values()]) line.show(twin);
      setText(raw, JSON.stringify(twin, null, 2));
    },
  };
}

/** Why there are no forms. */
export function modelNote(watched: Watched): string {
  if (watched.modelId === "")
    return "This device has announced no model, so there are no forms made for it; JSON does for everything.";
  if (watched.modelError === null) return "Reading the model…";
  return `${watched.modelError} Start the emulator with --models and the folder of your models to have forms.`;
}

/** A property: a line, and for one that can be set a form behind it. */
class Line {
  private readonly desired = h("dd", { class: "code" });
  private readonly reported = h("dd", { class: "code" });
  private readonly state = h("span", { class: "state" });
  private readonly detail = h("p", { class: "muted small" });
  readonly element: HTMLElement;

  constructor(
    private readonly store: Store,
    private readonly watched: Watched,
    private readonly component: Component | null,
    private readonly property: Pick<Property, "name" | "displayName" | "description"> & Partial<Property>,
  ) {
    const symbol = unit(property.unit);
    const sides = h(
      "dl",
      { class: "sides" },
      property.writable !== false && h("div", {}, h("dt", { text: "Desired" }), this.desired),
      h("div", {}, h("dt", { text: "Reported" }), this.reported),
    );
    this.element = h(
      "section",
      { class: "property" },
      h(
        "div",
        { class: "line" },
        h("h4", {}, label(property), symbol && h("span", { class: "muted", text: ` ${symbol}` })),
        this.state,
      ),
      property.displayName !== null && h("code", { class: "muted small", text: property.name }),
      property.description && h("p", { class: "muted small", text: property.description }),
      sides,
      this.detail,
      property.writable && property.schema && this.form(property as Property),
    );
  }

  show(twin: Twin | null): void {
    const { desired, reported } = twin?.properties ?? {};
    const found = ack(desired, reported, this.component?.name ?? null, this.property.name);
    setText(this.desired, found.desired === undefined ? "–" : inline(found.desired));
    setText(this.reported, found.reported === undefined ? "–" : inline(found.reported));
    setText(this.state, words(found));
    setAttribute(this.state, "data-state", found.state);
    setText(this.detail, acknowledgement(found));
    this.detail.hidden = found.code === undefined;
  }

  private form(property: Property): HTMLElement {
    const symbol = unit(property.unit);
    const input = field(property.schema, hinted(`New value${symbol && ` in ${symbol}`}`, null));
    const result = h("p", { class: "result", role: "status" });
    const form = h(
      "form",
      { class: "inline", novalidate: true },
      input.element,
      h("button", { type: "submit", text: "Set" }),
      result,
    );
    form.setAttribute("aria-label", `Set ${label(property)}`);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const read = input.read(true);
      if (typeof read === "string") return;
      const component = this.component?.name ?? null;
      const body = `{"component":${JSON.stringify(component)},"name":${JSON.stringify(property.name)},"value":${read.json}}`;
      try {
        this.watched.answered((await call("PUT", of(this.watched, "property"), body)) as Twin);
        result.className = "result";
        setText(result, "Asked for.");
        this.store.note(`desired ${property.name} = ${read.json}`);
      } catch (error) {
        result.className = "result error";
        setText(result, told(error));
      }
    });
    return form;
  }
}

function acknowledgement(found: Ack): string {
  const version = found.version === undefined ? "" : ` for version ${found.version}`;
  return `The device answered ${found.code}${version}${found.description ? `: ${found.description.slice(0, 500)}` : ""}`;
}

/** Any change of the desired properties, as JSON. */
function editor(store: Store, watched: Watched): HTMLElement {
  const [id, hintId] = [newId(), newId()];
  const input = h("textarea", { id, rows: "4", class: "code", spellcheck: "false", "aria-describedby": hintId });
  input.value = "{\n  \n}";
  const result = h("p", { class: "result", role: "status" });
  const form = h(
    "form",
    { novalidate: true },
    h(
      "div",
      { class: "field" },
      h("label", { for: id, text: "Change of the desired properties" }),
      input,
      h("p", { class: "hint", id: hintId, text: "A JSON object; null takes a property away." }),
    ),
    h("button", { type: "submit", text: "Apply" }),
    result,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const read = readJson(input.value, null);
    const wrong =
      "error" in read
        ? read.error
        : input.value.trim().startsWith("{")
          ? null
          : 'An object is needed, such as {"interval": 5}.';
    if (wrong !== null) {
      result.className = "result error";
      setText(result, wrong);
      return;
    }
    try {
      watched.answered((await call("PATCH", of(watched, "desired"), input.value)) as Twin);
      result.className = "result";
      setText(result, "Applied.");
      store.note(`desired ${inline(JSON.parse(input.value))}`);
    } catch (error) {
      result.className = "result error";
      setText(result, told(error));
    }
  });
  return h("details", { class: "card" }, h("summary", { text: "Change as JSON" }), form);
}
