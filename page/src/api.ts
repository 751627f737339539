// Calls of the emulator. Every one carries the cookie, which no script sees.

/** What the emulator said when it would not. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Puts a call. `json` is the body as text: numbers in it stay as they were typed. */
export async function call(method: string, path: string, json?: string): Promise<unknown> {
  const request: RequestInit = { method, cache: "no-store" };
  if (json !== undefined) {
    request.body = json;
    request.headers = { "content-type": "application/json" };
  }
  let answer: Response;
  try {
    answer = await fetch(`/api/${path}`, request);
  } catch {
    throw new Refusal(0, "The emulator does not answer. Is it running?");
  }
  const text = await answer.text();
  if (answer.ok) {
    const type = answer.headers.get("content-type") ?? "";
    return type.startsWith("application/json") ? JSON.parse(text) : text;
  }
  throw new Refusal(answer.status, reason(text) ?? `The emulator answered with status ${answer.status}.`);
}

function reason(text: string): string | null {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === "string" ? sentence(error) : null;
  } catch {
    return null;
  }
}

/** As a sentence: the emulator's errors are halves of one. */
function sentence(text: string): string {
  const end = /[.!?]$/.test(text) ? "" : ".";
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${end}`;
}

/** A device, and the hub it is in; null for the emulator's own. */
export interface Whose {
  readonly hub: string | null;
  readonly id: string;
}

/** The place of something of a hub. */
export function at(hub: string | null, path: string): string {
  return hub === null ? path : `hub/${encodeURIComponent(hub)}/${path}`;
}

/** The place of a device, or of something of it. */
export function of({ hub, id }: Whose, part = ""): string {
  return at(hub, `device${part && `/${part}`}?id=${encodeURIComponent(id)}`);
}

/** An error as a person reads it. */
export function told(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Trades the key in the link for the cookie, and takes it out of the address bar. True if a key was there. */
export async function openSession(): Promise<boolean> {
  const key = /^#access=([\w-]+)$/.exec(location.hash)?.[1];
  if (!key) return false;
  history.replaceState(null, "", "/");
  await call("POST", "session", JSON.stringify({ access: key }));
  return true;
}
