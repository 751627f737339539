// The page: header, list and device, and what holds them together.

import { device } from "./device.ts";
import { list } from "./devices.ts";
import { fill, h, setAttribute, setText, type View } from "./dom.ts";
import { hubs } from "./hubs.ts";
import { enter, Live } from "./live.ts";
import { home, parse } from "./route.ts";
import { Store } from "./store.ts";

const store = new Store();
const live = new Live(store);

const status = h("p", { class: "status", role: "status" });
const notice = h("div", { class: "notice", role: "alert", hidden: true });
const brand = h(
  "a",
  { href: "#/", class: "brand" },
  h("img", { src: "/icon.svg", alt: "", width: "28", height: "28" }),
  h("span", { text: "Setpoint" }),
  h("span", { class: "muted wide", text: "local Azure IoT" }),
);
const choice = hubs(store);
const header = h("header", { class: "top" }, brand, choice.element, status);
const aside = h("aside", { "aria-label": "Devices" });
const main = h("main", { id: "main", tabindex: "-1" });
const skip = h("a", { class: "skip", href: "#main", text: "Skip to the device" });
skip.addEventListener("click", (event) => {
  // The address says where somebody is; this is no other place.
  event.preventDefault();
  main.focus();
});
const columns = h("div", { class: "columns" }, aside, main);
document.body.append(skip, header, notice, columns);

const devices = list(store);
aside.append(devices.element);
let shown: View | null = null;
let refused: string | null = null;

function welcome(): View {
  const count = h("p", { class: "lead" });
  const element = h(
    "section",
    { class: "welcome" },
    h("h1", { text: "Devices" }),
    count,
    h("p", {
      class: "muted",
      text: "Choose a device to see what it measures, what was asked of it and what it says. One that connects for the first time through provisioning appears by itself.",
    }),
  );
  return {
    element,
    update() {
      const connected = [...store.devices.values()].filter((row) => row.connected).length;
      setText(count, store.listed ? `${store.ids.length} registered, ${connected} connected.` : "Asking the emulator…");
    },
  };
}

/** Shows what the address says. */
function go(): void {
  const route = parse(location.hash);
  const turned = store.turn(route.hub);
  const before = store.watched;
  store.watch(route.device);
  if (turned) live.turn();
  else if (before !== store.watched) live.watch();
  shown?.dispose?.();
  shown = store.watched === null ? welcome() : device(store, store.watched, route.tab);
  fill(main, shown.element);
  brand.href = home(route.hub);
  document.body.classList.toggle("has-device", route.device !== null);
  document.title = route.device === null ? "Setpoint" : `${route.device} · Setpoint`;
  store.changed();
}

function banner(): string {
  if (refused) return refused;
  if (store.link === "locked") {
    return "This browser has not been let in. Open the link that the emulator prints when it starts; it ends in “#access=…”.";
  }
  if (store.link === "unknown") return `The emulator has no hub ${store.hub}. Choose another one above.`;
  return store.link === "lost" ? "The emulator does not answer. This page goes on as soon as it is back." : "";
}

const WORDS = { connecting: "Connecting…", live: "Live", lost: "Not connected", locked: "Locked", unknown: "No hub" };

store.listen(() => {
  setText(status, WORDS[store.link]);
  setAttribute(status, "data-link", store.link);
  const text = banner();
  setText(notice, text);
  notice.hidden = text === "";
  columns.hidden = (store.link === "locked" || store.link === "unknown") && !store.listed;
  choice.update();
  devices.update();
  shown?.update();
});

addEventListener("hashchange", async () => {
  if (location.hash.startsWith("#access=")) {
    // The link was opened in a tab that had the page already.
    refused = await enter();
    if (refused === null) location.reload();
    else store.changed();
    return;
  }
  const chosen = choice.element.contains(document.activeElement);
  go();
  // Who is choosing a hub may go on choosing.
  if (!chosen) main.focus({ preventScroll: true });
  scrollTo(0, 0);
});

refused = await enter();
store.turn(parse(location.hash).hub);
go();
live.open();
// What was a second ago is a minute ago at some time.
setInterval(() => store.changed(), 1_000);
