// What the device did, newest first.

import { call, of, told } from "./api.ts";
import { fill, h, setText, type View } from "./dom.ts";
import { bytes, clock, pretty } from "./format.ts";
import type { Happening, Store, Watched } from "./store.ts";

/** Rows on the page. A page full of them is read by nobody; what is older can be filtered for. */
const ROWS = 200;

const KINDS: [string, string][] = [
  ["", "Everything"],
  ["telemetry", "Telemetry"],
  ["reported", "Reported"],
  ["connection", "Connection"],
  ["sent", "From here"],
];

/** How a happening is called. */
const NAMES: Record<Happening["kind"], string> = {
  telemetry: "telemetry",
  reported: "reported",
  connected: "connected",
  disconnected: "disconnected",
  sent: "from here",
};

export function events(store: Store, watched: Watched): View {
  const kinds = h("select", { "aria-label": "Which events" });
  for (const [value, text] of KINDS) kinds.append(h("option", { value, text }));
  const search = h("input", {
    type: "search",
    "aria-label": "Text in events",
    placeholder: "Text in events",
    autocomplete: "off",
  });
  const toggle = h("button", { type: "button", "aria-pressed": "false", text: "Pause" });
  const count = h("span", { class: "muted where", role: "status" });
  const list = h("ol", { class: "events" });
  const empty = h("p", { class: "muted empty", text: "Nothing yet." });
  let paused = false;
  let seen = 0;
  let newest: Happening | undefined;
  const fits = (one: Happening) => {
    const kind = kinds.value;
    const connection = one.kind === "connected" || one.kind === "disconnected";
    if (kind && (kind === "connection" ? !connection : one.kind !== kind)) return false;
    return search.value === "" || (one.text ?? "").toLowerCase().includes(search.value.toLowerCase());
  };
  /** All of them anew. */
  const again = () => {
    const found = watched.events.filter(fits).slice(-ROWS).reverse();
    fill(list, ...found.map((one) => row(watched, one)));
    newest = watched.events[watched.events.length - 1];
    seen = watched.total;
  };
  /** Those that have come since; one that somebody reads stays where it is. */
  const more = () => {
    const from = newest === undefined ? -1 : watched.events.lastIndexOf(newest);
    const found = watched.events
      .slice(from + 1)
      .filter(fits)
      .slice(-ROWS)
      .reverse();
    list.prepend(...found.map((one) => row(watched, one)));
    while (list.childElementCount > ROWS) list.lastElementChild?.remove();
    newest = watched.events[watched.events.length - 1];
    seen = watched.total;
  };
  kinds.addEventListener("change", again);
  search.addEventListener("input", again);
  toggle.addEventListener("click", () => {
    paused = !paused;
    toggle.setAttribute("aria-pressed", String(paused));
    setText(toggle, paused ? "Live" : "Pause");
    store.changed();
  });
  again();
  return {
    element: h(
      "section",
      { class: "stack" },
      h("h2", { class: "hidden", text: "Events" }),
      h("div", { class: "tools" }, toggle, kinds, search, count),
      list,
      empty,
    ),
    update() {
      if (!paused && seen !== watched.total) more();
      empty.hidden = list.childElementCount > 0;
      const missed = store.missed > 0 ? `${store.missed} were too fast to be kept` : "";
      setText(count, paused ? `${watched.total - seen} more since` : missed);
    },
  };
}

function row(watched: Watched, one: Happening): HTMLElement {
  const properties = Object.entries(one.properties ?? {});
  const text = one.text ?? "";
  // Whose it is: the module's, and the component's.
  const kind = [NAMES[one.kind], one.module, one.properties?.["dt-subject"]].filter(Boolean).join(" · ");
  const line = text.length > 300 ? `${text.slice(0, 300)}…` : text;
  const summary = h(
    "summary",
    {},
    h("time", { datetime: new Date(one.at).toISOString(), text: clock(one.at, true) }),
    h("span", { class: "kind", "data-kind": one.kind, text: kind }),
    h("span", { class: "text", text: line }),
  );
  const details = h("details", {}, summary);
  // Made when somebody looks: most are never opened.
  details.addEventListener(
    "toggle",
    () => {
      const whole = h("pre", { class: "code", tabindex: "0", "aria-label": "The message", text: pretty(text) });
      details.append(whole);
      if (one.cut) details.append(rest(watched, one, whole));
      if (properties.length > 0) {
        const list = h("dl", { class: "pairs" });
        for (const [name, value] of properties)
          list.append(h("div", {}, h("dt", { text: name }), h("dd", { text: value })));
        details.append(list);
      }
    },
    { once: true },
  );
  return h("li", {}, details);
}

/** Fetches what was cut off. */
function rest(watched: Watched, one: Happening, into: HTMLElement): HTMLElement {
  const button = h("button", { type: "button", class: "quiet", text: `Show all ${bytes(one.size ?? 0)}` });
  button.addEventListener("click", async () => {
    try {
      setText(into, pretty(String(await call("GET", `${of(watched, "event")}&n=${one.n}`))));
      button.remove();
    } catch (error) {
      setText(button, told(error));
    }
  });
  return button;
}
