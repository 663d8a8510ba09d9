// The bar and the first section: is it safe, is it learning.
import { bytes, duration, element, finite, percent, short, steady } from "./format.js";

const $ = (id) => document.getElementById(id);
const OLD = 1.5; // s after which a robot's word is not shown as the present

export class Now {
  constructor() {
    this.robotsNow = [];
    this.statusNow = {};
  }

  hello({ run, preset }) {
    $("run").textContent = [preset, run].filter(Boolean).join("  ");
    document.title = `${preset || "daydreamer"} ${run.split("/").pop()}`;
  }

  status(message) {
    this.statusNow = message;
    $("words").textContent = message.words || "";
    this.alarms(message.alarms);
    this.milestones(message.milestones || []);
    this.events(message.events || []);
    this.draw();
  }

  robots(message) {
    this.robotsNow = message;
    this.draw();
  }

  connecting() {
    this.bar("none", "…", "connecting");
  }

  lost(why, seconds) {
    this.bar("lost", "NO CONNECTION", why, `for ${seconds} s`);
  }

  draw() {
    const robot = worst(this.robotsNow);
    if (!robot || robot.age === null) {
      this.bar("none", this.statusNow.ended ? "ENDED" : "NO ROBOT", robot?.problem && !this.statusNow.ended ? robot.problem : "");
    } else if (robot.age > OLD) {
      if (this.statusNow.ended) this.bar("none", "ENDED", "");
      else this.bar("lost", "NO WORD", `from ${robot.name}; it was ${robot.mode}, ${robot.activity}`, `${duration(robot.age)} ago`);
    } else {
      const still = robot.mode === "NORMAL" && ["paused", "lying down", "waiting", "holding"].includes(robot.activity);
      this.bar(still ? "paused" : robot.mode, robot.mode, robot.activity);
    }
    this.tiles(robot);
    this.facts(robot);
  }

  // What runs on by itself, `silence`, stands outside of what a screen reader is told at once.
  bar(kind, mode, activity, silence = "") {
    document.body.dataset.mode = kind;
    if ($("mode").textContent !== mode) $("mode").textContent = mode;
    if ($("activity").textContent !== activity) $("activity").textContent = activity;
    $("silence").textContent = silence;
  }

  tiles(robot) {
    const metrics = this.statusNow.metrics || {};
    const live = (value, unit = "") => (robot && finite(value) ? `now ${steady(value)}${unit}` : "");
    fill($("tiles"), [
      ["robot time", short(metrics["robot/minutes"] ?? robot?.robot_minutes), "min", finite(metrics["learner/steps"]) ? `${metrics["learner/steps"].toLocaleString("en")} updates` : ""],
      ["upright", percent(metrics["robot/upright"]), "%", live(robot?.up)],
      ["standing", percent(metrics["robot/standing"]), "%", "of the last 1,000 steps"],
      ["forward", steady(metrics["robot/forward_speed"]), "m/s", live(robot?.velocity_heading?.[0])],
      ["reward", steady(metrics["robot/reward"]), "", live(robot?.reward)],
    ].map(([label, value, unit, below]) => {
      const tile = element("div", "", { class: "tile" });
      const big = element("b", value);
      big.append(element("small", unit));
      tile.append(element("span", label, { class: "label" }), big, element("span", below || "\u00a0"));
      return tile;
    }));
  }

