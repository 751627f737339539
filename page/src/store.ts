// What the page knows, and who wants to hear when that changes: at most once a frame.

import { call, Refusal, type Whose } from "./api.ts";
import type { Model } from "./model.ts";
import { Series } from "./series.ts";

export interface Row {
  id: string;
  generation: string;
  connected: boolean;
  enabled: boolean;
  model: string;
  activity: number | null;
  changed: number | null;
  waiting: number;
  proof: string;
}

/** Something a device did, or that was done from this page. */
export interface Happening {
  n: number;
  at: number;
  kind: "telemetry" | "reported" | "connected" | "disconnected" | "sent";
  size?: number;
  text?: string;
  cut?: boolean;
  module?: string;
  properties?: Record<string, string>;
  numbers?: Record<string, number>;
}

export interface Twin {
  version?: number;
  properties?: { desired?: Record<string, unknown>; reported?: Record<string, unknown> };
  tags?: Record<string, unknown>;
  [member: string]: unknown;
}

/** How the page stands to the emulator. */
export type Link = "connecting" | "live" | "lost" | "locked" | "unknown";

/** Most events kept of the device that is watched. */
export const EVENTS = 1_000;

/** Most series of one device: a device can invent names without end. */
export const SERIES = 48;

/** Everything of the device in sight. */
export class Watched implements Whose {
  readonly events: Happening[] = [];
  readonly series = new Map<string, Series>();
  /** Names beyond the bound. */
  readonly others = new Set<string>();
  twin: Twin | null = null;
  model: Model | null = null;
  /** Why there is no model. */
  modelError: string | null = null;
  modelId = "";
  /** The number of the next event to ask for. */
  next = 0;
  total = 0;
  private restarted = false;

  constructor(
    readonly id: string,
    readonly hub: string | null = null,
  ) {}

  /** Another emulator counts from the beginning. What was seen stays in sight, as far as it does not tell it again. */
  restart(): void {
    this.next = 0;
    this.restarted = true;
    if (this.modelError !== null) this.modelId = "?";
  }

  /** Takes the twin that a call was answered with, unless a newer one has come by the line meanwhile: it would stay hidden. */
  answered(twin: Twin): void {
    const version = (of: Twin | null, half: "desired" | "reported") => Number(of?.properties?.[half]?.$version ?? 0);
    const halves = ["desired", "reported"] as const;
    if (halves.every((half) => version(twin, half) >= version(this.twin, half))) this.twin = twin;
  }

  add(happenings: Happening[]): void {
    const first = happenings[0];
    if (this.restarted && first && first.kind !== "sent") {
      this.restarted = false;
      for (const series of this.series.values()) series.forgetFrom(first.at);
      const kept = this.events.filter((one) => one.at < first.at || one.kind === "sent");
      this.events.splice(0, this.events.length, ...kept);
    }
    for (const happening of happenings) {
      this.next = Math.max(this.next, happening.n + 1);
      for (const [name, value] of Object.entries(happening.numbers ?? {})) this.point(name, happening.at, value);
      if (happening.text !== undefined) this.events.push(happening);
    }
    this.total += happenings.length;
    if (this.events.length > EVENTS) this.events.splice(0, this.events.length - EVENTS);
  }

  private point(name: string, at: number, value: number): void {
    let series = this.series.get(name);
    if (!series) {
      if (this.series.size >= SERIES) {
        if (this.others.size < 1_000) this.others.add(name);
        return;
      }
      series = new Series();
      this.series.set(name, series);
    }
    series.add(at, value);
  }
}

export class Store {
  /** The hub in sight; null for the emulator's own. */
  hub: string | null = null;
  /** The names of all, the emulator's own first. */
  hubs: string[] = [];
  readonly devices = new Map<string, Row>();
  /** Ids in order; made anew only when one comes or goes. */
  ids: string[] = [];
  link: Link = "connecting";
  /** Whether the list has been told at least once. */
  listed = false;
  epoch = "";
  missed = 0;
  watched: Watched | null = null;
  /** What this clock is behind the emulator's, in milliseconds. */
  offset = 0;

  private readonly listeners = new Set<() => void>();
  private scheduled = false;

  now(): number {
    return Date.now() + this.offset;
  }

  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Has everybody look again, in the next frame. A page in the background is not drawn, and hears nothing until it is. */
  changed(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      for (const listener of [...this.listeners]) listener();
    });
  }

  setRows(rows: Row[], gone: string[]): void {
    let moved = gone.length > 0 || !this.listed;
    this.listed = true;
    for (const id of gone) this.devices.delete(id);
    for (const row of rows) {
      moved ||= !this.devices.has(row.id);
      this.devices.set(row.id, row);
    }
    if (moved) this.ids = [...this.devices.keys()].sort((a, b) => (a < b ? -1 : 1));
    const row = this.watched && this.devices.get(this.watched.id);
    if (row) this.wantModel(row.model);
  }

  /** Turns to a hub, and forgets what was known of the one before. True if it is another. */
  turn(hub: string | null): boolean {
    if (this.hub === hub) return false;
    this.hub = hub;
    this.devices.clear();
    this.ids = [];
    this.watched = null;
    this.listed = false;
    this.epoch = "";
    this.missed = 0;
    if (this.link !== "locked") this.link = "connecting";
    return true;
  }

  watch(id: string | null): void {
    if ((this.watched?.id ?? null) === id) return;
    this.watched = id === null ? null : new Watched(id, this.hub);
    const row = id === null ? undefined : this.devices.get(id);
    if (row) this.wantModel(row.model);
  }

  /** Takes note of something that was done from here. */
  note(text: string, properties?: Record<string, string>): void {
    const happening: Happening = { n: -1, at: this.now(), kind: "sent", text, size: text.length };
    if (properties) happening.properties = properties;
    this.watched?.add([happening]);
    this.changed();
  }

  /** Reads the model of the device in sight when it is another one. */
  private wantModel(id: string): void {
    const watched = this.watched;
    if (!watched || watched.modelId === id) return;
    watched.modelId = id;
    watched.model = null;
    watched.modelError = null;
    if (!id) return;
    call("GET", `model/${encodeURIComponent(id)}`).then(
      (model) => {
        if (watched.modelId === id) watched.model = model as Model;
        this.changed();
      },
      (error: unknown) => {
        if (watched.modelId !== id) return;
        watched.modelError = error instanceof Refusal ? error.message : String(error);
        // The emulator was away: asked again when it is back.
        if (error instanceof Refusal && error.status === 0) watched.modelId = "?";
        this.changed();
      },
    );
  }
}
