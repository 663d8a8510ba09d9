// Numbers and colours as people read them.
export const finite = (value) => typeof value === "number" && Number.isFinite(value);

export function short(value) {
  if (!finite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e5) return value.toExponential(1);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  if (size >= 0.01 || size === 0) return value.toFixed(2);
  return value.toPrecision(2);
}

// With two decimals always, and no minus before a zero: for what jumps about and must not change its width.
export const steady = (value) => (finite(value) ? (Math.round(100 * value) / 100 + 0).toFixed(2) : "–");

export const fixed = (value, digits) => (finite(value) ? value.toFixed(digits) : "–");

export const percent = (value) => (finite(value) ? `${Math.round(100 * value)}` : "–");

export function duration(seconds) {
  if (!finite(seconds)) return "–";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${String(minutes % 60).padStart(2, "0")} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function bytes(count) {
  if (!finite(count)) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (count >= 999.5 && unit < units.length - 1) {
    count /= 1000;
    unit += 1;
  }
  return `${unit ? count.toFixed(1) : count} ${units[unit]}`;
}

const colours = new Map();
addEventListener("theme", () => colours.clear());
export function colour(name) {
  if (!colours.has(name)) colours.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return colours.get(name);
}
export const seriesColour = (index) => colour(`s${index % 8}`);

// An element with text and attributes: all text goes in as text, so nothing that a run says can become markup.
export function element(tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
