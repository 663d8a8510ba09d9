// Hands on the robot. The page never believes that a wish was granted: it waits until the robot's own word shows it.
import { element } from "./format.js";
import { headers } from "./stream.js";
import { worst } from "./now.js";

const $ = (id) => document.getElementById(id);
const KEYS = { l: "lie_down", g: "mark_good", b: "mark_bad", h: "mark_reset" };
const NAMES = { pause: "pause", resume: "resume", lie_down: "lie down", damp: "STOP", reset: "reset", mark_good: "mark good", mark_bad: "mark bad", mark_reset: "set by hand" };
const AGAIN = 300; // ms between two tries of a stop
const MAKE_WAY = 600; // ms without an answer after which the page lets its stream go
const DOUBT = 1500; // ms after which a person is told to use the e-stop
const GOOD_FOR = 3000; // ms after which no other wish is done any more, so that a person may be told that it failed
const GIVE_UP = 8000; // ms

const isStopped = (r) => r.mode === "DAMP" || r.mode === "OFF";
const isStill = (r) => ["paused", "lying down"].includes(r.activity);
const SHOWS = { // what the robot's word must be for a wish to count as granted
  damp: isStopped,
  pause: (r) => isStill(r) || isStopped(r),
  lie_down: (r) => r.activity === "lying down",
  resume: (r) => !isStill(r) && !isStopped(r),
  reset: (r) => !isStopped(r) && !r.stopped,
  mark_good: (r, before) => r.counts?.good > before?.good,
  mark_bad: (r, before) => r.counts?.bad > before?.bad,
  mark_reset: (r, before) => r.counts?.set_by_hand > before?.set_by_hand,
};

// Those that have been heard; others are a file that an actor left, or one that cannot be reached.
const known = (list) => list.filter((r) => r.age !== null);
const named = (list) => list.map((r) => r.name).join(", ");

// What people did in the life of the run, over all robots.
function counts(list) {
  const sum = (name) => list.reduce((total, r) => total + (r.counts?.[name] || 0), 0);
  if (!known(list).length) return "";
  return `Set by hand ${sum("set_by_hand")} times, stopped ${sum("stops")}, reset ${sum("resets")}; marked good ${sum("good")}, bad ${sum("bad")}.`;
}

export class Hands {
  // `makeWay()` frees a connection to the server for a moment: pages in sight may hold all that a browser makes.
  constructor(makeWay) {
    this.makeWay = makeWay;
    this.allowed = false;
    this.list = [];
    this.pending = null;
    this.unstopped = false; // a stop was given up, and none has been confirmed since
    $("stop").addEventListener("click", () => this.wish("damp"));
    document.querySelectorAll(".hand").forEach((button) => button.addEventListener("click", (event) => {
      event.preventDefault();
      this.wish(button.dataset.wish);
    }));
    $("reset").addEventListener("submit", (event) => event.preventDefault());
    addEventListener("keydown", (event) => this.key(event), true);
    addEventListener("keyup", (event) => event.key === " " && event.preventDefault(), true); // a focused button is not pressed by stop
    setInterval(() => this.tick(), 100);
  }

  allow(allowed) {
    this.allowed = allowed;
    this.enable();
  }

  robots(list) {
    this.list = list;
    this.heard = performance.now();
    const robot = worst(list);
    const pause = $("pause");
    const wish = known(list).length && known(list).every(isStill) ? "resume" : "pause"; // a wish goes to every robot
    if (pause.dataset.wish !== wish) {
      pause.dataset.wish = wish;
      pause.replaceChildren(wish === "resume" ? "Resume " : "Pause ", element("kbd", "p"));
    }
    $("counts").textContent = counts(list);
    $("last-hand").textContent = robot?.last_hand ? `last: ${robot.last_hand}` : "";
    this.enable();
  }

  // The server's clock, by which it refuses what reaches it late. At most what it is: the message took its time.
  status({ clock }) {
    this.ahead = 1000 * clock - performance.now();
  }

  lost() {
    this.heard = -Infinity;
  }

  // Space is stop, always and everywhere on the page, also in the field for a name.
  key(event) {
    if (event.key === " " && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      if (!event.repeat) this.wish("damp");
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.matches("input:not([type=range])")) return;
    if (event.key === "p") this.wish($("pause").dataset.wish);
    else if (KEYS[event.key]) this.wish(KEYS[event.key]);
  }

