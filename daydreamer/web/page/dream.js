// What the model predicts with its eyes closed, beside what came.
import { axes, range } from "./charts.js";
import { drawRobot } from "./figure.js";
import { colour, element, seriesColour, short } from "./format.js";
import { Paced } from "./paced.js";
import { get } from "./stream.js";

const $ = (id) => document.getElementById(id);
const HEIGHT = 180;
const TITLES = { reward: "Reward", gravity: "Which way is down", gyro: "Turning speed", joint_pos: "Joint angles", joint_vel: "Joint speeds", velocity: "Speed of the body", target: "Joint targets" };
const ORDER = ["reward", "gravity", "joint_pos", "gyro", "velocity", "joint_vel", "target"];
const LEGS = ["FR", "FL", "RR", "RL"];

export class Dream {
  constructor() {
    this.sequence = 0;
    this.leg = "FR";
    this.playing = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.plots = [];
    $("play").textContent = this.playing ? "hold" : "play";
    $("play").addEventListener("click", () => {
      this.playing = !this.playing;
      $("play").textContent = this.playing ? "hold" : "play";
      this.pace?.soon();
    });
    $("step").addEventListener("input", () => {
      this.playing = false;
      $("play").textContent = "play";
      this.frame(+$("step").value);
    });
    new IntersectionObserver(([entry]) => { this.visible = entry.isIntersecting; this.refresh(); this.pace?.soon(); }, { rootMargin: "100px" }).observe($("dream"));
    document.addEventListener("visibilitychange", () => this.pace?.soon());
    addEventListener("theme", () => this.build());
    $("dream-note").textContent = "Nothing yet: the model's first predictions come with the first checkpoint.";
  }

  stamp(stamp) {
    this.newest = stamp;
    this.refresh();
  }

  // Asks for the predictions only when somebody looks, and only when there are new ones.
  async refresh() {
    const key = `${this.newest}/${this.sequence}`;
    if (!this.visible || !this.newest || this.key === key) return;
    this.key = key;
    try {
      this.data = await get(`api/dream?sequence=${this.sequence}`);
    } catch {
      this.key = null;
      return;
    }
    if (this.data) this.build();
  }

  build() {
    const { data } = this;
    if (!data) return;
    $("dream-body").hidden = false;
    const shown = (data.context / data.hz).toFixed(1);
    const length = data.first.length - data.context;
    $("dream-note").textContent = `The model is shown ${data.context} steps (${shown} s), then predicts ${length} more from the actions alone. `
      + `After ${data.updates.toLocaleString("en")} updates, ${data.rows.toLocaleString("en")} rows.`;
    this.choose(data);
    this.lines(data);
    images(data);
    document.querySelector("#dream-body .pair").hidden = !data.figures;
    $("step").max = data.first.length - 1;
    this.pace ||= new Paced(() => this.play(), 1000 / data.hz);
    this.pace.soon();
    this.frame(Math.min(this.at ?? 0, data.first.length - 1));
  }

  choose({ sequences }) {
    $("sequences").replaceChildren(...Array.from({ length: sequences }, (_, k) => {
      const button = element("button", `${k + 1}`, { "aria-pressed": k === this.sequence, "aria-label": `sequence ${k + 1}` });
      button.addEventListener("click", () => { this.sequence = k; this.refresh(); });
      return button;
    }));
  }

  play() {
    if (!this.playing || !this.visible || document.hidden) return;
    this.frame((this.at + 1) % this.data.first.length);
    setTimeout(() => this.pace.soon());
  }

  frame(at) {
    const { data } = this;
    this.at = at;
    $("step").value = at;
    const unseen = at - data.context + 1;
    $("step-words").textContent = unseen <= 0 ? `step ${at + 1}: it is shown this` : `step ${at + 1}: ${(unseen / data.hz).toFixed(2)} s unseen`;
    if (!data.figures) return;
    drawRobot($("truth-figure"), data.figures.truth[at], { tint: "s2" });
    drawRobot($("guess-figure"), data.figures.guess[at - data.context] || data.figures.truth[at], { tint: unseen > 0 ? "s1" : "s2" });
  }

  lines(data) {
    this.plots.forEach((plot) => plot.destroy());
    this.plots = [];
    $("dream-lines").replaceChildren();
    this.error(data);
    const keys = Object.keys(data.keys).sort((a, b) => (ORDER.indexOf(a) + 99) % 99 - (ORDER.indexOf(b) + 99) % 99);
    for (const key of keys) this.compare(key, data);
  }

