// The one state of the page: a flat object of texts, kept in the address behind "#". Whoever changes it calls change();
// whoever draws listens. Reload, back and a copied link give the same picture.

const HASH_INTERVAL_MS = 300; // browsers refuse hundreds of changes of the address a minute

let current = read();
let writing = 0;
const listeners = new Set();

function read() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

function address(values) {
  const text = new URLSearchParams(values).toString().replaceAll("%2C", ",").replaceAll("%2F", "/");
  return text ? `#${text}` : location.pathname + location.search;
}

/** The state; treat it as read-only. */
export function state() {
  return current;
}

/** A comma-separated entry of the state as a list. */
export function listed(key) {
  return current[key] ? current[key].split(",").map(decoded) : [];
}

/** A part of an address as text; itself where it is none that an address can have. */
export function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** A list as an entry of the state, null where it is empty. */
export function joined(list) {
  return list.length ? list.map((item) => item.replace(/[%,]/g, encodeURIComponent)).join(",") : null;
}

/** Sets entries (null removes one) and tells the listeners. step: the change is one that "back" undoes. */
export function change(entries, step = false) {
  const next = { ...current };
  for (const [key, value] of Object.entries(entries)) {
    if (value === null || value === undefined || value === "") delete next[key];
    else next[key] = String(value);
  }
  const changed = new Set([...Object.keys(current), ...Object.keys(next)].filter((key) => current[key] !== next[key]));
  if (!changed.size) return;
  if (step) {
    flush();
    history.pushState(null, "", address(next));
  } else if (!writing) {
    writing = setTimeout(flush, HASH_INTERVAL_MS);
  }
  current = next;
  for (const listener of listeners) listener(changed);
}

/** Writes the address now. */
export function flush() {
  clearTimeout(writing);
  writing = 0;
  history.replaceState(null, "", address(current));
}

/** Calls `listener(changed keys)` after every change, "back" and "forward" included. */
export function onChange(listener) {
  listeners.add(listener);
}

addEventListener("popstate", () => {
  const before = current;
  clearTimeout(writing);
  writing = 0;
  current = read();
  const changed = new Set([...Object.keys(before), ...Object.keys(current)].filter((key) => before[key] !== current[key]));
  if (changed.size) for (const listener of listeners) listener(changed);
});

addEventListener("pagehide", () => writing && flush());