  enable() {
    const able = this.allowed && known(this.list).length > 0;
    $("stop").disabled = !this.allowed || !this.list.length;
    document.querySelectorAll(".hand").forEach((button) => { button.disabled = !able; });
    $("hands-note").textContent = !this.allowed
      ? "Reading only: open the link that was printed at the start, which holds the token."
      : !this.list.length ? "No robot is connected." : "Each acts through the robot's own guard, and counts only when the robot shows it.";
  }

  wish(wish) {
    if (!this.allowed) {
      this.say("bad", "This page may not move or stop the robot: it was opened without the token. USE THE E-STOP.");
      return;
    }
    if (this.pending?.wish === "damp") { // nothing takes the place of a stop that is not confirmed, nor begins its time anew
      if (wish === "damp") this.send(this.pending, performance.now());
      return;
    }
    const operator = $("operator").value.trim();
    if (wish === "reset" && !operator) {
      this.say("bad", "A reset needs the name of the person who looked at the robot.");
      $("operator").focus();
      return;
    }
    const before = Object.fromEntries(this.list.map((r) => [r.name, r.counts]));
    this.pending = { wish, operator, before, begun: performance.now(), sent: 0, tried: -Infinity, problem: "" };
    this.tick();
  }

  // Sends, sends a stop again until it shows, and tells what came of it.
  tick() {
    const { pending } = this;
    if (!pending) return;
    const now = performance.now();
    const age = now - pending.begun;
    const robots = known(this.list);
    pending.open = robots.filter((r) => !(r.age < 1 && SHOWS[pending.wish](r, pending.before[r.name])));
    if (this.heard > pending.begun && robots.length && !pending.open.length) {
      this.pending = null;
      if (pending.wish === "damp") this.unstopped = false;
      const never = this.list.filter((r) => r.age === null);
      if (pending.wish === "damp" && never.length) this.say("bad", `STOP: confirmed by ${named(robots)}, but there was never a word from ${named(never)}. If that is a robot, USE THE E-STOP.`);
      else this.say("good", `${NAMES[pending.wish]}: confirmed by the robot`, 4000);
      return;
    }
    if (age > GIVE_UP) {
      this.pending = null;
      if (pending.wish === "damp") this.unstopped = true;
      this.say("bad", this.doubt(pending));
      return;
    }
    if (!pending.sent || (pending.wish === "damp" && now - pending.tried > AGAIN)) this.send(pending, now);
    const doubtful = pending.wish === "damp" ? this.unstopped || age > DOUBT : age > GOOD_FOR;
    if (pending.problem || doubtful) this.say("bad", this.doubt(pending));
    else this.say("", `${NAMES[pending.wish]}: sent, waiting for the robot`);
  }

  doubt({ wish, problem, open }) {
    const advice = wish === "damp" ? " USE THE E-STOP." : "";
    const whose = this.list.length > 1 && open.length ? named(open) : "the robot";
    return `${NAMES[wish]}: NOT CONFIRMED by ${whose}.${advice} ${problem}`;
  }

  async send(pending, now) {
    pending.sent += 1;
    pending.tried = now;
    const until = (this.ahead + pending.begun + GOOD_FOR) / 1000; // of which a stop has no need
    const body = JSON.stringify({ wish: pending.wish, operator: pending.operator, until });
    const late = pending.sent === 1 ? setTimeout(this.makeWay, MAKE_WAY) : null;
    try {
      const answer = await fetch("api/hand", { method: "POST", priority: "high", headers: { ...headers(), "Content-Type": "application/json" }, body });
      pending.problem = answer.ok ? "" : await answer.text();
    } catch {
      pending.problem = "The page's server does not answer.";
    } finally {
      clearTimeout(late);
    }
  }

  say(kind, text, forget = 0) {
    const box = $("answer");
    box.hidden = false;
    box.dataset.kind = kind;
    if (box.textContent !== text) box.textContent = text;
    clearTimeout(this.forget);
    if (forget) this.forget = setTimeout(() => { box.hidden = true; }, forget);
  }
}
