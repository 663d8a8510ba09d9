// Work that is asked for often and done when there is time: at most a third of it, so that keys and taps are heard at once.
const REST = 2; // times as long as the work took
const LEAST = 30; // ms between two turns

export class Paced {
  constructor(work, every = LEAST) {
    this.work = work;
    this.every = every;
    this.ready = 0;
  }

  soon() {
    if (this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      const begun = performance.now();
      this.work();
      const ended = performance.now();
      this.ready = ended + Math.max(this.every - (ended - begun), REST * (ended - begun));
    }, Math.max(0, this.ready - performance.now()));
  }
}
