// Every text of the page, by language. What runs say themselves (alarms, notes, errors) comes from gankit, in English.
// {name} is replaced by a value; a text that needs more is a function of the values.

const ENGLISH = {
  // frame
  skip: "Skip to the content", views: "Views", allRuns: "All runs", learn: "Learn", language: "Language", scheme: "Light or dark", loading: "Loading …",
  replayNote: "a saved replay: nothing is sent anywhere", unknown: "no reason is known",
  serverGone: "The server does not answer. It is tried again every two seconds; the page goes on by itself. If it was stopped, start it with: gankit watch",
  cancel: "Cancel", close: "Close", any: "any",
  // all runs
  search: "Search", filter: "Filter and group", kind: "Kind", data: "Data", state: "State", group: "Group by", notGrouped: "nothing", isDefault: "default",
  group_data: "data", group_kind: "kind", group_seed: "seed", group_state: "state", group_network: "network",
  runsCount: ({ n }) => `${n} ${n === 1 ? "run" : "runs"}`, runsOf: "{n} of {all} runs", noneMatches: "No run matches. Clear the search or choose “any”.",
  noRuns: "No runs here", noRunsText: "Train one, and it appears here:", noRunsStart: "Drop a file of your data on this page, press “New run”, or train one in a terminal:",
  compareTick: "compare", compareRuns: "Compare {n} runs", newRun: "New run",
  noMetricYet: "no held-out metric yet", bestIs: "best {best}", noPreviewsShort: "no previews were kept",
  // a run
  running: "running", finished: "finished", stopped: "stopped", failed: "failed", new: "about to begin", runningAt: "running {done}", left: "{time} left",
  recordsOf: "{n} {noun}", records: "records", columnsOf: "{n} columns", seedOf: "seed {seed}", failedWhy: "Failed: {why}",
  stop: "Stop", sample: "Sample", report: "Report", saveReplay: "Save replay", stopAsked: "Stopping at the next update …", howItWasMade: "How it was made",
  // fakes
  fakes: "Fakes", someFakes: "fakes", fake: "fake", real: "real", realData: "real data", heldoutRecords: "Held-out records", fakeRows: "Rows of fakes", fakeNumber: "Fake {n}: show its nearest records",
  loadingPreviews: "Loading previews …", noPreviewsYet: "No preview yet: the first is kept when the training begins.", noPreviews: "This run kept no previews: an earlier version of gankit made it, or it was trained with --previews 0. Its curves are below.",
  previewFailed: "this preview is not there any more", previewAt: "at {at} samples", previewNear: "at {at}, loading {wanted} …",
  brokenRules: "Rules of the data that raw rows break (samples are drawn again): {list}", noBroken: "Raw rows keep all {n} rules of the data.",
  chooseAgain: "Furthest off at this step", gapNote: "number: how far off (0 = alike)", playClip: "Play clip {n}",
  figureOne: "Histogram of real numbers and of fakes, D over x, the best possible D, and lines from z to x", dOfX: "D(x)", dBest: "best possible D*", zToX: "z → x", planeFigure: "Real points and fakes over D's surface", surfaceKey: "D says real",
  // neighbours
  fromNoise: "From noise: this z over the training", fromNoiseAt: "{n} samples",
  endedEarly: "It ended at {at} of {planned} planned samples: the held-out metric did not improve any more (early stop).", nothingHere: "Nothing is at this address.", filledIn: "Numbered when rows are written, and learned from no row", clickFake: "Click a fake to see the real records nearest to it.", chooseFake: "Choose the first", fakeBefore: "the fake before", fakeAfter: "the fake after",
  neighbours: "Neighbours", neighboursOf: "Fake {n} and its nearest records", lookingFor: "Looking for its nearest records …", thisFake: "this fake", nearestTraining: "nearest training", nearestHeldout: "nearest held-out", distance: "distance {d}", distanceHead: "distance", measuredBy: "Measured by: {measure}.",
  // what is happening
  whatIsHappening: "What is happening", train: "train", heldout: "held-out", phase: "Phase", epoch: "Epoch", step: "Step", samples: "Samples", speed: "Speed", perSecond: "{n} samples/s", timeLeft: "Time left", noScoresYet: "no scores yet",
  phase_likelihood: "likelihood", phase_discriminator: "D alone", phase_game: "game",
  notBegun: "The game has not begun.", playing: "The game is on; no evaluation yet.",
  inLikelihood: "G first learns by likelihood, without D.", inDiscriminator: "D learns alone to tell fakes from real data, so that the game begins with a fair opponent.",
  dCannotTell: "D can hardly tell fakes from held-out records: it is right {right} of the time, and guessing gives 50 %.",
  dTellsSome: "D tells fakes from held-out records {right} of the time: G is behind, and learns from it.",
  dTellsMost: "D tells fakes from held-out records {right} of the time: G is far behind.",
  bestNow: "The held-out metric has never been better.", notBetterSince: "The held-out metric has not been better since {at} samples.",
  // you are D
  youAreDRun: "You are D: real or fake?", guessBegin: "Play ten rounds", guessAgain: "Ten more", guessNote: "Held-out records and the fakes of the step shown, one at a time. Then see your scores beside D's.", guessOf: "Round {k} of {n}: is it real?", guessReal: "Real", guessFake: "Fake", guessRight: "Right: it was {which}.", guessWrong: "Wrong: it was {which}.", guessYou: "You", guessDone: "Played against the fakes at {at} samples.", judged_accuracy: "Accuracy", judged_precision: "Precision", judged_recall: "Recall",
  // curves
  curves: "Curves", curvesHint: "Drag to zoom all charts, double-click to reset, click to go there.", resetZoom: "Reset zoom", zoomHere: "Zoom in here", details: "Details: accuracy, precision, gradients, penalty, speed",
  metric: "held-out metric", heldoutMetric: "Held-out metric", losses: "Losses", lossesNote: "ln 2: the loss of a D that cannot tell real from fake", dCallsReal: "D calls real", dCallsRealNote: "Share that D calls real. Train above held-out: overfitting.",
  heldoutOf: ({ metric }) => (/metric/i.test(metric) ? "Held-out metric" : `Held-out: ${metric}`), heldoutNote: "Larger is better",
  accuracy: "D's accuracy", accuracyNote: "Share of right calls, fakes against as many records", guessing: "guessing", precision: "D's precision", precisionNote: "Of what D calls real, the share that is",
  meanLogits: "D's mean logits", memorised: "Memorised", memorisedNote: "0: training records score as held-out ones; 1: held-out ones score as fakes", gap: "Gap between real and fake", gapOfMeans: "Mean logit of real less that of fakes",
  gradients: "Gradient norms", penalty: "Penalty", penaltyNote: "Gradient penalty, without its weight", weight: "Penalty weight", strength: "Augmentation", learningRate: "Learning rate", speedTitle: "Samples per second",
  eventsOf: "Events ({n})", event_alarm: "alarm", event_rollback: "rolled back", event_best: "best", event_planned: "planned", event_finished: "finished",
  // time bar
  timeBar: "Time: real samples shown", play: "Play", pause: "Pause", toFirst: "First preview", toLast: "Last preview", stepBack: "One step back", stepOn: "One step on",
  atSamples: "{at} of {total} samples", previewOf: "preview {k} of {n}", updateOf: "update {k} of {n}", behind: "behind: go live", atLive: "● live",
  // stop and sample
  stopTitle: "Stop this training?", stopText: "It stops at its next progress update, and keeps its checkpoints and its best model. Go on later with: gankit train -o RUN --resume", keepTraining: "Keep training", stopNow: "Stop", stopping: "Stopping …",
  sampleTitle: "Sample", checkpoint: "Checkpoint", bestModel: "best model", bestModelAt: "best model, at {at} samples", modelHere: "of the step shown, at {at} samples", howMany: "How many {noun}", seed: "Seed", format: "Format", atMost: "At most {n}; more with gankit sample.",
  conditions: "Conditions (empty: any)", from: "from", to: "to", download: "Download", sampling: "Sampling …", downloaded: "Saved as {name}.",
  // new run
  newRunTitle: "New run", dropHere: "Drop a file of data here", orChoose: "or choose one: CSV, JSON, Parquet, ZIP of images, audio, text …", builtin: "Or a built-in set", builtinChoose: "choose …", builtinIs: "{title}, {kind}: comes with gankit.",
  offered: "{name}, the file this page was started on", reading: "Reading {name} …", understood: "{name}: what was understood", splitOf: "{all}: {train} to train, {heldout} held out", columns: "Columns", fedAs: "Fed as", decided: "Decided for you ({n})",
  conditionOn: "Condition on columns", conditionNote: "The model can then be asked for rows with given values in these columns.", budget: "Train for", budgetNote: "The one dial: a longer training is usually better. It can be stopped at any time.", runName: "Name (optional)", start: "Start", starting: "Starting …",
  budget_60s: "1 minute", budget_5m: "5 minutes", budget_20m: "20 minutes", budget_1h: "1 hour", budget_4h: "4 hours", budget_12h: "12 hours",
  // compare
  compare: "Compare", atMostCompared: "{n} runs are compared at a time; {more} more were ticked.", tickTwo: "Tick two or more runs to compare them.", settingsDiffer: "Settings that differ", noneDiffers: "The settings are the same.", setting: "Setting", dLoss: "D's loss", gLoss: "G's loss", fakesCalledReal: "Fakes that D calls real", accuracyHeldout: "D's accuracy on held-out records",
  kind_number: "numbers", kind_vector: "vectors", kind_table: "table", kind_image: "images", kind_series: "series", kind_text: "texts", kind_audio: "audio",
};

