// The page begins here: its frame, and the view that the address names.

import { el, fill, isDark, kept, keep, setScheme } from "./dom.js";
import { source } from "./source.js";
import { decoded, flush } from "./state.js";
import { LANGUAGES, language, say, setLanguage } from "./words.js";
import { showAll } from "./views/all.js";
import { showCompare } from "./views/compare.js";
import { showRun } from "./views/one.js";

function frame(saved) {
  const scheme = el("button", { type: "button", class: "icon", "aria-label": say("scheme"), title: say("scheme"), onclick: () => setScheme(isDark() ? "light" : "dark") }, "◐");
  const tongue = el("select", { "aria-label": say("language"), onchange: (event) => speak(event.target.value) }, Object.entries(LANGUAGES).map(([code, name]) => el("option", { value: code, lang: code }, name)));
  tongue.value = language();
  const gone = el("p", { class: "gone warn", role: "alert", hidden: true });
  const main = el("main", { id: "main" });
  const home = saved ? el("span", { class: "brand" }, "gankit") : el("a", { class: "brand", href: "/" }, "gankit");
  const link = (href, text) => el("a", { href, "aria-current": location.pathname === href ? "page" : null }, text);
  const place = saved ? el("span", { class: "note" }, say("replayNote")) : el("nav", { class: "places", "aria-label": say("views") }, link("/", say("allRuns")), link("/learn", say("learn")));
  fill(document.body, el("a", { class: "skip", href: "#main", onclick: (event) => (event.preventDefault(), main.focus()) }, say("skip")),
    el("div", { class: "wrap" }, el("header", { class: "bar" }, home, place, el("span", { class: "spring" }), tongue, scheme), gone, main));
  main.tabIndex = -1;
  source().onReach((reached) => {
    gone.hidden = reached;
    gone.textContent = reached ? "" : say("serverGone");
  });
  return main;
}

/** Shows the page anew in a language, at the step that it shows. */
function speak(tongue) {
  keep("language", tongue);
  flush(); // what is written to the address later may end the loading
  location.reload();
}

async function begin() {
  setScheme(kept("scheme", ""));
  setLanguage(kept("language", ""));
  const from = source();
  const main = frame(from.saved);
  if (from.saved) return showRun(main, (await from.run()).name);
  const path = location.pathname;
  if (path.startsWith("/run/")) return showRun(main, path.slice(5).split("/").map(decoded).join("/"));
  if (path === "/compare") return showCompare(main);
  if (path === "/learn") return learning(main);
  if (path !== "/") return void fill(main, el("h1", {}, say("nothingHere")), el("p", {}, el("a", { href: "/" }, say("allRuns"))));
  return showAll(main, await known(from));
}

/** The view that a replay leaves out, and that is loaded only here. */
async function learning(main) {
  fill(main, el("p", { class: "empty" }, say("loading")));
  const { showLearn } = await import("./learn/view.js");
  return showLearn(main);
}

/** What the server can do; while it is away, as little as possible. */
async function known(from) {
  try {
    return await from.about();
  } catch {
    return { can_start: false, builtin: [] };
  }
}

begin();
