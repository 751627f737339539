// A device's model, as the emulator shows it.

interface Labelled {
  displayName: string | null;
  description: string | null;
}

export type Schema =
  | { kind: "primitive"; type: string; words: string }
  | { kind: "enum"; values: (Labelled & { name: string; value: string | number })[]; words: string }
  | { kind: "array" | "map"; of: Schema; words: string }
  | { kind: "object"; fields: Field[]; words: string }
  | { kind: "geospatial"; type: string; words: string };

export interface Field extends Labelled {
  name: string;
  schema: Schema;
  required: boolean;
}

export interface Telemetry extends Labelled {
  name: string;
  schema: Schema;
  unit: string | null;
}

export interface Property extends Telemetry {
  writable: boolean;
}

export interface Payload extends Labelled {
  name: string;
  schema: Schema;
}

export interface Command extends Labelled {
  name: string;
  request: Payload | null;
  response: Payload | null;
}

export interface Component extends Labelled {
  /** Null for the default component. */
  name: string | null;
  telemetries: Telemetry[];
  properties: Property[];
  commands: Command[];
}

export interface Model extends Labelled {
  id: string;
  components: Component[];
}

/** What a person reads. */
export function label(of: Labelled & { name: string | null }): string {
  return of.displayName ?? of.name ?? "";
}

/** The telemetry that a series of values belongs to, if the model has it: `thermostat1/temperature`, `position.x`. */
export function telemetryOf(
  model: Model | null,
  series: string,
): { telemetry: Telemetry; component: Component } | null {
  if (!model) return null;
  for (const component of model.components) {
    const prefix = component.name === null ? "" : `${component.name}/`;
    if (!series.startsWith(prefix)) continue;
    const rest = series.slice(prefix.length);
    const telemetry = component.telemetries.find(
      ({ name }) => rest === name || (/^[.[]/.test(rest.slice(name.length)) && rest.startsWith(name)),
    );
    if (telemetry) return { telemetry, component };
  }
  return null;
}
