// Commands of the model, each with a form for what it takes; and any method by its name.

import { call, of, told } from "./api.ts";
import { fill, h, newId, setText, type View } from "./dom.ts";
import { field, hinted, readJson } from "./form.ts";
import { inline, pretty } from "./format.ts";
import { type Command, type Component, label } from "./model.ts";
import { modelNote } from "./properties.ts";
import type { Store, Watched } from "./store.ts";

interface Answer {
  status: number;
  payload: unknown;
  mismatch?: string | null;
}

/** How long a device may take, in seconds. */
const SECONDS = 30;

export function commands(store: Store, watched: Watched): View {
  const note = h("p", { class: "muted", hidden: true });
  const forms = h("div", { class: "stack" });
  let model: Watched["model"] = null;
  return {
    element: h(
      "section",
      { class: "stack" },
      h("h2", { class: "hidden", text: "Commands" }),
      note,
      forms,
      anyMethod(store, watched),
    ),
    update() {
      note.hidden = watched.model?.components.some((component) => component.commands.length > 0) ?? false;
      setText(note, watched.model ? "The model of this device has no commands." : modelNote(watched));
      if (model === watched.model) return;
      model = watched.model;
      fill(forms);
      for (const component of watched.model?.components ?? []) {
        for (const command of component.commands) forms.append(form(store, watched, component, command));
      }
    },
  };
}

function form(store: Store, watched: Watched, component: Component, command: Command): HTMLElement {
  const name = component.name === null ? command.name : `${component.name}*${command.name}`;
  const title = component.name === null ? label(command) : `${label(component)}: ${label(command)}`;
  const { request } = command;
  const input =
    request &&
    field(
      request.schema,
      hinted(label(request), [request.description, "May be left empty."].filter(Boolean).join(" ")),
    );
  const answer = answerBox();
  const button = h("button", { type: "submit", text: "Call" });
  const element = h("form", { class: "card", novalidate: true }, h("h3", { text: title }));
  element.setAttribute("aria-label", title);
  element.append(h("code", { class: "muted small", text: name }));
  if (command.description) element.append(h("p", { class: "muted", text: command.description }));
  if (input) element.append(input.element);
  element.append(button, answer.element);
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    const read = input?.read(false) ?? "nothing";
    if (read === "wrong") return;
    const payload = read === "nothing" ? "" : `,"payload":${read.json}`;
    const body = `{"component":${JSON.stringify(component.name)},"name":${JSON.stringify(command.name)}${payload}}`;
    void answer.run(button, name, async () => {
      const given = (await call("POST", of(watched, "command"), body)) as Answer;
      store.note(`${name} answered ${given.status}: ${inline(given.payload)}`);
      return given;
    });
  });
  return element;
}

function anyMethod(store: Store, watched: Watched): HTMLElement {
  const [nameId, payloadId, secondsId, hintId] = [newId(), newId(), newId(), newId()];
  const name = h("input", { id: nameId, type: "text", autocomplete: "off", spellcheck: "false", required: true });
  const payload = h("textarea", {
    id: payloadId,
    rows: "3",
    class: "code",
    spellcheck: "false",
    "aria-describedby": hintId,
  });
  const seconds = h("input", { id: secondsId, type: "number", min: "1", max: "300", value: String(SECONDS) });
  const answer = answerBox();
  const button = h("button", { type: "submit", text: "Call" });
  const element = h(
    "form",
    { novalidate: true },
    h("div", { class: "field" }, h("label", { for: nameId, text: "Method" }), name),
    h(
      "div",
      { class: "field" },
      h("label", { for: payloadId, text: "Payload" }),
      payload,
      h("p", { class: "hint", id: hintId, text: "JSON; empty for none." }),
    ),
    h("div", { class: "field short" }, h("label", { for: secondsId, text: "Seconds to wait for the answer" }), seconds),
    button,
    answer.element,
  );
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    if (name.value === "") {
      answer.fail("A method's name is needed.");
      name.focus();
      return;
    }
    const read = payload.value.trim() === "" ? null : readJson(payload.value, null);
    if (read && "error" in read) {
      answer.fail(read.error);
      payload.focus();
      return;
    }
    const time = `"seconds":${Number(seconds.value) || SECONDS}`;
    const body = `{"name":${JSON.stringify(name.value)},${time}${read ? `,"payload":${read.json}` : ""}}`;
    void answer.run(button, name.value, async () => {
      const given = (await call("POST", of(watched, "method"), body)) as Answer;
      store.note(`${name.value} answered ${given.status}: ${inline(given.payload)}`);
      return given;
    });
  });
  return h("details", { class: "card" }, h("summary", { text: "Call any method" }), element);
}

/** Where an answer is shown. */
function answerBox(): {
  element: HTMLElement;
  run(button: HTMLButtonElement, name: string, work: () => Promise<Answer>): Promise<void>;
  fail(text: string): void;
} {
  const status = h("p", { class: "result", role: "status" });
  const text = h("pre", { class: "code answer", tabindex: "0", hidden: true });
  const fail = (reason: string) => {
    status.className = "result error";
    setText(status, reason);
    text.hidden = true;
  };
  return {
    element: h("div", {}, status, text),
    fail,
    async run(button, name, work) {
      button.disabled = true;
      status.className = "result";
      setText(status, "Waiting for the device…");
      text.hidden = true;
      try {
        const answer = await work();
        status.className = answer.status >= 400 || answer.mismatch ? "result error" : "result";
        const mismatch = answer.mismatch ? ` This is not what the model says: ${answer.mismatch}.` : "";
        setText(status, `The device answered with status ${answer.status}.${mismatch}`);
        text.hidden = answer.payload === null || answer.payload === undefined;
        text.setAttribute("aria-label", `What ${name} answered`);
        setText(text, pretty(JSON.stringify(answer.payload)));
      } catch (error) {
        fail(told(error));
      } finally {
        button.disabled = false;
      }
    },
  };
}
