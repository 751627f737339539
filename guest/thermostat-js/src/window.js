// The readings a report can look back on.

/** The last so many readings, oldest first, in two columns: milliseconds since 1970, and degrees Celsius. */
export class Window {
  #size;

  /** Holds the last `size` of these readings to begin with. */
  constructor(size, times = [], temperatures = []) {
    this.#size = size;
    this.times = times.slice(-size);
    this.temperatures = temperatures.slice(-size);
  }

  /** Takes a reading; the oldest one goes when the window is full. */
  push(at, temperature) {
    if (this.times.length >= this.#size) {
      this.times.shift();
      this.temperatures.shift();
    }
    this.times.push(at);
    this.temperatures.push(temperature);
  }

  /** When the last reading was taken. */
  get newest() {
    return this.times.at(-1);
  }

  /** Sums up the readings taken at `since` or later. None when there are none. */
  since(since) {
    const summary = { oldest: null, highest: -Infinity, lowest: Infinity, mean: null };
    let [sum, count] = [0, 0];
    this.times.forEach((at, index) => {
      if (at >= since) {
        const temperature = this.temperatures[index];
        summary.oldest ??= at;
        summary.highest = Math.max(summary.highest, temperature);
        summary.lowest = Math.min(summary.lowest, temperature);
        sum += temperature;
        count += 1;
      }
    });
    return count ? { ...summary, mean: sum / count } : null;
  }
}
