// What the contract leaves to its callers.

const DRAWS = 1n << 64n;

/** An integer from low to high, each as likely as the others. */
export function randomIn(host, low, high) {
  const choices = BigInt(high - low + 1);
  // 2^64 is rarely a multiple of `choices`: what lies beyond the last multiple would favour the low values.
  const end = DRAWS - (DRAWS % choices);
  for (;;) {
    const drawn = host.random.next();
    if (drawn < end) {
      return low + Number(drawn % choices);
    }
  }
}

/** Queues something for the cloud; what the host refuses goes to the log. True when it was taken. */
export function attempt(host, what, queue) {
  try {
    queue();
    return true;
  } catch (error) {
    host.logging.log("warn", `${what} was not sent: ${why(error)}`);
    return false;
  }
}

/** `component.name`, or the name alone. */
export function memberName({ component, name }) {
  return component == null ? name : `${component}.${name}`;
}

/** The words for a `send-error`, which an Error carries. Any other is this device's own mistake and goes on its way. */
function why(error) {
  const { tag, val } = error.payload ?? {};
  switch (tag) {
    case "outbox-full":
      return "the outbox is full";
    case "too-large":
      return `larger than the ${val} bytes the cloud takes`;
    case "invalid":
      return val;
    default:
      throw error;
  }
}
