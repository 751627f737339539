// One series as a line over time, with its latest value beside it.

import uPlot from "uplot";
import { h, setText } from "./dom.ts";
import { clock, number, tick } from "./format.ts";
import { firstAtOrAfter, type Series, scale, summary, thin, ticks } from "./series.ts";

const HEIGHT = 190;

/** Digits of what is measured; the CSV has all of them. */
const DIGITS = 5;

/** What moves all plots. */
export interface Actions {
  /** By a part of the width. */
  pan(part: number): void;
  zoom(factor: number, at?: number): void;
  toggle(): void;
  live(): void;
}

export interface Name {
  title: string;
  /** How the series is called in messages; empty if that is the title. */
  detail: string;
  unit: string;
}

export class Plot {
  private readonly title = h("h3");
  private readonly detail = h("code", { class: "muted" });
  private readonly value = h("span", { class: "value" });
  private readonly unit = h("span", { class: "unit" });
  private readonly below = h("p", { class: "muted below" });
  private readonly canvas = h("div", { class: "canvas", tabindex: "0", role: "img" });
  readonly element = h(
    "section",
    { class: "card plot" },
    h(
      "header",
      {},
      h("div", { class: "names" }, this.title, this.detail),
      h("p", { class: "now" }, this.value, this.unit),
    ),
    this.canvas,
    this.below,
  );
  /** What is in sight, in words. */
  private words = "";
  private plot: uPlot | null = null;
  private inSight = true;
  private readonly sight: IntersectionObserver;

  constructor(
    private readonly series: Series,
    private named: Name,
    private readonly actions: Actions,
  ) {
    this.name(named);
    this.sight = new IntersectionObserver(([entry]) => {
      this.inSight = entry?.isIntersecting ?? true;
    });
    this.sight.observe(this.element);
    this.canvas.setAttribute("aria-keyshortcuts", "ArrowLeft ArrowRight + - Space End");
    this.listen();
  }

  name(named: Name): void {
    this.named = named;
    setText(this.title, named.title);
    setText(this.detail, named.detail);
    setText(this.unit, named.unit);
  }

  /** Draws the part of time from `min` to `max`. One that is out of sight keeps its words up to date alone. */
  draw(min: number, max: number): void {
    const from = firstAtOrAfter(this.series.times, min);
    const to = firstAtOrAfter(this.series.times, max + 1);
    const found = summary(this.series, from, to);
    const unit = this.named.unit && ` ${this.named.unit}`;
    this.words = found
      ? `lowest ${number(found.low, DIGITS)}${unit}, mean ${number(found.mean, DIGITS)}${unit}, highest ${number(found.high, DIGITS)}${unit}`
      : "nothing in this time";
    this.canvas.setAttribute("aria-label", `${this.named.title} from ${clock(min)} to ${clock(max)}: ${this.words}`);
    const width = this.canvas.clientWidth;
    if (this.inSight && width > 0) this.paint(min, max, width);
    this.tell();
  }

  private paint(min: number, max: number, width: number): void {
    this.plot ??= this.make(width);
    if (this.plot.width !== width) this.plot.setSize({ width, height: HEIGHT });
    const within = this.series.within(min, max);
    const data = thin(this.series, within.from, within.to, width);
    this.plot.batch(() => {
      this.plot?.setData(data, false);
      this.plot?.setScale("x", { min, max });
    });
  }

  /** Takes on other colours. */
  rebuild(): void {
    this.plot?.destroy();
    this.plot = null;
  }

  dispose(): void {
    this.sight.disconnect();
    this.rebuild();
  }

  private make(width: number): uPlot {
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const font = "12px system-ui, sans-serif";
    const grid = { stroke: colour("--line"), width: 1 };
    const axis = { stroke: colour("--muted"), font, grid, ticks: { show: false } };
    const stroke = colour("--accent");
    return new uPlot(
      {
        width,
        height: HEIGHT,
        ms: 1,
        padding: [10, 30, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
        scales: { x: { time: true }, y: { range: (_, min, max) => scale(min, max) } },
        series: [
          {},
          {
            stroke,
            width: 1.75,
            points: { show: (plot) => plot.data[0].length < width / 14, size: 5, fill: stroke },
          },
        ],
        axes: [
          {
            ...axis,
            space: 74,
            size: 30,
            values: (plot, splits) => {
              const { min, max } = plot.scales.x ?? {};
              return splits.map((at) => tick(at, (max ?? 0) - (min ?? 0)));
            },
          },
          {
            ...axis,
            size: 56,
            space: 20,
            // Not used by the splits below, but asked for; below 5, only those of uPlot's own table are taken.
            incrs: (_plot, _axis, min, max) => [Math.max(5, (max - min) / 4)],
            splits: (_plot, _axis, min, max) => ticks(min, max),
            values: (_plot, splits) => splits.map((value) => number(value)),
          },
        ],
        hooks: { setCursor: [() => this.tell()] },
      },
      [[], []],
      this.canvas,
    );
  }

  /** Shows the value under the pointer, or the latest one where there is no pointer. */
  private tell(): void {
    const index = this.plot?.cursor.idx ?? -1;
    const [at, value] = [this.plot?.data[0][index], this.plot?.data[1]?.[index]];
    const pointed = at !== undefined && value !== undefined && value !== null;
    const { latest } = this.series;
    if (pointed) setText(this.value, number(value));
    else setText(this.value, latest === undefined ? "–" : number(latest, DIGITS));
    setText(this.below, pointed ? `at ${clock(at, true)}` : this.words);
  }

  private listen(): void {
    const { canvas, actions } = this;
    const fingers = new Map<number, number>();
    const part = (x: number) => x / (canvas.clientWidth || 1);
    const place = (x: number) => part(x - canvas.getBoundingClientRect().left);
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      fingers.set(event.pointerId, event.clientX);
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (before === undefined || before === event.clientX) return;
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
      fingers.set(event.pointerId, event.clientX);
      if (other === undefined) actions.pan(part(before - event.clientX));
      else {
        const apart = Math.max(8, Math.abs(event.clientX - other));
        actions.zoom(Math.max(8, Math.abs(before - other)) / apart, place((event.clientX + other) / 2));
      }
    });
    for (const name of ["pointerup", "pointercancel"] as const) {
      canvas.addEventListener(name, (event) => fingers.delete(event.pointerId));
    }
    canvas.addEventListener("dblclick", () => actions.live());
    canvas.addEventListener(
      "wheel",
      (event) => {
        // The page scrolls as ever: only with a key held, or pinched, or sideways, the wheel is for the plot.
        if (event.ctrlKey || event.metaKey) actions.zoom(1.0015 ** event.deltaY, place(event.clientX));
        else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) actions.pan(part(event.deltaX));
        else return;
        event.preventDefault();
      },
      { passive: false },
    );
    const keys: Record<string, () => void> = {
      ArrowLeft: () => actions.pan(-0.25),
      ArrowRight: () => actions.pan(0.25),
      "+": () => actions.zoom(0.5),
      "-": () => actions.zoom(2),
      " ": () => actions.toggle(),
      End: () => actions.live(),
    };
    canvas.addEventListener("keydown", (event) => {
      const act = keys[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    });
  }
}
