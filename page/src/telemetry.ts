// Every numeric telemetry of a device as a plot, all with the same part of time in sight.

import { of } from "./api.ts";
import { h, setText, type View } from "./dom.ts";
import { fileName, unit } from "./format.ts";
import { label, telemetryOf } from "./model.ts";
import { Plot } from "./plot.ts";
import type { Store, Watched } from "./store.ts";
import { grown, MINUTE, pan, pause, range, type Shown, zoom } from "./window.ts";

const SPANS: [string, number][] = [
  ["1 minute", MINUTE],
  ["5 minutes", 5 * MINUTE],
  ["15 minutes", 15 * MINUTE],
  ["1 hour", 60 * MINUTE],
  ["1 day", 24 * 60 * MINUTE],
];

/** Drawing may take this part of the time; a page with fifty plots is drawn less often. */
const SHARE = 5;

/** What is in sight outlives the view: who comes back to it finds it as it was. */
let shown: Shown = { live: true, span: 5 * MINUTE };

/** How much is in sight when the present is followed again. */
let followed = 5 * MINUTE;

export function telemetry(store: Store, watched: Watched): View {
  const plots = new Map<string, Plot>();
  const grid = h("div", { class: "plots" });
  const empty = h("div", { class: "empty-state", hidden: true });
  const emptyText = h("p", { text: "" });
  empty.append(
    emptyText,
    h("p", {
      class: "muted",
      text: "Numbers in its messages become plots as they come; other messages stand under Events.",
    }),
  );
  const more = h("p", { class: "muted", hidden: true });
  const toggle = h("button", { type: "button", class: "toggle" });
  const where = h("span", { class: "muted where", role: "status" });
  const span = h("select", { "aria-label": "How much time is shown" });
  span.append(h("option", { value: "", text: "Custom", disabled: true, hidden: true }));
  for (const [text, value] of SPANS) span.append(h("option", { value: String(value), text }));

  const set = (next: Shown) => {
    shown = next;
    if (next.live) followed = next.span;
    dirty = true;
    store.changed();
  };
  const now = () => store.now();
  /** What is seen now, which is less than was chosen as long as the device is new. */
  const seen = () => {
    let earliest = Infinity;
    for (const { times } of watched.series.values()) earliest = Math.min(earliest, times[0] ?? Infinity);
    return grown(shown, now(), earliest);
  };
  const act = {
    pan: (part: number) => set(pan(seen(), now(), part)),
    zoom: (factor: number, at?: number) => set(zoom(seen(), now(), factor, at)),
    toggle: () => (shown.live ? set(pause(seen(), now())) : act.live()),
    live: () => set({ live: true, span: followed }),
  };
  const button = (text: string, name: string, run: () => void) =>
    h("button", { type: "button", class: "icon", "aria-label": name, title: name, text, on: { click: run } });
  toggle.addEventListener("click", act.toggle);
  span.addEventListener("change", () => {
    const chosen = Number(span.value);
    const [, max] = range(shown, now());
    set(shown.live ? { live: true, span: chosen } : { live: false, min: max - chosen, max });
  });
  const tools = h(
    "div",
    { class: "tools", role: "group", "aria-label": "What the plots show" },
    toggle,
    span,
    h(
      "span",
      { class: "steps" },
      button("←", "Earlier", () => act.pan(-0.5)),
      button("→", "Later", () => act.pan(0.5)),
      button("+", "Closer", () => act.zoom(0.5)),
      button("−", "Further away", () => act.zoom(2)),
    ),
    where,
    h("a", {
      class: "button quiet download",
      href: `/api/${of(watched, "telemetry.csv")}`,
      download: `${fileName(watched.id)}-telemetry.csv`,
      text: "Download CSV",
    }),
  );

  let dirty = true;
  let total = -1;
  let model = watched.model;
  let drawn = 0;
  let cost = 0;
  let second = 0;
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const recolour = () => {
    for (const plot of plots.values()) plot.rebuild();
    dirty = true;
    store.changed();
  };
  scheme.addEventListener("change", recolour);
  const resized = new ResizeObserver(() => {
    dirty = true;
    store.changed();
  });
  resized.observe(grid);

  const name = (series: string) => {
    const known = telemetryOf(watched.model, series);
    if (!known) return { title: series, detail: "", unit: "" };
    const component = known.component.name === null ? "" : `${label(known.component)} · `;
    return { title: `${component}${label(known.telemetry)}`, detail: series, unit: unit(known.telemetry.unit) };
  };

  const draw = () => {
    const began = performance.now();
    const [min, max] = range(seen(), now());
    // All are there before one is drawn: with each, the others may get less room.
    for (const [id, series] of watched.series) {
      if (plots.has(id)) continue;
      const plot = new Plot(series, name(id), act);
      plots.set(id, plot);
      grid.append(plot.element);
    }
    for (const plot of plots.values()) plot.draw(min, max);
    drawn = performance.now();
    cost = drawn - began;
  };

  return {
    element: h(
      "section",
      { class: "telemetry" },
      h("h2", { class: "hidden", text: "Telemetry" }),
      tools,
      empty,
      grid,
      more,
    ),
    update() {
      setText(toggle, shown.live ? "Pause" : "Live");
      toggle.setAttribute("aria-pressed", String(!shown.live));
      setText(where, shown.live ? "" : "Paused; new values are kept");
      const [min, max] = range(shown, now());
      const preset = SPANS.find(([, value]) => Math.abs(value - (max - min)) < 1);
      span.value = preset ? String(preset[1]) : "";
      empty.hidden = watched.series.size > 0;
      const row = store.devices.get(watched.id);
      setText(
        emptyText,
        row?.connected
          ? "No numbers from this device yet."
          : "This device is not connected, and has sent no numbers so far.",
      );
      more.hidden = watched.others.size === 0;
      setText(more, `${watched.others.size} more names came than are plotted. The CSV has more of them.`);
      if (model !== watched.model) {
        model = watched.model;
        for (const [id, plot] of plots) plot.name(name(id));
        dirty = true;
      }
      // A second passes on the axis, too.
      const passed = Math.floor(now() / 1_000);
      const moved = shown.live && passed !== second;
      if (!dirty && total === watched.total && !moved) return;
      if (performance.now() - drawn < cost * SHARE) {
        store.changed();
        return;
      }
      second = passed;
      total = watched.total;
      dirty = false;
      draw();
    },
    dispose() {
      scheme.removeEventListener("change", recolour);
      resized.disconnect();
      for (const plot of plots.values()) plot.dispose();
    },
  };
}