  card(title, hint = "") {
    const box = element("div", "", { class: "chart" });
    const head = element("h3", title);
    head.append(element("span", hint, { class: "hint" }));
    const legend = element("ul", "", { class: "legend" });
    const plot = element("div", "", { class: "plot" });
    box.append(head, legend, plot);
    $("dream-lines").append(box);
    return { head, legend, plot };
  }

  error({ error, hz }) {
    const { legend, plot } = this.card("How the error grows", " 1 is the spread of what came");
    const keys = Object.keys(error);
    const x = error[keys[0]].map((_, k) => (k + 1) / hz);
    legend.replaceChildren(...keys.map((key, k) => item(key.replace("_", " "), seriesColour(k), short(error[key].at(-1)))));
    const series = keys.map((key, k) => ({ stroke: seriesColour(k), width: 2, points: { show: false } }));
    this.plot(plot, [x, ...keys.map((key) => error[key])], series, range(0, 1), []);
  }

  compare(key, data) {
    const { labels, truth, guess } = data.keys[key];
    const byLeg = labels.length === 12;
    const { head, legend, plot } = this.card(TITLES[key] || key.replace("_", " "));
    if (byLeg) head.append(this.legs());
    const chosen = labels.map((label, k) => k).filter((k) => !byLeg || labels[k].startsWith(this.leg));
    const x = data.first.map((_, k) => (k + 1 - data.context) / data.hz);
    const empty = new Array(data.context).fill(null);
    const lines = chosen.flatMap((k) => [truth[k], [...empty, ...guess[k]]]);
    const series = chosen.flatMap((k, n) => [
      { stroke: seriesColour(n), width: 3, alpha: 0.4, points: { show: false } },
      { stroke: seriesColour(n), width: 2, dash: [5, 4], points: { show: false } },
    ]);
    legend.replaceChildren(...chosen.map((k, n) => item(labels[k].split("_").pop() || "truth", seriesColour(n), "")), element("li", "dashed: imagined"));
    this.plot(plot, [x, ...lines], series, range(null, null), data.first.map((is, k) => (is && k ? x[k] : null)).filter((v) => v !== null));
  }

  legs() {
    const box = element("span", "", { class: "segmented", style: "float:right;font-size:.8rem" });
    for (const leg of LEGS) {
      const button = element("button", leg, { "aria-pressed": leg === this.leg, style: "padding:.1rem .5rem" });
      button.addEventListener("click", () => { this.leg = leg; this.lines(this.data); });
      box.append(button);
    }
    return box;
  }

  // `breaks`: where a new stretch begins, which no prediction can know.
  plot(parent, lines, series, yRange, breaks) {
    const made = new uPlot({
      width: parent.clientWidth, height: HEIGHT, legend: { show: false }, cursor: { y: false, points: { size: 7 } },
      scales: { x: { time: false }, y: { range: yRange } },
      axes: axes({ values: (u, ticks) => ticks.map((t) => `${+t.toFixed(2)} s`) }),
      series: [{}, ...series],
      hooks: { drawClear: [(u) => shade(u, breaks)] },
    }, lines, parent);
    this.plots.push(made);
    new ResizeObserver(() => made.setSize({ width: parent.clientWidth, height: HEIGHT })).observe(parent);
  }
}

// What the model was shown lies left of zero.
function shade(u, breaks) {
  const { ctx, bbox } = u;
  const zero = Math.min(u.valToPos(0, "x", true), bbox.left + bbox.width);
  ctx.save();
  if (u.scales.x.min < 0) {
    ctx.fillStyle = colour("faint");
    ctx.fillRect(bbox.left, bbox.top, zero - bbox.left, bbox.height);
  }
  ctx.strokeStyle = colour("bad");
  for (const at of breaks) {
    const x = u.valToPos(at, "x", true);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

function item(label, colourOf, value) {
  const made = element("li");
  const swatch = element("i");
  swatch.style.background = colourOf;
  made.append(swatch, label, element("b", value));
  return made;
}

function images(data) {
  $("dream-images").replaceChildren();
  for (const [key, { height, width, truth, guess }] of Object.entries(data.images)) {
    const card = element("div", "", { class: "card" });
    card.append(element("h3", `${key}: what came, and below what it imagined`));
    for (const frames of [truth, guess]) {
      const row = element("div", "", { class: "frames" });
      for (const frame of frames) row.append(picture(frame, width, height));
      card.append(row);
    }
    $("dream-images").append(card);
  }
}

function picture(base64, width, height) {
  const canvas = element("canvas", "", { width, height });
  const rgb = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const pixels = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let k = 0; k < width * height; k += 1) pixels.set(rgb.subarray(3 * k, 3 * k + 3), 4 * k);
  canvas.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
  return canvas;
}
