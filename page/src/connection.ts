// How the device connects, and whether it may.

import { at, call, of, told, type Whose } from "./api.ts";
import { h, newId, setText, type View } from "./dom.ts";
import { home } from "./route.ts";
import type { Store, Watched } from "./store.ts";

interface About {
  host: string;
  mqttPort: number;
  idScope: string;
  caFile: string | null;
}

export function connection(store: Store, watched: Watched): View {
  const about = h("dl", { class: "pairs" });
  const enabled = h("p", {});
  const toggle = h("button", { type: "button", class: "quiet" });
  const result = h("p", { class: "result", role: "status" });
  const change = async (work: () => Promise<unknown>, done: string) => {
    try {
      await work();
      result.className = "result";
      setText(result, done);
    } catch (error) {
      result.className = "result error";
      setText(result, told(error));
    }
    store.changed();
  };
  toggle.addEventListener("click", () => {
    const allow = !store.devices.get(watched.id)?.enabled;
    const done = allow ? "It may connect again." : "It may no longer connect.";
    void change(() => call("PATCH", of(watched), JSON.stringify({ enabled: allow })), done);
  });
  const dialog = deleteDialog(watched);
  const remove = h("button", {
    type: "button",
    class: "danger",
    text: "Delete device…",
    on: { click: () => dialog.showModal() },
  });
  call("GET", at(watched.hub, "about")).then(
    (told) => {
      const { host, mqttPort, idScope, caFile } = told as About;
      const pairs: [string, string][] = [
        ["Hub", `${host}, MQTT over TLS on port ${mqttPort}`],
        ["DPS id scope", idScope],
        ["Certificate authority", caFile ?? "in memory"],
      ];
      for (const [name, value] of pairs)
        about.append(h("div", {}, h("dt", { text: name }), h("dd", { class: "code", text: value })));
    },
    // The banner says that the emulator does not answer.
    () => {},
  );
  return {
    element: h(
      "section",
      { class: "stack" },
      h("h2", { class: "hidden", text: "Connection" }),
      secret(watched),
      h("section", { class: "card" }, h("h3", { text: "Where it connects" }), about),
      h(
        "section",
        { class: "card" },
        h("h3", { text: "Whether it may" }),
        enabled,
        h("div", { class: "actions start" }, toggle, remove),
        result,
      ),
      dialog,
    ),
    update() {
      const row = store.devices.get(watched.id);
      const allowed = row?.enabled ?? true;
      setText(enabled, allowed ? "This device is enabled: it may connect." : "This device is disabled: it is refused.");
      setText(toggle, allowed ? "Disable" : "Enable");
    },
  };
}

/** The connection string, shown only when asked for. */
function secret(device: Whose): HTMLElement {
  const inputId = newId();
  const input = h("input", { id: inputId, type: "text", readonly: true, class: "code" });
  const status = h("p", { class: "result", role: "status" });
  const copy = h("button", { type: "button", text: "Copy" });
  const shown = h(
    "div",
    { class: "stack small-gap", hidden: true },
    h("label", { for: inputId, text: "Connection string" }),
    input,
    h("div", { class: "actions start" }, copy),
  );
  const show = h("button", { type: "button", class: "quiet", text: "Show connection string" });
  show.addEventListener("click", async () => {
    try {
      const { connectionString } = (await call("POST", of(device, "connection-string"))) as {
        connectionString: string;
      };
      input.value = connectionString;
      shown.hidden = false;
      show.hidden = true;
      input.focus();
      input.select();
    } catch (error) {
      status.className = "result error";
      setText(status, told(error));
    }
  });
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(input.value);
      setText(status, "Copied.");
    } catch {
      input.select();
      setText(status, "This browser does not let the page copy; the text is selected.");
    }
  });
  return h(
    "section",
    { class: "card" },
    h("h3", { text: "Connection string" }),
    h("p", { class: "muted", text: "For an SDK that connects to the hub by itself. It holds the device's key." }),
    show,
    shown,
    status,
  );
}

function deleteDialog(device: Whose): HTMLDialogElement {
  const titleId = newId();
  const error = h("p", { class: "error", role: "alert" });
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", { id: titleId, text: "Delete this device?" }),
    h(
      "p",
      {},
      h("strong", { class: "code", text: device.id }),
      ", its twin and the messages that wait for it will be gone.",
    ),
    error,
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", class: "quiet", text: "Keep it", on: { click: () => element.close() } }),
      h("button", { type: "submit", class: "danger", text: "Delete" }),
    ),
  );
  const element = h("dialog", { "aria-labelledby": titleId }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await call("DELETE", of(device));
      element.close();
      location.hash = home(device.hub);
    } catch (problem) {
      setText(error, told(problem));
    }
  });
  return element;
}
