// The texts of the lessons in English. {name} is replaced by a value of the lesson.

export const LESSONS_ENGLISH = {
  title: "How a GAN learns", lead: "Two networks play a game on your numbers. Press “D step”, “G step” or “both” and watch what moves.",
  opening: "Opening the lesson …",
  // data
  data: "Data", data_bells: "Two bells", data_tail: "Heavy tail", data_spikes: "Spikes", data_ring: "Ring (pairs)", data_grid: "Grid (pairs)", data_moons: "Two moons (pairs)", data_own: "your own",
  ownData: "Your own:", draw1Short: "Draw", draw2Short: "Spray", pasteShort: "Paste", fileShort: "File",
  draw1: "Draw a density", draw2: "Spray points", paste: "Paste numbers", file: "Open a file", numbers: "Numbers", clear: "Clear", useThis: "Use this",
  draw1Note: "Draw with the mouse or a finger. With the keyboard: left and right choose a bar, up and down change it. 1,000 records are drawn from it.",
  draw2Note: "Spray with the mouse or a finger. With the keyboard: arrows move, Enter sprays.",
  pasteNote: "One number a line, or two a line for pairs. Spaces, commas and line breaks separate them.",
  fileNote: "CSV, JSON, Parquet …: one or two columns of numbers; more are projected onto two principal components",
  tooFew: "A lesson needs at least {n} records.", tooMany: "A lesson takes at most {n} records.", notNumber: "“{text}” is not a number.",
  firstColumn: "First column", secondColumn: "Second column", allColumns: "all {n}, projected", noColumn: "none",
  lost: "This tab does not keep the data of this link any more. Choose data again.", enough: "A lesson goes up to {n} steps. Train a model for more: see the command below.", refused: "The server did not take this. Try other settings.",
  // the game
  theGame: "The game", theGameOf: "The game, {letter}", side_A: "first run", side_B: "second run",
  sideFacts: "Step {step}, {samples} real samples shown, epoch {epoch}. D sees batches {fed}.", projected: "The data have more columns: these are their two principal components, a projection.",
  figureNumbers: "Densities of real data and of fakes, D(x), the best possible D, arrows at fakes, and lines from z to x", figurePairs: "Real and fake points over D's surface, with arrows at fakes",
  keyReal: "p_data, real", keyFake: "p_g, fakes", keyBest: "best possible D*(x)", keyPush: "where G will be pushed", keySurface: "D says real", keyWarp: "G's warped grid",
  // knobs
  knobs: "Settings", knob_loss: "Loss", knob_penalty: "Penalty", knob_weight: "Penalty weight", knob_d_steps: "D steps per G", knob_d_rate: "D learning rate", knob_g_rate: "G learning rate", knob_batch: "Batch size", knob_width: "Width", knob_depth: "Depth", knob_latents: "Noise dimension", knob_records: "Training records", knob_seed: "Seed",
  about_loss: "What each network is trained to make small", about_penalty: "Keeps D's slope small", about_weight: "How strongly the penalty counts", about_d_steps: "Updates of D for one of G", about_d_rate: "How far D's weights move in a step", about_g_rate: "How far G's weights move in a step", about_batch: "Records of one step", about_width: "Units of a layer", about_depth: "Blocks of each network", about_latents: "Numbers in z; 0: as many as in a record", about_records: "Records used for training; 0: all that are not held out", about_seed: "Fixes the first weights and every random draw",
  loss_minimax: "minimax", loss_nonsaturating: "non-saturating", loss_leastsquares: "least squares", loss_hinge: "hinge", loss_wasserstein: "Wasserstein", loss_relativistic: "relativistic", penalty_none: "none", penalty_r1: "R1", penalty_r2: "R2", penalty_r1r2: "R1 + R2", "penalty_wgan-gp": "WGAN-GP",
  bounds: "{name} is a number from {low} to {high}.", boundsWhole: "{name} is a whole number from {low} to {high}.",
  // moves
  moves: "Moves", dStep: "D step", gStep: "G step", bothStep: "Both", keyD: "One step of D (key D)", keyG: "One step of G (key G)", keyBoth: "One step of D and of G (key B or →)", keyPlay: "Play or pause (space)", keyRestart: "Back to step 0 (Home)", restart: "Step 0", restartLong: "Back to step 0",
  pace: "Speed", paceSlow: "slow", paceOne: "1 step a frame", paceMany: "{n} steps a frame", stepAt: "step {step}", besideAdd: "+ second run beside", besideEnd: "Close the second run",
  // this step
  thisStep: "This step", thisStepOf: "Step {step}: {who}", who_d: "D moved", who_g: "G moved", who_both: "D and G moved", thisStepNote: "Point at a line to see it in the figure; press to keep it.",
  noStepYet: "Nothing has moved yet. At each step {batch} draws z [{batch}, {latents}] go through G and become fakes [{batch}, {dim}]; as many real records are drawn; D scores both.",
  flow_draw: "1. Draw noise and records", flow_judge: "2. D scores both (logits)", flow_loss: "3. Losses", flow_move: "4. Gradients move the weights",
  meanScore: "mean {mean}", lossOf: "{who}'s loss", penaltyOf: "penalty", movedBy: "moved by {by} in all", stoodStill: "did not move",
  // curves
  lossesNoteHere: "ln 2 for each term: the loss of a D that cannot tell real from fake", distanceTitle: "Distance to held-out data", distanceReal: "training data", distanceNote: "Sliced Wasserstein distance in standard deviations. The dashed line is what real training data reach.",
  // captions
  caption_start: "Nothing has moved yet: G's fakes (orange) are not where the data (blue) are, and D (green) is nearly flat. Press “Both” for one step, or “Play”.",
  caption_early: "The first steps: an untrained G puts its fakes close together. They are {distance} standard deviations away from held-out data. D is right {right} of the time. Go on.",
  caption_collapse: "G is collapsing: its fakes miss parts of the data. They are {distance} standard deviations away from held-out data; training data are {floor} away. D is right {right} of the time.",
  caption_underfitting: "Underfitting: with {width} units a layer, the networks are too small for this data. Fakes are {distance} standard deviations away from held-out data; training data are {floor} away.",
  caption_runaway: "D runs away: it is right {right} of the time on held-out data and fakes, and calls {fake} of the fakes real. G learns little from an opponent that is always sure.",
  caption_vanishing: "Vanishing gradients: D is sure that fakes are fake (it is right {right} of the time), and with the minimax loss G's gradient shrinks to almost nothing. The fakes hardly move.",
  caption_memorised: "Overfitting: D has memorised its {records} training records. It is right {trainRight} of the time on them and {right} on held-out data.",
  caption_even: "An even game: D is right {right} of the time, and guessing gives 50 %. Fakes are {distance} standard deviations away from held-out data; training data are {floor} away.",
  caption_learning: "G is learning: D tells fakes from held-out data {right} of the time, and its slope shows G where to go. It calls {fake} of the fakes real.",
  // show me
  showMe: "Show me", showNote: "Each button causes a well-known failure on purpose. Then cure it.", cure: "Cure it",
  show_collapse: "Mode collapse", show_runaway: "Runaway D", show_vanishing: "Vanishing gradients", show_memorised: "Overfitting", show_underfitting: "Underfitting",
  why_collapse: "No penalty, and G learns ten times faster than D: G piles its fakes onto the few places that D calls real just now.",
  cured_collapse: "The cure, run B: a relativistic loss, which compares fakes with real data, penalties R1 and R2 that keep D smooth, equal learning rates, and wider networks.",
  why_runaway: "D takes five steps for each of G's, has no penalty, and G's learning rate is very small: D wins before G has moved.",
  cured_runaway: "The cure, run B: one step each, equal learning rates, and an R1 penalty that keeps D's slope small.",
  why_vanishing: "The minimax loss of G, log(1 − D(G(z))), is flat where D is sure. So G gets no gradient just when it needs one.",
  cured_vanishing: "The cure, run B: the non-saturating loss −log D(G(z)), which is steep where D is sure, with an R1 penalty.",
  why_memorised: "Only 20 training records, a large network, no penalty, and 800 steps of D alone: D learns these records, not the distribution.",
  cured_memorised: "The cure, run B: all records, a smaller network, and an R1 penalty.",
  why_underfitting: "Three units a layer: no choice of weights bends a line of noise into this shape.",
  cured_underfitting: "The cure, run B: 64 units a layer and two blocks, with the relativistic loss and both penalties.",
  // you are D
  youAreD: "You are D", youAreDNote: "Ten rounds: is it real or fake? Then see your accuracy, precision and recall beside D's. It is played at the step shown above; at a later step it is harder.",
  roundBegin: "Play ten rounds", roundAgain: "Ten more", roundOf: "Round {k} of {n}:", roundHelp: "Pale blue: real data, as D sees them in training.", roundFigure: "The record in question over real data", callReal: "Real", callFake: "Fake",
  wasRight: "Right:", wasWrong: "Wrong:", wasReal: "it was real. D's score for it: {d}.", wasFake: "it was fake. D's score for it: {d}.",
  you: "You", youWon: "You beat D.", dWon: "D beat you.", evenGame: "A draw between you and D.",
  roundMeaning: "Accuracy: the share of right answers. Precision: of what was called real, the share that is. Recall: of what is real, the share that was called so.",
  // ideas
  ideas: "The ideas", showFigure: "Show it in the figure", showCurve: "Show the curve",
  idea_batch: "A batch", ideatext_batch: "One step does not look at all data. It draws {batch} real records and makes {batch} fakes; the average loss over them gives the gradient. After {step} steps, D has been shown {samples} real records.",
  idea_epoch: "An epoch", ideatext_epoch: "When all {train} training records have been shown once, one epoch is over: here after {perEpoch} batches of {batch}. So far it is {epochs} epochs.",
  idea_init: "Initialisation", ideatext_init: "Training starts from random weights. Seed {seed} fixes them, and every later draw: the same seed gives the same game. Go back to step 0, change the seed, and see where G begins.",
  idea_split: "Training and test set", ideatext_split: "{train} records train the networks; {heldout} are held out as a test set and never shown to D. D calls {callsTrain} of the training records real and {callsHeldout} of the held-out ones.",
  idea_fit: "Underfitting and overfitting", ideatext_fit: "Underfitting: fakes stay far from the data (now {distance}; training data reach {floor}). Overfitting: D is right more often on training records ({rightTrain}) than on held-out ones ({rightHeldout}).", ideatext_fitEven: "Underfitting: fakes stay far from the data (now {distance}; training data reach {floor}). Overfitting would show as D being right more often on training records ({rightTrain}) than on held-out ones ({rightHeldout}); here it is not.",
  idea_stop: "When to stop", ideatext_stop: "The losses do not tell: they only say who is ahead. Watch a distance to held-out data, and keep the best model: it was {best} at step {bestStep}; now it is {distance}.",
  // take it with you
  take: "Take it with you", takeNote: "The same loss and networks outside this page.", takeCommand: "On the command line", takePython: "In Python", takeScript: "Download gan.py", takeData: "Download data.txt",
  takeRun: "gan.py is this GAN in plain PyTorch, in one short file, with the same first losses. Run: python gan.py data.txt", copy: "Copy", copied: "Copied", copyFailed: "Select and copy",
};
