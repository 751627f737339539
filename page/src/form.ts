// Forms out of schemas. What is typed becomes JSON as text, digit for digit.

import { h, newId } from "./dom.ts";
import { type Field, label, type Schema } from "./model.ts";
import { check, isDate, isDateTime, isDuration, isTime, readNumber } from "./schema.ts";

/** What is in a field: JSON, nothing, or something wrong that the field has been told to show. */
export type Read = { json: string } | "nothing" | "wrong";

export interface FormField {
  readonly element: HTMLElement;
  /** Reads the field, and shows what is wrong with it. `required`: nothing is wrong, too. */
  read(required: boolean): Read;
}

interface Labels {
  label: string;
  hint?: string;
}

/** A field for a value of this schema. */
export function field(schema: Schema, labels: Labels): FormField {
  if (schema.kind === "object" && schema.fields.length > 0) return group(schema.fields, labels);
  return single(schema, labels);
}

/** An element to type in, and how its text becomes JSON: null is nothing. */
interface Control {
  element: HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;
  read(text: string): { json: string } | { error: string } | null;
}

function single(schema: Schema, labels: Labels): FormField {
  const [id, hintId, errorId] = [newId(), newId(), newId()];
  const control = controlFor(schema);
  const error = h("p", { class: "error", id: errorId, role: "alert" });
  const hint = [labels.hint, example(schema)].filter(Boolean).join(" ");
  const input = control.element;
  input.id = id;
  input.setAttribute("aria-describedby", `${hintId} ${errorId}`);
  const complain = (text: string) => {
    error.textContent = text;
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  const look = (): { json: string } | { error: string } | null => control.read(input.value);
  input.addEventListener("input", () => {
    const read = look();
    // While somebody types, a field only says that it is right again.
    if (!read || "json" in read) complain("");
  });
  input.addEventListener("change", () => {
    const read = look();
    complain(read && "error" in read ? read.error : "");
  });
  const element = h(
    "div",
    { class: "field" },
    h("label", { for: id, text: labels.label }),
    input,
    h("p", { class: "hint", id: hintId, text: hint }),
    error,
  );
  return {
    element,
    read(required) {
      // The empty text is a text, where one is needed.
      const read = input.value === "" && !required ? null : look();
      if (!read) {
        complain(required ? "A value is needed." : "");
        return required ? "wrong" : "nothing";
      }
      complain("error" in read ? read.error : "");
      return "error" in read ? "wrong" : read;
    },
  };
}

function controlFor(schema: Schema): Control {
  if (schema.kind === "enum") {
    const options = schema.values.map((one, index) => h("option", { value: String(index), text: label(one) }));
    return select(
      options,
      schema.values.map((one) => one.value),
    );
  }
  if (schema.kind !== "primitive") return json(schema);
  switch (schema.type) {
    case "boolean":
      return select(
        [h("option", { value: "0", text: "true" }), h("option", { value: "1", text: "false" })],
        [true, false],
      );
    case "integer":
    case "long":
    case "double":
    case "float":
      return text({ inputmode: schema.type === "integer" || schema.type === "long" ? "numeric" : "decimal" }, (typed) =>
        readNumber(schema.type, typed),
      );
    case "date":
      return text({}, matching(isDate, "A day is needed, such as 2024-02-29."));
    case "time":
      return text({}, matching(isTime, "A time is needed, such as 12:30:00Z."));
    case "dateTime":
      return text({}, matching(isDateTime, "A date and time is needed, such as 2024-02-29T12:30:00Z."));
    case "duration":
      return text({}, matching(isDuration, "A duration is needed, such as PT1H30M."));
    default:
      return {
        ...text({}, (typed) => ({ json: JSON.stringify(typed) })),
        read: (typed) => ({ json: JSON.stringify(typed) }),
      };
  }
}

function matching(
  is: (text: string) => boolean,
  otherwise: string,
): (text: string) => { json: string } | { error: string } {
  return (typed) => (is(typed.trim()) ? { json: JSON.stringify(typed.trim()) } : { error: otherwise });
}

function text(
  attributes: Record<string, string>,
  read: (text: string) => { json: string } | { error: string },
): Control {
  const element = h("input", { type: "text", autocomplete: "off", spellcheck: "false", ...attributes });
  return {
    element,
    read: (typed) => (typed.trim() === "" ? null : read(typed)),
  };
}

function select(options: HTMLOptionElement[], values: unknown[]): Control {
  return {
    element: h("select", {}, h("option", { value: "", text: "Choose…" }), ...options),
    read: (chosen) => (chosen === "" ? null : { json: JSON.stringify(values[Number(chosen)]) }),
  };
}

function json(schema: Schema): Control {
  return {
    element: h("textarea", { rows: "3", spellcheck: "false", class: "code" }),
    read: (typed) => (typed.trim() === "" ? null : readJson(typed, schema)),
  };
}

/** JSON that somebody typed, held against a schema if there is one. */
export function readJson(typed: string, schema: Schema | null): { json: string } | { error: string } {
  let value: unknown;
  try {
    value = JSON.parse(typed);
  } catch {
    return { error: "This is not JSON. Text stands in double quotes." };
  }
  const mismatch = schema && check(schema, value);
  return mismatch ? { error: `${mismatch}.` } : { json: typed.trim() };
}

function example(schema: Schema): string {
  if (schema.kind === "primitive" && (schema.type === "string" || schema.type === "boolean")) return "";
  if (schema.kind === "enum") return "";
  const words = schema.words;
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${schema.kind === "primitive" ? "" : ", as JSON"}.`;
}

function group(fields: Field[], labels: Labels): FormField {
  const inner = fields.map((one) => ({
    name: one.name,
    required: one.required,
    field: field(one.schema, hinted(label(one) + (one.required ? " (required)" : ""), one.description)),
  }));
  const hint = labels.hint && h("p", { class: "hint", text: labels.hint });
  const element = h(
    "fieldset",
    {},
    h("legend", { text: labels.label }),
    hint,
    ...inner.map(({ field }) => field.element),
  );
  return {
    element,
    read(required) {
      const members: string[] = [];
      let wrong = false;
      for (const one of inner) {
        const read = one.field.read(one.required);
        if (read === "wrong") wrong = true;
        else if (read !== "nothing") members.push(`${JSON.stringify(one.name)}:${read.json}`);
      }
      if (wrong) return "wrong";
      return members.length === 0 && !required ? "nothing" : { json: `{${members.join(",")}}` };
    },
  };
}

/** Labels with a hint if there is one. */
export function hinted(text: string, hint: string | null): Labels {
  return hint ? { label: text, hint } : { label: text };
}
