// A robot drawn from its joints: hips, knees and feet as points in the world, metres, z up.
import { colour } from "./format.js";

const HALF_BODY = 0.055; // m, half of the body's height
const add = (a, b, k = 1) => [a[0] + k * b[0], a[1] + k * b[1], a[2] + k * b[2]];
const sub = (a, b) => add(a, b, -1);
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const unit = (a) => a.map((v) => v / (Math.hypot(...a) || 1));

// A canvas that is as sharp as the screen, cleared; gives its context and size in CSS pixels.
export function prepare(canvas) {
  const ratio = devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

// `legs[leg][point]`, legs FR FL RR RL, points hip, thigh joint, knee, foot. `down[leg]`: the foot is loaded.
export function drawRobot(canvas, legs, { azimuth = -0.9, elevation = 0.22, down = [], tint = "s0" } = {}) {
  const { context, width, height } = prepare(canvas);
  if (!width || !legs) return;
  const centre = legs.reduce((sum, leg) => add(sum, leg[0], 0.25), [0, 0, 0]);
  const scale = Math.min(width / 0.95, height / 0.62);
  const [ca, sa, ce, se] = [Math.cos(azimuth), Math.sin(azimuth), Math.cos(elevation), Math.sin(elevation)];
  const look = ([x, y, z]) => {
    const [dx, dy, dz] = [x - centre[0], y - centre[1], z - 0.2];
    const right = ca * dx + sa * dy;
    const deep = -sa * dx + ca * dy;
    return { x: width / 2 + scale * right, y: height / 2 - scale * (ce * dz + se * deep), deep: ce * deep - se * dz };
  };
  floor(context, look, centre);
  const parts = [...body(legs, look, tint), ...limbs(legs, look, scale, down)];
  parts.sort((a, b) => b.deep - a.deep).forEach((part) => part.draw(context));
}

function floor(context, look, centre) {
  context.strokeStyle = colour("line");
  context.lineWidth = 1;
  const step = 0.2;
  for (let k = -3; k <= 3; k += 1) {
    for (const line of [[[k, -3], [k, 3]], [[-3, k], [3, k]]]) {
      const [a, b] = line.map(([x, y]) => look([centre[0] + step * x, centre[1] + step * y, 0]));
      context.beginPath();
      context.moveTo(a.x, a.y);
      context.lineTo(b.x, b.y);
      context.stroke();
    }
  }
}

function body(legs, look, tint) {
  const [fr, fl, rr, rl] = legs.map((leg) => leg[0]);
  const up = unit(cross(sub(fr, rr), sub(fl, fr)));
  const ring = [fr, fl, rl, rr];
  const face = (points, fill) => {
    const seen = points.map(look);
    return { deep: seen.reduce((sum, p) => sum + p.deep, 0) / seen.length, draw: (c) => polygon(c, seen, fill) };
  };
  const top = ring.map((p) => add(p, up, HALF_BODY));
  const bottom = ring.map((p) => add(p, up, -HALF_BODY));
  const sides = ring.map((p, k) => [top[k], top[(k + 1) % 4], bottom[(k + 1) % 4], bottom[k]]);
  // The back is coloured and carries an arrow ahead, the belly is grey: how it lies is seen at once.
  const [ahead, left] = [sub(fr, rr), sub(fl, fr)];
  const on = (along, across) => add(add(add(rr, ahead, along), left, across), up, HALF_BODY + 0.002);
  const arrow = [on(0.62, 0.2), on(0.92, 0.5), on(0.62, 0.8)];
  return [
    face(top, colour(tint)), face(bottom, colour("faint")),
    ...sides.map((side, k) => face(side, k === 0 ? colour("ink") : colour("off"))),
    { ...face(arrow, colour("card")), deep: face(top).deep - 0.001 },
  ];
}

function polygon(context, points, fill) {
  context.beginPath();
  points.forEach((p, k) => (k ? context.lineTo(p.x, p.y) : context.moveTo(p.x, p.y)));
  context.closePath();
  context.fillStyle = fill;
  context.fill();
  context.strokeStyle = colour("card");
  context.lineWidth = 1;
  context.stroke();
}

function limbs(legs, look, scale, down) {
  const parts = [];
  legs.forEach((leg, number) => {
    const seen = leg.map(look);
    const widths = [0.045, 0.036, 0.024];
    for (let k = 0; k < 3; k += 1) {
      const [a, b] = [seen[k], seen[k + 1]];
      parts.push({ deep: (a.deep + b.deep) / 2, draw: (c) => stroke(c, a, b, scale * widths[k], number % 2 ? colour("soft") : colour("ink")) });
    }
    const foot = seen[3];
    parts.push({ deep: foot.deep - 0.01, draw: (c) => disc(c, foot, scale * 0.021, down[number] ? colour("good") : colour("off")) });
  });
  return parts;
}

function stroke(context, a, b, width, style) {
  context.beginPath();
  context.moveTo(a.x, a.y);
  context.lineTo(b.x, b.y);
  context.lineCap = "round";
  context.lineWidth = Math.max(2, width);
  context.strokeStyle = style;
  context.stroke();
}

function disc(context, p, radius, fill) {
  context.beginPath();
  context.arc(p.x, p.y, Math.max(3, radius), 0, 7);
  context.fillStyle = fill;
  context.fill();
}
