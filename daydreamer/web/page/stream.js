// The connection to the server: reading with the token in a header, and a stream that comes back by itself.
import { Paced } from "./paced.js";

const SILENT = 3000; // ms without a word until what is shown counts as old

// The token travels in the address's fragment, which no server sees and no log keeps.
const fragment = new URLSearchParams(location.hash.slice(1)).get("token");
if (fragment) {
  sessionStorage.setItem("token", fragment);
  history.replaceState(null, "", location.pathname);
}

export function headers() {
  return { Authorization: `Bearer ${sessionStorage.getItem("token") || ""}` };
}

export async function get(path, signal) {
  const answer = await fetch(path, { headers: headers(), signal });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

const seen = () => new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));

// A page that nobody sees lets go of its stream, and one whose hands are not answered: a browser makes six connections
// to a server, for all its tabs, and STOP in one of them needs one.
export class Stream {
  // `handlers`: opening(signal), one for each event by name, lost(why, seconds) while nothing comes, needed() whether
  // it is kept though nobody sees the page, and unseen() when it is not.
  constructor(handlers) {
    this.handlers = handlers;
    this.heard = this.begun = performance.now();
    this.why = "connecting";
    this.newest = {}; // by event: not parsed yet
    this.curves = []; // each builds on the one before, so none may be left out
    this.pace = new Paced(() => this.deliver());
    setInterval(() => {
      const now = performance.now();
      if (document.hidden && !this.handlers.needed()) {
        this.letGo();
        return;
      }
      if (now - this.heard > SILENT) this.handlers.lost(this.why, Math.round((now - this.heard) / 1000));
      if (now - Math.max(this.heard, this.begun) > SILENT) this.letGo(); // one that is dead without saying so
    }, 500);
  }

  letGo() {
    this.abort?.abort();
  }

  // Lets go for a moment: what waits for a connection has it before the stream is back.
  makeWay() {
    this.soon = true;
    this.letGo();
  }

  async run() {
    for (;;) {
      if (document.hidden) {
        this.handlers.unseen();
        await seen();
        this.heard = performance.now();
        this.why = "connecting";
      }
      try {
        await this.once();
        this.why = "the page's server ended the connection";
      } catch (error) {
        this.why = error.name === "AbortError" || error instanceof TypeError ? "the page's server does not answer" : error.message;
      }
      this.letGo(); // whatever is left of it
      await new Promise((done) => setTimeout(done, this.soon ? 100 : 1000));
      this.soon = false;
    }
  }

  async once() {
    this.abort = new AbortController();
    this.begun = performance.now();
    await this.handlers.opening(this.abort.signal); // before the stream takes the last connection
    const answer = await fetch("api/stream", { headers: headers(), signal: this.abort.signal, priority: "low" });
    if (!answer.ok) throw new Error(await answer.text());
    this.heard = performance.now();
    this.curves = [];
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      this.heard = performance.now();
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const event of events) this.take(event);
      this.pace.soon();
      await new Promise((turn) => setTimeout(turn)); // keys and taps come before a backlog
    }
  }

  take(event) {
    const [head, body] = event.split("\n", 2);
    const [name, data] = [head.slice("event: ".length), body.slice("data: ".length)];
    if (name === "curves") this.curves.push(data);
    else this.newest[name] = data; // a page that is slow sees fewer, and always the newest
  }

  deliver() {
    const events = [...Object.entries(this.newest), ...this.curves.map((data) => ["curves", data])];
    this.curves = [];
    this.newest = {};
    for (const [name, data] of events) {
      try {
        this.handlers[name]?.(JSON.parse(data));
      } catch (error) { // what cannot be drawn keeps nothing else back
        reportError(error);
      }
    }
  }
}