const TRADITIONAL = {
  skip: "跳到內容", views: "檢視", allRuns: "所有訓練", learn: "學習", language: "語言", scheme: "淺色或深色", loading: "載入中……",
  replayNote: "已儲存的重播：不會傳送任何資料", unknown: "原因不明", serverGone: "伺服器沒有回應。每兩秒會再試一次，恢復後頁面會自動繼續。若伺服器已停止，請執行：gankit watch",
  cancel: "取消", close: "關閉", any: "全部",
  search: "搜尋", filter: "篩選與分組", kind: "種類", data: "資料", state: "狀態", group: "分組依據", notGrouped: "不分組", isDefault: "預設值",
  group_data: "資料", group_kind: "種類", group_seed: "種子", group_state: "狀態", group_network: "網路",
  runsCount: "{n} 次訓練", runsOf: "{all} 次訓練中的 {n} 次", noneMatches: "沒有符合的訓練。請清除搜尋，或選「全部」。",
  noRuns: "這裡還沒有訓練", noRunsText: "訓練一次，就會出現在這裡：", noRunsStart: "把資料檔拖到此頁、按「新訓練」，或在終端機訓練：",
  compareTick: "比較", compareRuns: "比較 {n} 次訓練", newRun: "新訓練", noMetricYet: "尚無保留集指標", bestIs: "最佳 {best}", noPreviewsShort: "沒有保留預覽",
  running: "訓練中", finished: "已完成", stopped: "已停止", failed: "失敗", new: "即將開始", runningAt: "訓練中 {done}", left: "剩餘 {time}",
  recordsOf: "{n} 筆資料", records: "筆資料", columnsOf: "{n} 欄", seedOf: "種子 {seed}", failedWhy: "失敗：{why}",
  stop: "停止", sample: "取樣", report: "報告", saveReplay: "儲存重播", stopAsked: "將於下次更新時停止……", howItWasMade: "訓練設定",
  fakes: "假樣本", someFakes: "假樣本", fake: "假", real: "真", realData: "真實資料", heldoutRecords: "保留的真實資料", fakeRows: "假樣本列", fakeNumber: "假樣本 {n}：顯示最相近的資料",
  loadingPreviews: "載入預覽中……", noPreviewsYet: "尚無預覽：訓練開始時會保留第一份。", noPreviews: "這次訓練沒有保留預覽：它出自較早版本的 gankit，或以 --previews 0 訓練。曲線在下方。",
  previewFailed: "這份預覽已不存在", previewAt: "樣本數 {at}", previewNear: "目前 {at}，載入 {wanted} 中……",
  brokenRules: "未經重抽的列所違反的資料規則（取樣時會重抽）：{list}", noBroken: "未經重抽的列全部符合 {n} 條資料規則。",
  chooseAgain: "此刻偏差最大的欄", gapNote: "數字：偏差（0 = 相同）", playClip: "播放片段 {n}",
  figureOne: "真實數值與假樣本的直方圖、D(x)、最佳 D，以及由 z 到 x 的線", dOfX: "D(x)", dBest: "最佳 D*", zToX: "z → x", planeFigure: "真實點與假樣本，背景為 D 的曲面", surfaceKey: "D 判為真",
  fromNoise: "從雜訊開始：同一個 z 在訓練中的樣子", fromNoiseAt: "{n} 個樣本",
  endedEarly: "在規劃的 {planned} 個樣本中，於 {at} 時結束：保留集指標不再進步（提前停止）。", nothingHere: "這個網址沒有內容。", filledIn: "輸出時才編號，並非學自資料", clickFake: "點選一個假樣本，查看與它最相近的真實資料。", chooseFake: "選第一個", fakeBefore: "上一個假樣本", fakeAfter: "下一個假樣本",
  neighbours: "相近資料", neighboursOf: "假樣本 {n} 與最相近的資料", lookingFor: "尋找最相近的資料中……", thisFake: "此假樣本", nearestTraining: "最近的訓練資料", nearestHeldout: "最近的保留資料", distance: "距離 {d}", distanceHead: "距離", measuredBy: "量度：{measure}。",
  whatIsHappening: "目前情況", train: "訓練", heldout: "保留", phase: "階段", epoch: "輪次", step: "步", samples: "樣本數", speed: "速度", perSecond: "每秒 {n} 個樣本", timeLeft: "剩餘時間", noScoresYet: "尚無分數",
  phase_likelihood: "概似", phase_discriminator: "只訓練 D", phase_game: "對抗",
  notBegun: "對抗尚未開始。", playing: "對抗進行中，尚未評估。", inLikelihood: "G 先以概似學習，D 尚未加入。", inDiscriminator: "D 先單獨學習分辨真假，讓對抗有公平的開始。",
  dCannotTell: "D 幾乎分不出假樣本與保留資料：答對 {right}，亂猜為 50 %。", dTellsSome: "D 有 {right} 分得出假樣本與保留資料：G 落後，並從中學習。", dTellsMost: "D 有 {right} 分得出假樣本與保留資料：G 遠遠落後。",
  bestNow: "保留集指標達到目前最佳。", notBetterSince: "自樣本數 {at} 以來，保留集指標沒有進步。",
  youAreDRun: "換你當 D：是真是假？", guessBegin: "玩十回合", guessAgain: "再玩十回合", guessNote: "逐一顯示保留的真實資料與目前這一步的假樣本，最後比較你與 D 的分數。", guessOf: "第 {k} / {n} 回合：是真的嗎？", guessReal: "真", guessFake: "假", guessRight: "答對：它是{which}的。", guessWrong: "答錯：它是{which}的。", guessYou: "你", guessDone: "對手是樣本數 {at} 時的假樣本。", judged_accuracy: "準確率", judged_precision: "精確率", judged_recall: "召回率",
  curves: "曲線", curvesHint: "拖曳以放大所有圖，雙擊還原，點一下移到該處。", resetZoom: "還原縮放", zoomHere: "在此放大", details: "更多：準確率、精確率、梯度、懲罰項、速度",
  metric: "保留集指標", heldoutMetric: "保留集指標", losses: "損失", lossesNote: "ln 2：分不出真假的 D 的損失", dCallsReal: "D 判為真", dCallsRealNote: "D 判為真的比例。訓練高於保留：過擬合。", heldoutOf: "保留集：{metric}", heldoutNote: "愈大愈好",
  accuracy: "D 的準確率", accuracyNote: "判斷正確的比例，假樣本與資料各半", guessing: "亂猜", precision: "D 的精確率", precisionNote: "D 判為真的之中，確實為真的比例",
  meanLogits: "D 的平均 logit", memorised: "背誦程度", memorisedNote: "0：訓練資料與保留資料得分相同；1：保留資料得分有如假樣本", gap: "真假差距", gapOfMeans: "真實資料的平均 logit 減去假樣本的",
  gradients: "梯度範數", penalty: "懲罰項", penaltyNote: "梯度懲罰，未乘權重", weight: "懲罰權重", strength: "資料增強", learningRate: "學習率", speedTitle: "每秒樣本數",
  eventsOf: "事件（{n}）", event_alarm: "警示", event_rollback: "退回", event_best: "最佳", event_planned: "規劃", event_finished: "完成",
  timeBar: "時間：已看過的真實樣本數", play: "播放", pause: "暫停", toFirst: "第一份預覽", toLast: "最後一份預覽", stepBack: "後退一步", stepOn: "前進一步",
  atSamples: "{at} / {total} 樣本", previewOf: "預覽 {k} / {n}", updateOf: "更新 {k} / {n}", behind: "落後：回到即時", atLive: "● 即時",
  stopTitle: "停止這次訓練？", stopText: "它會在下次更新時停止，並保留檢查點與最佳模型。之後可用這個指令繼續：gankit train -o RUN --resume", keepTraining: "繼續訓練", stopNow: "停止", stopping: "停止中……",
  sampleTitle: "取樣", checkpoint: "檢查點", bestModel: "最佳模型", bestModelAt: "最佳模型，樣本數 {at}", modelHere: "目前這一步，樣本數 {at}", howMany: "筆數", seed: "種子", format: "格式", atMost: "最多 {n}；更多請用 gankit sample。",
  conditions: "條件（空白：不限）", from: "從", to: "到", download: "下載", sampling: "取樣中……", downloaded: "已存為 {name}。",
  newRunTitle: "新訓練", dropHere: "把資料檔拖到這裡", orChoose: "或選擇檔案：CSV、JSON、Parquet、圖片 ZIP、音訊、文字……", builtin: "或內建資料", builtinChoose: "選擇……", builtinIs: "{title}（{kind}）：gankit 內附。",
  offered: "{name}（此頁開啟的檔案）", reading: "讀取 {name} 中……", understood: "{name}：理解的內容", splitOf: "{all}：{train} 筆訓練、{heldout} 筆保留", columns: "欄位", fedAs: "輸入形狀", decided: "自動決定的事項（{n}）",
  conditionOn: "以欄位為條件", conditionNote: "之後可指定這些欄位的值來取樣。", budget: "訓練時間", budgetNote: "唯一的旋鈕：通常愈久愈好，隨時可以停止。", runName: "名稱（可省略）", start: "開始", starting: "啟動中……",
  budget_60s: "1 分鐘", budget_5m: "5 分鐘", budget_20m: "20 分鐘", budget_1h: "1 小時", budget_4h: "4 小時", budget_12h: "12 小時",
  compare: "比較", atMostCompared: "一次最多比較 {n} 次訓練；另有 {more} 次未顯示。", tickTwo: "請勾選兩次以上的訓練來比較。", settingsDiffer: "不同的設定", noneDiffers: "設定相同。", setting: "設定", dLoss: "D 的損失", gLoss: "G 的損失", fakesCalledReal: "D 判為真的假樣本", accuracyHeldout: "D 在保留資料上的準確率",
  kind_number: "數值", kind_vector: "向量", kind_table: "表格", kind_image: "圖片", kind_series: "序列", kind_text: "文字", kind_audio: "音訊",
};

/** The languages there are, each in its own words. */
export const LANGUAGES = { en: "English", "zh-Hant": "繁體中文" };

const TEXTS = { en: ENGLISH, "zh-Hant": TRADITIONAL };

let tongueNow = "en";

/** The code of the language that is spoken. */
export function language() {
  return tongueNow;
}

/** Speaks a language from now on; an unknown one, or "", means English. */
export function setLanguage(code) {
  tongueNow = code in TEXTS ? code : "en";
  document.documentElement.lang = tongueNow;
}

/** The text of a key with values put in; `otherwise` where there is none (else the key itself). */
export function say(key, values = {}, otherwise = key) {
  const text = TEXTS[tongueNow][key] ?? ENGLISH[key] ?? otherwise;
  if (typeof text === "function") return text(values);
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

export const phaseName = (phase) => say(`phase_${phase}`, {}, phase);

export const kindName = (kind) => say(`kind_${kind}`, {}, kind);

/** What a metric is called, without what is explained in brackets. */
export const metricName = (metric) => (metric?.name || "").replace(/\s*\([^)]*\)\s*$/, "") || say("metric");

export const stateName = (state) => say(state, {}, state);
