// The sections Robot and Time: what the newest telemetry says.
import { colour, element, finite, fixed, short, steady } from "./format.js";
import { drawRobot, prepare } from "./figure.js";
import { fill, worst } from "./now.js";

const $ = (id) => document.getElementById(id);
const WARM = 50; // degC, where the robot's own safety begins to warn
const HOTTEST = 70; // degC, the end of the bar
const PARTS = ["late", "sense", "estimate", "observe", "policy", "write"];

export class Robot {
  constructor() {
    this.hz = 20;
    this.azimuth = -0.9;
    this.elevation = 0.22;
    this.seen = { robot: false, time: false };
    const looking = new IntersectionObserver((entries) => {
      for (const entry of entries) this.seen[entry.target.id] = entry.isIntersecting;
      this.draw();
    });
    looking.observe($("robot"));
    looking.observe($("time"));
    this.turning();
    addEventListener("theme", () => this.draw());
    addEventListener("resize", () => this.draw());
  }

  show(list) {
    this.robot = worst(list);
    const there = this.robot && this.robot.age !== null;
    $("robot-body").hidden = $("time-body").hidden = !there;
    $("robot-note").textContent = there ? "" : this.robot?.problem || "No robot is connected.";
    this.draw();
  }

  draw() {
    const { robot } = this;
    if (!robot || robot.age === null) return;
    if (this.seen.robot) {
      drawRobot($("pose"), robot.figure, { azimuth: this.azimuth - robot.trail.yaw, elevation: this.elevation, down: robot.foot_contact });
      this.feet(robot);
      trail($("trail"), robot.trail);
      $("trail-hint").textContent = robot.trail.true ? "the stand-in's truth" : "estimated speed added up: it drifts";
      joints(robot);
    }
    if (this.seen.time) {
      this.step(robot.times);
      clocks(robot);
      lateness(robot.lateness);
    }
  }

  feet(robot) {
    fill($("feet"), robot.foot_names.map((name, k) => element("span", `${name} ${short(robot.foot_force[k])}`, { class: robot.foot_contact[k] ? "foot down" : "foot" })));
  }

  // The parts of one control step as shares of its period.
  step(times) {
    const period = 1000 / this.hz;
    const names = [...PARTS.filter((name) => name in times), ...Object.keys(times).filter((n) => !PARTS.includes(n) && n !== "period")];
    $("step-total").textContent = `of ${short(period)} ms; the rest is free${finite(times.period) ? `; the last period took ${short(times.period)} ms` : ""}`;
    fill($("step-bar"), names.map((name, k) => element("i", "", { title: name, style: `width:${Math.min(100, (100 * times[name]) / period)}%;background:var(--s${k % 8})` })));
    fill($("step-legend"), names.map((name, k) => {
      const item = element("li");
      item.append(element("i", "", { style: `background:var(--s${k % 8})` }), name, element("b", `${fixed(times[name], 2)} ms`));
      return item;
    }));
  }

  // The pose turns with the pointer and with the arrow keys.
  turning() {
    const canvas = $("pose");
    canvas.addEventListener("pointermove", (event) => {
      if (!event.buttons) return;
      this.turn(event.movementX * 0.01, event.movementY * 0.01);
    });
    canvas.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
      if (!by) return;
      event.preventDefault();
      this.turn(...by);
    });
  }

  turn(azimuth, elevation) {
    this.azimuth -= azimuth;
    this.elevation = Math.min(1.5, Math.max(0, this.elevation + elevation));
    this.draw();
  }
}

// What else takes time: the way to the learner, and the robot's own servo.
function clocks({ link, servo }) {
  const rows = [["rows become durable after", finite(link?.ack) ? `${(1000 * link.ack).toFixed(0)} ms` : "–"]];
  if (finite(servo?.late_p99_ms)) {
    rows.push(["servo ticks", `${fixed(servo.rate_hz, 0)} per second, ${servo.missed} missed`]);
    rows.push(["they begin late by", `median ${fixed(servo.late_p50_ms, 2)}, 99 % ${fixed(servo.late_p99_ms, 2)}, most ${fixed(servo.late_max_ms, 1)} ms`]);
  }
  fill($("clocks"), rows.flatMap(([name, text]) => [element("dt", name), element("dd", text)]));
}

