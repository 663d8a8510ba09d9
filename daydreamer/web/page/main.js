// Starts the page: the stream of what is new, the two switches, and who draws what.
import { Charts } from "./charts.js";
import { Dream } from "./dream.js";
import { Hands } from "./hands.js";
import { Now } from "./now.js";
import { Robot } from "./robot.js";
import { Stream, get } from "./stream.js";

const $ = (id) => document.getElementById(id);
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

function setTheme(choice) {
  localStorage.setItem("theme", choice);
  $("theme").textContent = choice;
  root.dataset.theme = choice === "auto" ? (system.matches ? "dark" : "light") : choice;
  dispatchEvent(new Event("theme"));
}

function setAxis(axis) {
  localStorage.setItem("axis", axis);
  $("axis").textContent = axis === "time" ? "wall clock" : "robot time";
  charts.setAxis(axis);
}

function followSections() {
  const links = [...document.querySelectorAll("nav a")];
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links) {
        if (link.hash === `#${entry.target.id}`) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    }
  }, { rootMargin: "-30% 0px -65% 0px" });
  document.querySelectorAll("main > section").forEach((section) => seen.observe(section));
}

setTheme(localStorage.getItem("theme") || "auto");
system.addEventListener("change", () => setTheme(localStorage.getItem("theme")));
$("theme").addEventListener("click", () => {
  const next = { auto: "light", light: "dark", dark: "auto" };
  setTheme(next[localStorage.getItem("theme")] || "auto");
});

const charts = new Charts();
const now = new Now();
const robot = new Robot();
const dream = new Dream();
const hands = new Hands(() => stream.makeWay());
$("axis").addEventListener("click", () => setAxis(localStorage.getItem("axis") === "time" ? "robot/minutes" : "time"));
setAxis(localStorage.getItem("axis") || "robot/minutes");
followSections();

const stream = new Stream({
  async opening(signal) {
    const hello = await get("api/hello", signal);
    charts.define(hello.charts);
    robot.hz = hello.hz;
    now.hello(hello);
    hands.allow(hello.hands);
  },
  status(message) { // the hands come first: what goes wrong while drawing must not keep a word from them
    hands.status(message);
    now.status(message);
    dream.stamp(message.dream);
  },
  robots(message) {
    hands.robots(message);
    now.robots(message);
    robot.show(message);
  },
  curves: (message) => charts.take(message),
  lost(why, seconds) {
    now.lost(why, seconds);
    hands.lost();
  },
  unseen: () => now.connecting(),
  needed: () => hands.pending !== null,
});
stream.run();
