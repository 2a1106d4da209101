// The texts of the lessons in the language that is spoken: data, one file a language.

import { language } from "../words.js";
import { LESSONS_ENGLISH } from "./lessons-en.js";
import { LESSONS_TRADITIONAL } from "./lessons-zh-hant.js";

const LESSONS = { en: LESSONS_ENGLISH, "zh-Hant": LESSONS_TRADITIONAL };

/** The text of a key with values put in where {name} stands. */
export function tell(key, values = {}, otherwise = key) {
  const text = LESSONS[language()]?.[key] ?? LESSONS_ENGLISH[key] ?? otherwise;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
