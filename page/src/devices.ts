// The list of devices: in pages, since a thousand rows are too many for eyes and screen readers alike.

import { call, of, told } from "./api.ts";
import { fill, h, newId, setAttribute, setText, type View } from "./dom.ts";
import { ago, shortModel } from "./format.ts";
import { address, parse } from "./route.ts";
import type { Row, Store } from "./store.ts";

/** Devices on a page. */
const PAGE = 50;

type Filter = "all" | "connected" | "offline";

export function list(store: Store): View {
  let filter: Filter = "all";
  let page = 0;
  const searchId = newId();
  const search = h("input", {
    id: searchId,
    type: "search",
    placeholder: "Find",
    autocomplete: "off",
  });
  const filters = h("select", { "aria-label": "Which devices" });
  for (const [value, text] of [
    ["all", "All"],
    ["connected", "Connected"],
    ["offline", "Offline"],
  ] as const) {
    filters.append(h("option", { value, text }));
  }
  const count = h("span", { class: "count" });
  const rows = h("ul", { class: "devices" });
  const empty = h("p", { class: "muted empty", hidden: true });
  const position = h("span", { role: "status" });
  const back = h("button", { type: "button", "aria-label": "Earlier devices", text: "‹" });
  const forth = h("button", { type: "button", "aria-label": "Later devices", text: "›" });
  const pager = h("div", { class: "pager" }, back, position, forth);
  const dialog = addDialog(store);
  const add = h("button", { type: "button", class: "quiet", text: "Add device", on: { click: () => dialog.open() } });
  const items: Item[] = [];

  search.addEventListener("input", () => {
    page = 0;
    store.changed();
  });
  filters.addEventListener("change", () => {
    filter = filters.value as Filter;
    page = 0;
    store.changed();
  });
  back.addEventListener("click", () => {
    page -= 1;
    store.changed();
  });
  forth.addEventListener("click", () => {
    page += 1;
    store.changed();
  });

  const wanted = (): Row[] => {
    const text = search.value.trim().toLowerCase();
    const found: Row[] = [];
    for (const id of store.ids) {
      const row = store.devices.get(id);
      if (!row || (filter === "connected" && !row.connected) || (filter === "offline" && row.connected)) continue;
      if (text && !id.toLowerCase().includes(text) && !row.model.toLowerCase().includes(text)) continue;
      found.push(row);
    }
    return found;
  };

  return {
    element: h(
      "section",
      { class: "list" },
      h("div", { class: "head" }, h("h2", {}, "Devices ", count), add),
      h(
        "div",
        { class: "find" },
        h("label", { for: searchId, class: "hidden", text: "Find a device or model" }),
        search,
        filters,
      ),
      rows,
      empty,
      pager,
      dialog.element,
    ),
    update() {
      const found = wanted();
      const last = Math.max(0, Math.ceil(found.length / PAGE) - 1);
      page = Math.min(Math.max(0, page), last);
      const shown = found.slice(page * PAGE, (page + 1) * PAGE);
      while (items.length < shown.length) {
        const item = new Item();
        items.push(item);
        rows.append(item.element);
      }
      for (const item of items.splice(shown.length)) item.element.remove();
      const { device } = parse(location.hash);
      const now = store.now();
      for (const [index, row] of shown.entries()) items[index]?.show(store.hub, row, row.id === device, now);
      setText(count, store.listed ? String(store.ids.length) : "");
      empty.hidden = shown.length > 0;
      setText(
        empty,
        !store.listed ? "Asking the emulator…" : store.ids.length === 0 ? "There is no device yet." : "No device fits.",
      );
      pager.hidden = found.length <= PAGE;
      setText(position, `${page * PAGE + 1}–${page * PAGE + shown.length} of ${found.length}`);
      back.disabled = page === 0;
      forth.disabled = page === last;
    },
  };
}

/** A row, used again for another device when the list moves. */
class Item {
  private readonly dot = h("span", { class: "dot" });
  private readonly state = h("span", { class: "hidden" });
  private readonly name = h("span", { class: "name" });
  private readonly detail = h("span", { class: "detail" });
  private readonly link = h("a", {}, this.dot, this.name, this.detail, this.state);
  readonly element = h("li", {}, this.link);

  show(hub: string | null, row: Row, current: boolean, now: number): void {
    const state = !row.enabled ? "disabled" : row.connected ? "connected" : "offline";
    setAttribute(this.link, "href", address({ hub, id: row.id }));
    setAttribute(this.link, "aria-current", current ? "page" : null);
    setAttribute(this.dot, "data-state", state);
    setText(this.state, state === "offline" ? ", not connected" : `, ${state}`);
    setText(this.name, row.id);
    const activity = row.activity === null ? "nothing heard yet" : ago(row.activity, now);
    setText(this.detail, row.model ? `${shortModel(row.model)} · ${activity}` : activity);
  }
}

function addDialog(store: Store): { element: HTMLDialogElement; open(): void } {
  const [inputId, errorId, titleId] = [newId(), newId(), newId()];
  const input = h("input", {
    id: inputId,
    type: "text",
    required: true,
    maxlength: "128",
    autocomplete: "off",
    spellcheck: "false",
  });
  input.setAttribute("aria-describedby", errorId);
  const error = h("p", { class: "error", id: errorId, role: "alert" });
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", { id: titleId, text: "Add a device" }),
    h("p", { class: "muted", text: "It gets keys of its own; its connection string is shown under Connection." }),
    h("div", { class: "field" }, h("label", { for: inputId, text: "Device id" }), input, error),
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", class: "quiet", text: "Cancel", on: { click: () => element.close() } }),
      h("button", { type: "submit", text: "Add" }),
    ),
  );
  const element = h("dialog", { "aria-labelledby": titleId }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const added = { hub: store.hub, id: input.value };
      await call("PUT", of(added));
      element.close();
      location.hash = address(added, "connection");
    } catch (problem) {
      fill(error, told(problem));
      input.focus();
    }
  });
  return {
    element,
    open() {
      input.value = "";
      error.textContent = "";
      element.showModal();
      input.focus();
    },
  };
}
