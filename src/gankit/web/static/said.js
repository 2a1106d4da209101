// What trainings say in their logs, which is English, in the language of the page.

import { language } from "./words.js";

const LESS = "降低 --learning-rate、提高 --penalty-weight，或加大 --batch。";
const IN_TRADITIONAL = [
  [/^G has collapsed: its fakes spread (.+?) as widely as the real records\.?$/i, "G 已模式崩潰：假樣本的分散程度只有真實資料的 $1。"],
  [/^G repeats itself: (.+?) of its fakes are repetitions \((.+?) of as many real records\)\.?$/i, "G 一再重複自己：$1 的假樣本是重複的（同樣數量的真實資料為 $2）。"],
  [/^Lower --learning-rate, raise --penalty-weight, or use a larger --batch\.$/, LESS],
  [/^D has memorised the training records: it scores held-out records (.+?) of the way down to fakes\.?$/i, "D 背下了訓練資料：它給保留資料的分數，從訓練資料往假樣本走了 $1 的距離。"],
  [/^Train for less long \(--samples\), narrow the networks \(--width\), raise --penalty-weight, or bring more data\.$/, "縮短訓練（--samples）、縮小網路（--width）、提高 --penalty-weight，或增加資料。"],
  [/^D tells fakes from held-out records almost always: G does not keep up\.?$/i, "D 幾乎每次都分得出假樣本與保留資料：G 跟不上。"],
  [/^Train for longer \(--budget\), widen the networks \(--width\), or raise --penalty-weight\.$/, "延長訓練（--budget）、加寬網路（--width），或提高 --penalty-weight。"],
  [/^the game became infinite or NaN: its last steps were undone, and it goes on from the last good state with half the learning rate\.?$/i, "數值變成無限大或 NaN：已退回最後幾步，改用一半的學習率繼續。"],
  [/^If this happens again, lower --learning-rate or raise --penalty-weight\.$/, "若再次發生，請降低 --learning-rate 或提高 --penalty-weight。"],
  [/^the held-out metric is (.+?): the fakes of this evaluation could not be judged\.$/i, "保留集指標為 $1：這次的假樣本無法評估。"],
  [/^the last steps were undone$/i, "已退回最後幾步"],
  [/^the best held-out metric so far: (.+)$/i, "目前最佳的保留集指標：$1"],
  [/^the length was planned anew: (.+) samples$/i, "重新規劃長度：$1 個樣本"],
  [/^finished after (.+)$/i, "完成，歷時 $1"],
  [/^finished$/i, "完成"],
];

/** A sentence of a log in the language of the page; itself where it is not known there. */
export function said(text) {
  if (!text || language() !== "zh-Hant") return text;
  const known = IN_TRADITIONAL.find(([pattern]) => pattern.test(text));
  return known ? text.replace(...known) : text;
}

/** An alarm, which is a sentence and then what to do. */
export function saidAlarm(text) {
  const [whole, first, rest] = /^(.+?\.) (.+)$/.exec(text || "") || [null, text, ""];
  return whole && language() === "zh-Hant" ? said(first) + said(rest) : text;
}