  facts(robot) {
    const { metrics = {}, metrics_time: time, wall, viewers, ended } = this.statusNow;
    const facts = [];
    const add = (name, text, kind = "") => facts.push(element("dt", name), element("dd", text, { class: kind }));
    if (robot && robot.age !== null) {
      const estops = { none: ["none", ""], ready: ["ready", "good"], pressed: ["PRESSED", "bad"], lost: ["NOT HEARD", "bad"] };
      add("robot", `${robot.robot}${robot.simulated ? ", a stand-in" : ""}`);
      add("e-stop", ...(estops[robot.estop] || [robot.estop, "warn"]));
      add("faults", robot.stopped || robot.faults?.join("; ") || "none", robot.stopped ? "bad" : robot.faults?.length ? "warn" : "good");
      const { connected, down, unacked } = robot.link || {};
      add("link", connected ? "connected" : `down for ${duration(down)}`, connected ? "good" : "bad");
      if (finite(unacked)) add("rows on their way", `${unacked}`);
      add("age of its word", duration(robot.age), robot.age > OLD ? "bad" : "");
      add("age of the reading", duration(robot.age + robot.reading_age), robot.age + robot.reading_age > OLD ? "warn" : "");
    } else if ("link/connected" in metrics && !ended) {
      add("link", metrics["link/connected"] ? "connected" : "down", metrics["link/connected"] ? "good" : "bad");
    }
    const version = robot?.policy_version ?? metrics["policy/version"];
    if (finite(version)) add("policy", version < 0 ? "none yet: random" : `version ${version}`);
    if (finite(robot?.policy_age) && version >= 0) add("age of the policy", duration(robot.policy_age), robot.policy_age > 120 ? "warn" : "");
    if (finite(time)) add("age of the metrics", duration(Math.max(0, wall - time)), !ended && wall - time > 30 ? "warn" : "");
    if (finite(metrics["replay/bytes"])) add("replay", `${metrics["replay/rows"]?.toLocaleString("en")} rows, ${bytes(metrics["replay/bytes"])}`);
    if (finite(viewers)) add("pages open", `${viewers}`);
    if (finite(robot?.viewers)) add("watch the robot", `${robot.viewers}`);
    if (this.robotsNow.some((r) => r.name !== "actor")) add("actors", this.robotsNow.map((r) => r.name).join(", "));
    fill($("facts"), facts);
  }

  // An alarm that goes on keeps its box, in which only its number changes: a screen reader tells it once.
  alarms(alarms) {
    const parent = $("alarms");
    const before = new Map([...parent.children].map((box) => [box.dataset.key, box]));
    const boxes = alarms.map((alarm) => before.get(alarm.key) || alarmBox(alarm));
    before.forEach((box) => boxes.includes(box) || box.remove());
    boxes.forEach((box, k) => {
      if (parent.children[k] !== box) parent.insertBefore(box, parent.children[k] || null);
      const { detail } = alarms[k];
      box.querySelector("[aria-live=off]").textContent = detail && `: ${detail}`;
    });
  }

  milestones(milestones) {
    const reached = (m) => m.minute !== null;
    fill($("milestones"), milestones.map((m) => {
      const line = element("li", "", { class: reached(m) ? "reached" : "", title: m.when });
      line.append(element("time", reached(m) ? `${m.minute.toFixed(1)} min` : "·"), element("span", m.words));
      return line;
    }));
  }

  events(events) {
    fill($("events"), [...events].reverse().map(({ time, event, ...rest }) => {
      const words = Object.entries(rest).filter(([, value]) => value !== "").map(([key, value]) => `${key} ${typeof value === "object" ? JSON.stringify(value) : value}`);
      const line = element("li");
      line.append(element("time", new Date(1000 * time).toLocaleTimeString("en-GB")), element("span", [event, ...words].join(", ")));
      return line;
    }));
  }
}

function alarmBox({ key, words, advice, danger }) {
  const box = element("div", "", { class: danger ? "alarm danger" : "alarm", "data-key": key });
  const head = element("b", `${danger ? "⚠ " : ""}${words}`);
  head.append(element("span", "", { "aria-live": "off" }));
  box.append(head, element("span", advice));
  return box;
}

// Of several robots the bar shows the one that needs a person most.
export function worst(robots) {
  const need = (r) => (r.age === null ? 0 : r.age > OLD ? 4 : { OFF: 3, DAMP: 3, HOLD: 2 }[r.mode] ?? 1);
  return robots.reduce((a, b) => (!a || need(b) > need(a) ? b : a), null);
}

// Replaces the children only when they differ: the page stays selectable, and screen readers are not told the same twice.
export function fill(parent, children) {
  const holder = document.createElement("div");
  holder.append(...children);
  if (parent.innerHTML !== holder.innerHTML) parent.replaceChildren(...holder.children);
}
