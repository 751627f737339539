// Where in the page somebody is; it stands in the address, so that it can be kept and gone back to.

import type { Whose } from "./api.ts";

export const TABS = ["telemetry", "properties", "commands", "messages", "events", "connection"] as const;

export type Tab = (typeof TABS)[number];

export interface Route {
  /** Null for the emulator's own. */
  hub: string | null;
  /** Null for the list alone. */
  device: string | null;
  tab: Tab;
}

/** Reads the part of an address behind `#`. */
export function parse(hash: string): Route {
  const found = /^#(?:\/hub\/([^/]+))?\/(?:device\/([^/]+)(?:\/([^/]+))?)?$/.exec(hash);
  const [, hub = null, device = null, tab] = found ?? [];
  const known = TABS.find((name) => name === tab);
  try {
    return {
      hub: hub && decodeURIComponent(hub),
      device: device && decodeURIComponent(device),
      tab: known ?? "telemetry",
    };
  } catch {
    return { hub: null, device: null, tab: "telemetry" };
  }
}

/** The address of a hub's list. */
export function home(hub: string | null): string {
  return hub === null ? "#/" : `#/hub/${encodeURIComponent(hub)}/`;
}

/** The address of a device. */
export function address({ hub, id }: Whose, tab: Tab = "telemetry"): string {
  return `${home(hub)}device/${encodeURIComponent(id)}/${tab}`;
}
