// What one instance hands to the next: JSON in ASCII. QuickJS has neither TextEncoder nor TextDecoder.

/** Bytes. What is saved here is shorter. */
const LONGEST = 1000;

export function write({ count, step }) {
  return Uint8Array.from(JSON.stringify({ count, step }), (character) => character.charCodeAt(0));
}

/** Null for what is no count and step. */
export function restore(saved) {
  if (saved.length > LONGEST) {
    return null;
  }
  try {
    const { count, step } = JSON.parse(String.fromCharCode(...saved));
    return Number.isInteger(count) && Number.isInteger(step) ? { count, step } : null;
  } catch {
    return null;
  }
}
