// How a device stands to what was asked of it: desired beside reported, as the conventions of IoT Plug and Play have it.

export type AckState = "unset" | "reported" | "waiting" | "accepted" | "underway" | "refused" | "differs";

export interface Ack {
  state: AckState;
  /** What is asked for; undefined if nothing is. */
  desired: unknown;
  /** What the device reports, out of its acknowledgement if it is in one. */
  reported: unknown;
  /** `ac`, `av` and `ad` as the device gave them. */
  code?: number;
  version?: number;
  description?: string;
  /** In which version of the twin it was asked for. */
  wanted?: number;
}

type Half = Record<string, unknown> | undefined;

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

/** Compares the two sides of a property. `desired` and `reported` are the halves of the twin. */
export function ack(desired: Half, reported: Half, component: string | null, name: string): Ack {
  const within = (half: Half) => (component === null ? half : record(half?.[component]));
  const about = record(desired?.$metadata);
  const place = record(component === null ? about?.[name] : record(about?.[component])?.[name]);
  const wanted = place?.$lastUpdatedVersion ?? desired?.$version;
  const asked = within(desired)?.[name];
  const told = within(reported)?.[name];
  const embedded = record(told);
  const acknowledged = embedded && typeof embedded.ac === "number" && "value" in embedded ? embedded : undefined;
  const found: Ack = { state: "unset", desired: asked, reported: acknowledged ? acknowledged.value : told };
  if (typeof wanted === "number" && asked !== undefined) found.wanted = wanted;
  if (acknowledged) {
    found.code = acknowledged.ac as number;
    if (typeof acknowledged.av === "number") found.version = acknowledged.av;
    if (typeof acknowledged.ad === "string") found.description = acknowledged.ad;
  }
  found.state = state(found);
  return found;
}

function state(of: Ack): AckState {
  if (of.desired === undefined) return of.reported === undefined ? "unset" : "reported";
  if (of.code === undefined) return "waiting";
  // An answer to an earlier wish is none to this one.
  if (of.wanted !== undefined && of.version !== undefined && of.version < of.wanted) return "waiting";
  if (of.code >= 400) return "refused";
  if (of.code === 202) return "underway";
  return JSON.stringify(of.desired) === JSON.stringify(of.reported) ? "accepted" : "differs";
}

/** The state in words. */
export function words(of: Ack): string {
  switch (of.state) {
    case "unset":
      return "not set";
    case "reported":
      return "reported by the device";
    case "waiting":
      return of.wanted === undefined
        ? "waiting for the device"
        : `waiting for the device to acknowledge version ${of.wanted}`;
    case "accepted":
      return "accepted";
    case "underway":
      return "under way";
    case "refused":
      return "refused";
    case "differs":
      return "acknowledged with another value";
  }
}
