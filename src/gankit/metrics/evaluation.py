"""Every metric of a table of fakes, beside its ceiling and three plain baselines, as one plain JSON value.

Knows the table of metrics and two or three samples; never how the samples were made, nor how the figures are shown.

`evaluate_samples` gives (every float finite or null; texts are data, never markup):

    {
      "seed": 0,
      "rows": {                        # how many rows there were, and how many were used
        "train": 26048, "heldout": 6513, "fake": 6513,
        "compared": 6513,              # rows of fakes, of training rows (ceiling) and of each baseline
        "against": 6513                # held-out rows they are compared with
      },
      "target": "income" | null,       # given or guessed; null when nothing can be predicted (one column)
      "target_guessed": true,
      "given": ["income"],             # the columns conditional fidelity looks at (the target when none was given)
      "notes": ["..."],                # what was decided or left out, one sentence each
      "metrics": {
        NAME: {
          "meaning": "one line for readers",
          "family": "marginals" | "pairs" | "cube" | "two-sample" | "usefulness" | "coverage" | "conditional" | "copies",
          "best": 1.0,
          "direction": "higher" | "lower" | "near",   # near: `best` is a chance level, both sides of it are worse
          "fake": SCORE,
          "ceiling": SCORE | null,     # fresh real rows in the place of the fakes: what perfect fakes would get
          "baselines": {"bootstrap": SCORE, "independent": SCORE, "copula": SCORE},   # their details are dropped ({})
          "rows_needed": 25000 | null, # the rows that would tell fakes from the ceiling; null: these do, or unknown
          "seconds": 1.2
        }, ...
      },
      "columns": [COLUMN, ...]         # for pictures: one entry a column, in order
    }

    SCORE = {"value": 0.98 | null, "low": 0.97 | null, "high": 0.99 | null, "best": 1.0, "details": {...}}
    A value of null means "cannot be computed here"; details["reason"] then says why in words.

    COLUMN = {"column": "age", "kind": "number", "missing": {"real": 0.0, "fake": 0.0},
              "edges": [17.0, ...],                        # K + 1 edges; the outer cells hold all that lies beyond
              "real": [K shares], "fake": [K shares]}      # shares of all rows, so that they add up to 1 - missing
           | {"column": "sex", "kind": "category", "missing": {...},
              "levels": ["Male", "Female"], "num_levels": 2,            # the 24 most frequent levels of the real rows
              "real": [shares], "fake": [shares], "other": {"real": 0.0, "fake": 0.0}}

NAMEs and their details (lists of columns, pairs, cells and records come worst first):

    shape            columns: [{column, kind, score, missing_real, missing_fake, and for numbers: ks, wasserstein (in
                     the column's own unit), wasserstein_sd (in standard deviations of the real rows)}];
                     for a single number column also one_number: {ks_p_value, kl_nats, kl_bins}
    trend            pairs: [{columns: [a, b], score, how: "correlation" | "contingency" | "mixed", real, fake
                     (the correlations, or null)}] (the 30 worst); matrix: {columns: [..], scores: [[..]]} (1 on the
                     diagonal; at most 60 columns); matrix_capped: bool
    cube             orders: [{order: 1 | 2 | 3, sets, sets_possible, cells, tv_mean, tv_max, within (share of cells within
                     sampling error), within_expected: 0.95}]; worst_sets: [{columns, tv}]; worst_cells: [{terms: [{column,
                     value}], text: "age in (24, 30] and sex = Male", real, fake (shares), z}]; level: 0.05; sampled: bool;
                     seconds
    c2st_trees       auc, auc_low, auc_high, accuracy, precision, recall, folds, rows (each side)
    c2st_linear      the same
    usefulness       target, task: "classification" | "regression", figure: "auc" | "r2", train_rows, test_rows, classes
    rare_categories  found, expected, possible (levels), share (found / possible), per_column: [{column, rare, found, expected}],
                     missed: [{column, level, real_rows}] (the most frequent that are missing, at most 20)
    precision        rows, curve: {alpha: [..], inside: [..]}
    recall           rows, curve: {beta: [..], covered: [..]}
    density          rows, neighbours
    coverage         rows, neighbours
    conditional      columns: [{column, score, levels: [{level, real_rows, fake_rows, score, worst: [{column, score}]}]}]
    copies_exact     copies (rows), rows, heldout_share, unique_copied (training rows that were copied),
                     examples: [{fake: RECORD}] (at most 5)
    copies_near      closer (rows), rows, ties, three_sample: {z, p, cells_z, cells_p, cells}, distance: {train_median,
                     heldout_median}, worst: [{fake: RECORD, train: RECORD, distance_train, distance_heldout}] (at most 10)
    membership       auc is the value; tpr_at_1: share of members found at 1% false positives (low, high: tpr_at_1_low,
                     tpr_at_1_high), tpr_at_0_1 at 0.1% (null with fewer than 1,000 non-members), members, non_members

    RECORD = {"age": 31.0, "sex": "Male", "pay": null}: numbers as float (datetimes in seconds), categories as text.
"""
