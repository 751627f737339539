// Where in the page somebody is; it stands in the address, so that it can be kept and gone back to.

export const TABS = ["telemetry", "properties", "commands", "messages", "events", "connection"] as const;

export type Tab = (typeof TABS)[number];

export interface Route {
  /** Null for the list alone. */
  device: string | null;
  tab: Tab;
}

/** Reads the part of an address behind `#`. */
export function parse(hash: string): Route {
  const [, kind, device, tab] = /^#\/(device)\/([^/]+)(?:\/([^/]+))?$/.exec(hash) ?? [];
  const known = TABS.find((name) => name === tab);
  if (!kind || !device) return { device: null, tab: "telemetry" };
  try {
    return { device: decodeURIComponent(device), tab: known ?? "telemetry" };
  } catch {
    return { device: null, tab: "telemetry" };
  }
}

/** The address of a device. */
export function address(device: string, tab: Tab = "telemetry"): string {
  return `#/device/${encodeURIComponent(device)}/${tab}`;
}
