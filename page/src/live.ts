// The line to the emulator: opened again whenever it breaks, and asked for what was missed.

import { at, call, openSession, Refusal } from "./api.ts";
import type { Happening, Row, Store, Twin } from "./store.ts";

/** The emulator says something every five seconds. */
const SILENCE = 15_000;

/** From one attempt to the next, in milliseconds; grows to the second. */
const PAUSES: [number, number] = [250, 3_000];

interface News {
  hello?: { epoch: string; now: number; hubs: string[] };
  devices?: { rows: Row[]; gone: string[] };
  events?: { device: string; events: Happening[] };
  twin?: { device: string; twin: Twin };
  missed?: number;
}

export class Live {
  private socket: WebSocket | null = null;
  private pause = PAUSES[0];
  private silence = 0;
  private waiting = 0;

  constructor(private readonly store: Store) {
    // A machine that woke up, a network that came back: at once, and not after the pause.
    addEventListener("online", () => this.again());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && store.link === "lost") this.again();
    });
  }

  open(): void {
    const socket = new WebSocket(`ws://${location.host}/api/${at(this.store.hub, "live")}`);
    this.socket = socket;
    this.listen();
    socket.onmessage = (message) => {
      if (this.socket !== socket) return;
      this.listen();
      this.take(JSON.parse(String(message.data)) as News);
    };
    socket.onclose = () => {
      if (this.socket === socket) void this.lost();
    };
  }

  /** Tells the emulator which device is in sight. */
  watch(): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    const watched = this.store.watched;
    this.socket.send(JSON.stringify({ watch: watched?.id ?? null, from: watched?.next ?? 0 }));
  }

  /** Turns to the hub that is in sight now. */
  turn(): void {
    const { socket } = this;
    this.socket = null;
    socket?.close();
    clearTimeout(this.waiting);
    this.pause = PAUSES[0];
    this.open();
  }

  private again(): void {
    if (this.store.link !== "lost") return;
    clearTimeout(this.waiting);
    this.open();
  }

  /** Waits for the next word. */
  private listen(): void {
    clearTimeout(this.silence);
    this.silence = window.setTimeout(() => {
      this.socket?.close();
      void this.lost();
    }, SILENCE);
  }

  private async lost(): Promise<void> {
    this.socket = null;
    clearTimeout(this.silence);
    const { store } = this;
    if (store.link !== "locked") {
      // A WebSocket does not say why it was refused; a call does.
      const { hub } = store;
      const status = await call("GET", at(hub, "about")).then(
        () => 200,
        (error: unknown) => (error instanceof Refusal ? error.status : 0),
      );
      // Another hub has been turned to meanwhile, and has a line of its own.
      if (this.socket || store.hub !== hub) return;
      if (status === 404) await this.askHubs();
      store.link = status === 401 ? "locked" : status === 404 ? "unknown" : "lost";
      store.changed();
    }
    this.waiting = window.setTimeout(() => this.open(), this.pause);
    this.pause = Math.min(this.pause * 1.6, PAUSES[1]);
  }

  /** Asks for the hubs there are, to be chosen from when the one in the address is none of them. */
  private async askHubs(): Promise<void> {
    try {
      const { hubs } = (await call("GET", "about")) as { hubs: string[] };
      this.store.hubs = hubs;
    } catch {
      // Asked again with the next attempt.
    }
  }

  private take(news: News): void {
    const { store } = this;
    if (news.hello) {
      this.pause = PAUSES[0];
      store.link = "live";
      store.hubs = news.hello.hubs;
      store.offset = news.hello.now - Date.now();
      const { watched } = store;
      if (store.epoch !== news.hello.epoch) watched?.restart();
      store.epoch = news.hello.epoch;
      store.listed = false;
      this.watch();
    }
    if (news.devices) {
      if (!store.listed) store.devices.clear();
      store.setRows(news.devices.rows, news.devices.gone);
    }
    if (news.events && news.events.device === store.watched?.id) store.watched.add(news.events.events);
    if (news.twin && news.twin.device === store.watched?.id) store.watched.twin = news.twin.twin;
    if (news.missed !== undefined) store.missed = news.missed;
    store.changed();
  }
}

/** Trades a key in the address for the cookie; why it could not be, or null. */
export async function enter(): Promise<string | null> {
  try {
    await openSession();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
