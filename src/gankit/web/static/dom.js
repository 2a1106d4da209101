// Elements, colours and what the browser keeps: the few words in which every module speaks of the page.
// Texts become text nodes only; nothing here parses HTML.

const SVG_SPACE = "http://www.w3.org/2000/svg";

function append(node, children) {
  for (const child of children.flat(4)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

function dress(node, props) {
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled") node[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  return node;
}

/** An HTML element: el("p", {class: "note", onclick: f}, "text", child). */
export function el(tag, props, ...children) {
  return append(dress(document.createElement(tag), props), children);
}

/** An SVG element. */
export function svg(tag, attributes, ...children) {
  return append(dress(document.createElementNS(SVG_SPACE, tag), attributes), children);
}

/** Puts `children` in place of what was in `node`; texts stay text. */
export function fill(node, ...children) {
  node.replaceChildren();
  return append(node, children);
}

/** Changes an element's text only where it differs, so that a screen reader is told of changes alone. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** What an earlier visit kept under `key`, else `otherwise`. */
export function kept(key, otherwise) {
  try {
    return localStorage.getItem(`gankit.${key}`) ?? otherwise;
  } catch {
    return otherwise; // storage may be forbidden: the page then forgets, and works
  }
}

/** Keeps a text for the next visit where the browser allows it. */
export function keep(key, value) {
  try {
    if (value === null) localStorage.removeItem(`gankit.${key}`);
    else localStorage.setItem(`gankit.${key}`, value);
  } catch {
    // as above
  }
}

const resolved = new Map();
let probe = null;

/** The colour of a custom property as a canvas takes it: colour("--real"). */
export function colour(name) {
  if (!resolved.has(name)) {
    probe ??= document.body.appendChild(el("i", { class: "hidden", "aria-hidden": "true" }));
    probe.style.color = `var(${name})`;
    resolved.set(name, getComputedStyle(probe).color);
  }
  return resolved.get(name);
}

const repainters = new Set();

/** Calls `paint` whenever the colour scheme changes; gives a function that ends it. */
export function onColours(paint) {
  repainters.add(paint);
  return () => repainters.delete(paint);
}

function recolour() {
  resolved.clear();
  for (const paint of repainters) paint();
}

/** Sets the scheme, "light", "dark" or "" for the system's, and paints anew. */
export function setScheme(scheme) {
  if (scheme) document.documentElement.dataset.theme = scheme;
  else delete document.documentElement.dataset.theme;
  keep("scheme", scheme || null);
  recolour();
}

/** Whether the page is dark now. */
export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);

/** Calls `draw(width)` at once and whenever the element's width changes. */
export function onWidth(element, draw) {
  let width = -1;
  new ResizeObserver(() => {
    const now = Math.floor(element.clientWidth);
    if (now !== width && now > 0) draw((width = now));
  }).observe(element);
}

let bubble = null;

/** Shows lines of text above (or below) a rectangle of the window, never over it. */
export function showTip(box, lines) {
  bubble ??= document.body.appendChild(el("div", { class: "tip", role: "tooltip", id: "tip" }));
  fill(bubble, lines.map((line, i) => el("p", { class: i ? "note" : null }, line)));
  bubble.classList.add("shown");
  const { width, height } = bubble.getBoundingClientRect();
  const left = Math.min(Math.max(8, (box.left + box.right - width) / 2), innerWidth - width - 8);
  const above = box.top - height - 8;
  bubble.style.left = `${left}px`;
  bubble.style.top = `${above > 4 ? above : box.bottom + 8}px`;
}

export function hideTip() {
  bubble?.classList.remove("shown");
}

/** One tab stop for many buttons: arrows move among them, `columns()` a line apart. */
export function roving(host, columns) {
  const all = () => [...host.querySelectorAll("[data-roving]")];
  host.addEventListener("keydown", (event) => {
    const items = all();
    const at = items.indexOf(document.activeElement);
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(), ArrowDown: columns(), Home: -at, End: items.length - 1 - at };
    if (at < 0 || !(event.key in moves)) return;
    event.preventDefault();
    event.stopPropagation();
    const next = items[at + moves[event.key]];
    if (!next) return;
    items[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}
