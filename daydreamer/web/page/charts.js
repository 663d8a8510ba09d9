// The charts over the run's whole length, drawn by uPlot. What is off the screen is drawn when it comes into view.
import { colour, element, seriesColour, short } from "./format.js";

const HEIGHT = 180;
const sync = "run";

export class Charts {
  constructor() {
    this.series = {}; // by metric: one value per bin
    this.generation = -1;
    this.views = [];
    this.axis = "robot/minutes";
    addEventListener("theme", () => this.views.forEach((view) => view.rebuild()));
  }

  define(charts) {
    if (this.views.length) return;
    this.views = charts.map((chart) => new View(chart, this));
  }

  setAxis(axis) {
    this.axis = axis;
    this.views.forEach((view) => view.rebuild());
  }

  // The server sends bins from `begin` on; a new generation sends them all.
  take({ generation, begin, end, series }) {
    if (generation !== this.generation || begin === 0) this.series = {};
    this.generation = generation;
    for (const name of new Set([...Object.keys(this.series), ...Object.keys(series)])) {
      const kept = (this.series[name] || []).slice(0, begin);
      while (kept.length < begin) kept.push(null);
      const fresh = series[name] || new Array(end - begin).fill(null);
      this.series[name] = kept.concat(fresh);
    }
    this.views.forEach((view) => view.changed());
  }

  // The metrics of a chart that have come, each with its label.
  expand(chart) {
    const found = [];
    for (const [pattern, label] of chart.series) {
      const prefix = pattern.endsWith("*") ? pattern.slice(0, -1) : null;
      for (const name of Object.keys(this.series)) {
        if (name === pattern) found.push([name, label]);
        else if (prefix && name.startsWith(prefix)) found.push([name, name.slice(prefix.length).replace("_", " ")]);
      }
    }
    return found;
  }
}

class View {
  constructor(chart, charts) {
    this.chart = chart;
    this.charts = charts;
    this.box = element("div", "", { class: "chart", id: `chart-${chart.key}` });
    const title = element("h3", chart.title);
    if (chart.unit) title.append(element("span", ` ${chart.unit}`, { class: "hint" }));
    this.legend = element("ul", "", { class: "legend" });
    this.plot = element("div", "", { class: "plot" });
    this.plot.append(element("div", "nothing yet", { class: "empty" }));
    this.box.append(title, this.legend, this.plot, reading(chart));
    document.querySelector(`#${chart.section} > .charts`).append(this.box);
    this.visible = false;
    new IntersectionObserver(([entry]) => {
      this.visible = entry.isIntersecting;
      if (this.visible && this.stale) this.draw();
    }, { rootMargin: "200px" }).observe(this.box);
    new ResizeObserver(() => this.uplot?.setSize({ width: this.plot.clientWidth, height: HEIGHT })).observe(this.plot);
  }

  changed() {
    this.stale = true;
    if (this.visible) this.draw();
  }

  rebuild() {
    this.names = "";
    this.changed();
  }

  draw() {
    this.stale = false;
    const { charts, chart } = this;
    const shown = charts.expand(chart);
    const x = charts.series[charts.axis];
    if (!x || !shown.length) return;
    const kept = lastOfEach(x);
    const at = (values) => (kept ? kept.map((k) => values[k]) : values);
    const positive = (values) => values.map((v) => (v !== null && v > 0 ? v : null));
    this.data = [at(x), ...shown.map(([name]) => at(chart.log ? positive(charts.series[name]) : charts.series[name]))];
    const names = shown.map(([name]) => name).join();
    if (names === this.names) {
      const { data: [[first, ...others]], scales: { x: { min, max } } } = this.uplot;
      const zoomed = min > first || max < others.at(-1);
      this.uplot.setData(this.data, !zoomed);
      if (zoomed) this.uplot.setScale("x", { min, max });
    } else {
      this.names = names;
      this.uplot?.destroy();
      this.plot.replaceChildren();
      this.fillLegend(shown);
      this.uplot = new uPlot(options(chart, shown, charts.axis === "time", this), this.data, this.plot);
    }
    this.tell(null);
  }

  fillLegend(shown) {
    this.values = shown.map(([, label], index) => {
      const item = element("li");
      const value = element("b");
      const swatch = element("i");
      swatch.style.background = seriesColour(index);
      item.append(swatch, label, value);
      this.legend.append(item);
      return value;
    });
    this.legend.replaceChildren(...this.values.map((value) => value.parentElement));
  }

  // The values under the pointer, else the newest ones.
  tell(index) {
    this.values?.forEach((value, k) => {
      const values = this.data[k + 1];
      value.textContent = short(index === null || index === undefined ? values.findLast((v) => v !== null) : values[index]);
    });
  }
}

// The robot's time stands still while the learner catches up, and a curve has one value at each moment: the last.
// Gives the indices to draw, or nothing where all are.
function lastOfEach(x) {
  const kept = x.map((_, k) => k).filter((k) => k === x.length - 1 || x[k] !== x[k + 1]);
  return kept.length < x.length ? kept : null;
}

// A single value has no line: it is drawn as a point.
const lonely = (u, series) => u.data[series].filter((v) => v !== null && v !== undefined).length === 1;

function reading(chart) {
  const details = element("details");
  const healthy = element("p");
  healthy.append(element("b", "healthy "), chart.healthy);
  const ill = element("p");
  ill.append(element("b", "ill ", { class: "ill" }), chart.ill);
  details.append(element("summary", "how to read"), healthy, ill);
  return details;
}

export function axes(x = {}, y = {}) {
  const look = {
    stroke: colour("soft"), font: "12px system-ui, sans-serif",
    grid: { stroke: colour("faint"), width: 1 }, ticks: { stroke: colour("line"), size: 4, width: 1 },
  };
  return [{ ...look, size: 30, space: 75, ...x }, { ...look, size: 46, values: (u, ticks) => ticks.map(tick), ...y }];
}

const tick = (value) => (value === null ? "" : Math.abs(value) >= 1e4 || (value && Math.abs(value) < 1e-3) ? value.toExponential(0) : String(+value.toPrecision(4)));

function options(chart, shown, wall, view) {
  return {
    width: view.plot.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { sync: { key: sync }, y: false, points: { size: 7 } },
    scales: { x: { time: wall }, y: chart.log ? { distr: 3 } : { range: range(chart.low, chart.high) } },
    axes: axes(wall ? {} : { values: (u, ticks) => ticks.map((t) => `${+t.toPrecision(5)} min`) }),
    series: [{}, ...shown.map(([, label], index) => ({
      label, stroke: seriesColour(index), width: 2, spanGaps: true, points: { show: lonely, size: 6 },
    }))],
    hooks: { setCursor: [(u) => view.tell(u.cursor.idx)] },
  };
}

export const range = (low, high) => (u, min, max) => {
  if (min === null || max === null) [min, max] = [low ?? 0, high ?? 1];
  if (low !== null && low !== undefined) min = Math.min(min, low);
  if (high !== null && high !== undefined) max = Math.max(max, high);
  if (min === max) [min, max] = [min - 0.5, max + 0.5];
  const room = 0.06 * (max - min);
  return [min === low ? min : min - room, max === high && max === 1 ? max + room / 2 : max + room];
};
