// One device: what it is, and the tabs.

import { commands } from "./commands.ts";
import { connection } from "./connection.ts";
import { fill, h, setAttribute, setText, type View } from "./dom.ts";
import { events } from "./events.ts";
import { ago } from "./format.ts";
import { messages } from "./messages.ts";
import { properties } from "./properties.ts";
import { address, home, TABS, type Tab } from "./route.ts";
import type { Store, Watched } from "./store.ts";
import { telemetry } from "./telemetry.ts";

const NAMES: Record<Tab, string> = {
  telemetry: "Telemetry",
  properties: "Properties",
  commands: "Commands",
  messages: "Messages",
  events: "Events",
  connection: "Connection",
};

const VIEWS: Record<Tab, (store: Store, watched: Watched) => View> = {
  telemetry,
  properties,
  commands,
  messages,
  events,
  connection,
};

export function device(store: Store, watched: Watched, tab: Tab): View {
  const { id } = watched;
  const chip = h("span", { class: "chip" });
  const model = h("span", { class: "model" });
  const activity = h("span", { class: "muted" });
  const tabs = h("nav", { class: "tabs", "aria-label": "Views of the device" });
  for (const name of TABS) {
    const link = h("a", { href: address(watched, name), text: NAMES[name] });
    if (name === tab) link.setAttribute("aria-current", "page");
    tabs.append(link);
  }
  const gone = h("p", {
    class: "notice",
    role: "status",
    hidden: true,
    text: "The emulator has no device of this name.",
  });
  const body = h("div", { class: "body" });
  const element = h(
    "article",
    {},
    h("a", { class: "back", href: home(watched.hub), text: "‹ All devices" }),
    h("div", { class: "title" }, h("h1", { text: id }), chip),
    h("p", { class: "about" }, model, activity),
    gone,
    tabs,
    body,
  );
  const view = VIEWS[tab](store, watched);
  fill(body, view.element);
  return {
    element,
    update() {
      const row = store.devices.get(id);
      const missing = store.listed && !row;
      gone.hidden = !missing;
      chip.hidden = !row;
      if (row) {
        const state = !row.enabled ? "disabled" : row.connected ? "connected" : "offline";
        setAttribute(chip, "data-state", state);
        setText(chip, state === "offline" ? "not connected" : state);
        const name = watched.model?.displayName;
        setText(model, row.model ? (name ? `${name} · ${row.model}` : row.model) : "no model announced");
        const heard = row.activity === null ? "nothing heard yet" : `last heard ${ago(row.activity, store.now())}`;
        setText(activity, row.waiting > 0 ? `${heard} · ${row.waiting} waiting for it` : heard);
      }
      body.hidden = missing;
      view.update();
    },
    dispose: () => view.dispose?.(),
  };
}
