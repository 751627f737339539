// Which hub is in sight: something to choose only where there are several.

import { fill, h, newId, type View } from "./dom.ts";
import { home } from "./route.ts";
import type { Store } from "./store.ts";

export function hubs(store: Store): View {
  const id = newId();
  const select = h("select", { id });
  const element = h(
    "div",
    { class: "hubs", hidden: true },
    h("label", { for: id }, h("span", { class: "hidden", text: "Hub" })),
    select,
  );
  let names: string[] = [];
  select.addEventListener("change", () => {
    location.hash = home(select.value === store.hubs[0] ? null : select.value);
  });
  return {
    element,
    update() {
      const current = store.hub ?? store.hubs[0];
      // One that is no longer there stands among them until another is chosen.
      const missing = current !== undefined && !store.hubs.includes(current);
      const all = missing ? [current, ...store.hubs] : store.hubs;
      if (all.join("\n") !== names.join("\n")) {
        names = [...all];
        fill(select, ...all.map((name) => h("option", { value: name, text: name })));
      }
      element.hidden = all.length < 2;
      if (current !== undefined && select.value !== current) select.value = current;
    },
  };
}
