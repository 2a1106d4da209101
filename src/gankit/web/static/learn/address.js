// A lesson in the address: its data, the settings that are not the defaults, the moves that were made, the second run.

import { state } from "../state.js";
import { recordsOfHeights, recordsOfPoints } from "./drawn.js";

const SIDES = { A: "", B: "b." };
const MOST_IN_ADDRESS = 400; // numbers; more are kept by the browser for this tab

/** Moves [[who, count]] as a text: 120 (both), d3 (D alone), g1 (G alone). */
export function movesText(moves) {
  return moves.map(([who, count]) => `${who === "both" ? "" : who}${count}`).join(",");
}

/** Moves from their text; what cannot be read is left out. */
export function movesOf(text) {
  const found = (text || "").split(",").map((part) => /^([dg]?)(\d{1,6})$/.exec(part));
  return found.filter((m) => m && Number(m[2]) > 0).map((m) => [m[1] || "both", Number(m[2])]);
}

/** Moves with one more; the same player again is one entry. */
export function movedOn(moves, who, count) {
  const last = moves[moves.length - 1];
  if (last && last[0] === who) return [...moves.slice(0, -1), [who, last[1] + count]];
  return [...moves, [who, count]];
}

/** The settings of a side that the address names, over the defaults. */
export function settingsAt(letter, defaults) {
  const out = { ...defaults };
  for (const key of Object.keys(defaults)) {
    const text = state()[SIDES[letter] + key];
    if (text === undefined) continue;
    const number = Number(text);
    if (typeof defaults[key] === "string") out[key] = text;
    else if (text !== "" && Number.isFinite(number)) out[key] = number;
  }
  return out;
}

/** The moves of a side that the address names. */
export const movesAt = (letter) => movesOf(state()[`${SIDES[letter]}steps`]);

/** The entries of the state that say of a side what it is; null removes those that it does not need. */
export function entriesOf(letter, side, defaults) {
  const out = {};
  for (const key of Object.keys(defaults)) out[SIDES[letter] + key] = side && side.settings[key] !== defaults[key] ? side.settings[key] : null;
  out[`${SIDES[letter]}steps`] = side && side.moves.length ? movesText(side.moves) : null;
  if (letter === "B") out.beside = side ? 1 : null;
  return out;
}

/** Records as an entry of the state: in full where they are few, else by a name under which this tab keeps them. */
export function textOfNumbers(numbers) {
  const pairs = Array.isArray(numbers[0]);
  const text = numbers.map((v) => (pairs ? v.map(short).join("_") : short(v))).join("~");
  if (numbers.length * (pairs ? 2 : 1) <= MOST_IN_ADDRESS) return `numbers:${text}`;
  const name = `kept:${numbers.length}-${checksum(text)}`;
  try {
    sessionStorage.setItem(`gankit.${name}`, text);
  } catch {
    return `numbers:${text}`;
  }
  return name;
}

const short = (v) => String(Number(v.toPrecision(6)));

function checksum(text) {
  let sum = 5381;
  for (let i = 0; i < text.length; i++) sum = (sum * 33 + text.charCodeAt(i)) >>> 0;
  return sum.toString(36);
}

/** What the server is asked for by an entry `data` of the state; null where this tab does not keep it. */
export function orderOf(data) {
  const [kind, rest] = [data.split(":", 1)[0], data.slice(data.indexOf(":") + 1)];
  if (kind === "file") {
    const [upload, ...columns] = rest.split(",").map(decodeURIComponent);
    return { upload, columns };
  }
  if (kind === "drawn") return { numbers: recordsOfHeights(rest) };
  if (kind === "sprayed") return { numbers: recordsOfPoints(rest) };
  if (kind === "numbers" && data.includes(":")) return { numbers: numbersOf(rest) };
  if (kind === "kept" && data.includes(":")) {
    let text = null;
    try {
      text = sessionStorage.getItem(`gankit.${data}`);
    } catch {
      // storage may be forbidden
    }
    return text === null ? null : { numbers: numbersOf(text) };
  }
  return { builtin: data };
}

const numbersOf = (text) => text.split("~").map((item) => (item.includes("_") ? item.split("_").map(Number) : Number(item)));