function trail(canvas, { points, yaw }) {
  const { context, width, height } = prepare(canvas);
  if (!width || !points.length) return;
  const xs = points.map((p) => p[0]);
  const ys = points.map((p) => p[1]);
  const middle = [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
  const span = Math.max(1, 1.25 * (Math.max(...xs) - Math.min(...xs)), 1.25 * (Math.max(...ys) - Math.min(...ys)) * (width / height));
  const scale = width / span;
  const place = ([x, y]) => [width / 2 + scale * (x - middle[0]), height / 2 - scale * (y - middle[1])];
  const metres = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50].find((m) => m * scale > 45) || 100;
  grid(context, width, height, place, scale, metres, middle);
  context.beginPath();
  points.forEach((p, k) => context[k ? "lineTo" : "moveTo"](...place(p)));
  context.strokeStyle = colour("s0");
  context.lineWidth = 2.5;
  context.lineJoin = "round";
  context.stroke();
  const [x, y] = place(points[points.length - 1]);
  context.save();
  context.translate(x, y);
  context.rotate(-yaw);
  context.beginPath();
  [[13, 0], [-8, 7], [-4, 0], [-8, -7]].forEach(([a, b], k) => context[k ? "lineTo" : "moveTo"](a, b));
  context.closePath();
  context.fillStyle = colour("s1");
  context.fill();
  context.restore();
}

function grid(context, width, height, place, scale, metres, middle) {
  context.strokeStyle = colour("faint");
  context.lineWidth = 1;
  const half = [width / 2 / scale, height / 2 / scale];
  for (const axis of [0, 1]) {
    for (let k = Math.ceil((middle[axis] - half[axis]) / metres); k * metres < middle[axis] + half[axis]; k += 1) {
      const [x, y] = place(axis ? [0, k * metres] : [k * metres, 0]);
      context.beginPath();
      context.moveTo(...(axis ? [0, y] : [x, 0]));
      context.lineTo(...(axis ? [width, y] : [x, height]));
      context.stroke();
    }
  }
  context.fillStyle = colour("soft");
  context.font = "13px system-ui, sans-serif";
  context.fillText(`one square: ${metres} m`, 8, height - 8);
}

function joints(robot) {
  const legs = new Map(); // by the first word of their joints' names
  robot.joint_names.forEach((name, k) => {
    const [leg, ...rest] = name.split("_");
    if (!legs.has(leg)) legs.set(leg, [row("head", [leg, "angle in its limits, target", "torque", "°C"].map((text) => element("span", text)))]);
    legs.get(leg).push(row("", [element("span", rest.join(" ") || leg), angle(robot, k), torque(robot, k), heat(robot.temperature[k])]));
  });
  fill($("joints"), [...legs.values()].map((rows) => {
    const box = element("div");
    box.append(...rows);
    return box;
  }));
}

function row(kind, cells) {
  const line = element("div", "", { class: `joint ${kind}` });
  line.append(...cells);
  return line;
}

function track(i, text, near, target) {
  const box = element("div", "", { class: near ? "track near" : "track" });
  box.append(element("i", "", { style: `left:${i[0].toFixed(1)}%;width:${Math.max(0.5, i[1] - i[0]).toFixed(1)}%` }));
  if (finite(target)) box.append(element("u", "", { style: `left:${target.toFixed(1)}%` }));
  box.append(element("span", text));
  return box;
}

function angle({ joint_pos: pos, joint_target: target, joint_lower: lower, joint_upper: upper }, k) {
  const share = (value) => (finite(value) ? 100 * Math.min(1, Math.max(0, (value - lower[k]) / (upper[k] - lower[k]))) : NaN);
  const at = share(pos[k]);
  return track([at - 1.5, at + 1.5], steady(pos[k]), at < 3 || at > 97, share(target[k]));
}

function torque({ joint_torque: torques, max_torque: most }, k) {
  const share = Math.min(1, Math.max(-1, torques[k] / most[k]));
  return track([50 + 50 * Math.min(0, share), 50 + 50 * Math.max(0, share)], `${fixed(torques[k], 1)} N m`, Math.abs(share) > 0.9);
}

const heat = (degrees) => track([0, (100 * Math.min(degrees, HOTTEST)) / HOTTEST], fixed(degrees, 0), degrees >= WARM);

function lateness({ edges, counts }) {
  const most = Math.max(1, ...counts);
  const box = element("div", "", { class: "bins" });
  counts.forEach((count, k) => {
    const bin = element("div", "", { class: edges[k - 1] >= 10 ? "late" : "", title: `${count}` });
    bin.append(element("span", count ? String(count) : ""), element("i", "", { style: `height:${(75 * count) / most}%` }),
      element("span", k < edges.length ? `<${edges[k]}` : `≥${edges[edges.length - 1]}`));
    box.append(bin);
  });
  fill($("late"), [box]);
}
