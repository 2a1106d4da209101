// All access to data. live(): the server, by fetch and server-sent events; replay(): the JSON embedded in a saved page.
// The rest of the page calls source() and cannot tell which it got, but by `saved`.

const PATIENCE_MS = 20000;
const GONE_MS = 15000; // between two looks whether a run that vanished is back
const LONG_MS = 300000; // what needs a model or the data, which may have to be read first

/** An answer of the server that is not a success: `status`, and a sentence that says what to do. */
export class Refusal extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

const pathOf = (name) => `/api/runs/${name.split("/").map(encodeURIComponent).join("/")}`;

let reachable = true;
const watchers = new Set();

function note(reached) {
  if (reached === reachable) return;
  reachable = reached;
  for (const watcher of watchers) watcher(reached);
  if (!reached) setTimeout(ask, 1500);
}

async function ask() {
  try {
    await json("/api/about"); // read to its end, which frees the connection
  } catch {
    if (!reachable) setTimeout(ask, 2000);
  }
}

async function request(path, options = {}) {
  let answer;
  try {
    const { patience = options.body ? null : PATIENCE_MS, ...rest } = options;
    answer = await fetch(path, { credentials: "same-origin", signal: patience && AbortSignal.timeout(patience), ...rest });
  } catch (error) {
    if (error.name === "TimeoutError") ask();
    else note(false);
    throw new Refusal(0, "");
  }
  note(true);
  if (answer.ok) return answer;
  let sentence = `${answer.status} ${answer.statusText}`;
  try {
    sentence = (await answer.json()).error || sentence;
  } catch {
    // not JSON: the status has to do
  }
  throw new Refusal(answer.status, sentence);
}

const json = async (path, options) => (await request(path, options)).json();

const post = (path, value) =>
  request(path, { method: "POST", headers: { "X-Gankit": "1", "Content-Type": "application/json" }, body: JSON.stringify(value) });

/** A decoded picture of an address. */
export const picture = async (address) => {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
};

/** A picture of the server; where it does not come, what the server says. */
async function pictureOf(address) {
  try {
    return await picture(address);
  } catch {
    await request(address); // throws, unless it can be had again
    return picture(address);
  }
}

/** The part of an address that says of which making of a run something is, so that it may be kept for ever. */
const made = (version) => (version ? `?v=${version}` : "");

function live() {
  return {
    saved: false,
    about: () => json("/api/about"),
    runs: async () => (await json("/api/runs")).runs,
    run: (name) => json(pathOf(name)),
    curves: (name, points, from, to) =>
      json(`${pathOf(name)}/curves?points=${points}${from === undefined ? "" : `&from=${Math.floor(from)}&to=${Math.ceil(to)}`}`),
    previews: (name) => json(`${pathOf(name)}/previews`),
    preview: (name, form, at, version) => (form === "grid" ? pictureOf : json)(`${pathOf(name)}/previews/${at}${made(version)}`),
    surface: (name, at, version) => json(`${pathOf(name)}/surface/${at}${made(version)}`),
    neighbours: (name, at, index) => json(`${pathOf(name)}/neighbours/${at}/${index}`, { patience: LONG_MS }),
    conditions: (name) => json(`${pathOf(name)}/conditions`, { patience: LONG_MS }),
    clip: (name, at, index) => `${pathOf(name)}/audio/${at}/${index}.wav`,
    reportAddress: (name) => `/report/${name.split("/").map(encodeURIComponent).join("/")}`,
    replayAddress: (name) => `${pathOf(name)}/replay`,
    stop: (name) => post(`${pathOf(name)}/stop`, {}),
    start: async (order) => (await (await post("/api/start", order)).json()).run,
    understood: (data) => json(`/api/data/${encodeURIComponent(data)}`, { patience: LONG_MS }),
    lessons: () => json("/api/lessons"),
    learn: async (order) => (await post("/api/learn", order)).json(),
    learnStep: async (id, order) => (await post(`/api/learn/${id}`, order)).json(),
    learnRound: async (id, order) => (await post(`/api/learn/${id}/round`, order)).json(),
    learnCommands: (id) => json(`/api/learn/${id}/commands`),
    learnFile: async (id, which) => (await request(`/api/learn/${id}/${which}`)).blob(),
    async upload(file) {
      const body = new FormData();
      body.append("file", file, file.name);
      return (await request("/api/data", { method: "POST", headers: { "X-Gankit": "1" }, body })).json();
    },
    async sample(name, order) {
      const answer = await post(`${pathOf(name)}/sample`, order);
      const named = /filename\*?=(?:UTF-8'')?"?([^";]+)"?/i.exec(answer.headers.get("Content-Disposition") || "");
      return { blob: await answer.blob(), name: named ? decodeURIComponent(named[1]) : `sample.${order.format || "csv"}` };
    },
    /** Calls `told(kind, data)` for each event of a run. Closed while the page is hidden: a browser gives all its pages of one
     * address six connections together. After a pause `told("again")` says that something may have been missed. */
    follow(name, told) {
      let events = null;
      let lost = false;
      const open = () => {
        if (events || document.hidden) return;
        events = new EventSource(`${pathOf(name)}/events`);
        for (const kind of ["log", "preview", "state"]) events.addEventListener(kind, (e) => told(kind, JSON.parse(e.data)));
        events.onopen = () => {
          note(true);
          if (lost) told("again");
          lost = false;
        };
        events.onerror = () => {
          lost = true;
          if (events.readyState === EventSource.CLOSED) {
            events = null;
            json(pathOf(name)).then(() => setTimeout(open, 3000), (refusal) => {
              if (refusal.status === 404) told("state", { state: "failed", why: refusal.message });
              setTimeout(open, refusal.status === 404 ? GONE_MS : 3000);
            });
          }
          ask();
        };
      };
      document.addEventListener("visibilitychange", () => {
        if (document.hidden && events) {
          events.close();
          events = null;
          lost = true;
        } else open();
      });
      open();
    },
    onReach: (watcher) => watchers.add(watcher),
  };
}

function replay(kept) {
  const found = (table, key) => {
    const value = (table || {})[String(key)];
    if (value === undefined) throw new Refusal(404, "");
    return value;
  };
  const nothing = async () => null;
  return {
    saved: true,
    about: async () => ({ version: "", can_start: false, roots: [], builtin: [], languages: ["en"] }),
    runs: async () => [kept.summary],
    run: async () => kept.summary,
    curves: async (name, points, from, to) => (from === undefined ? kept.curves : null),
    previews: async () => kept.previews,
    async preview(name, form, at) {
      const record = found(kept.records, at);
      return typeof record === "string" ? picture(record) : record;
    },
    surface: async (name, at) => found(kept.surfaces, at),
    neighbours: nothing,
    conditions: nothing,
    follow() {},
    onReach() {},
  };
}

let chosen = null;

/** Where this page has its data from. */
export function source() {
  if (!chosen) {
    const embedded = document.querySelector('script[type="application/json"]');
    chosen = embedded ? replay(JSON.parse(embedded.textContent)) : live();
  }
  return chosen;
}
