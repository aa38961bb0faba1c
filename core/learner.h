/* What a learner is made of. Every array is allocated by memory.c and may be looked at from outside (hw_retain). */
#ifndef HW_LEARNER_H
#define HW_LEARNER_H

#include "headwater.h"
#include "random.h"
#include <stdbool.h>

/* ---- memory.c ------------------------------------------------------------------------------------------------------ */

void *hw_allocate(const hw_allocator *memory, uint64_t bytes); /* zeros, on a cache line; NULL if there is none */
/* Room for `bytes`; what was there stays, the rest is zeros. Returns false, and changes nothing, if there is none. */
bool hw_extend(const hw_allocator *memory, void *pointer_to_pointer, uint64_t bytes);
size_t hw_capacity(const void *data); /* how many bytes were taken */
int hw_references(const void *data);  /* how many keep it, the learner among them */

/* ---- lists of names: rows of these tables are the only place where a name of the core stands ------------------------ */

#include "kernels/activations.h"      /* HW_ACTIVATIONS */
#include "kernels/losses.h"           /* HW_LOSSES */
#include "kernels/optimizers/rules.h" /* HW_RULES */

#define HW_SCHEDULES(X) X(constant) X(inverse_scaling) X(cosine) X(step) X(warm_up)
#define HW_CODE(name) HW_SCHEDULE_##name,
enum { HW_SCHEDULES(HW_CODE) HW_SCHEDULE_COUNT };
#undef HW_CODE

#define HW_INITIALIZERS(X) X(zeros) X(uniform) X(glorot) X(he) X(lecun) X(orthogonal) X(sparse)
#define HW_CODE(name) HW_INITIALIZER_##name,
enum { HW_INITIALIZERS(HW_CODE) HW_INITIALIZER_COUNT };
#undef HW_CODE

/* ---- vocabulary (vocabulary.c)
 * ------------------------------------------------------------------------------------------- */

/* Columns and categories, each with its bytes. Append-only; found by hash. */
typedef struct hw_names {
    int32_t count;
    int32_t *owner; /* (count,) −1: a column; else the column a category belongs to */
    int32_t *value; /* (count,) number of the column, or row of the category */
    int64_t *end;   /* (count,) where its bytes end; they begin where those of the one before end */
    char *bytes;
    int32_t *table;     /* open addressing: place of a name, or −1 */
    int64_t table_size; /* a power of two */
    uint64_t key;       /* orders the table, changes no result */
} hw_names;

typedef struct hw_columns_t {
    int32_t count;
    int32_t *name;   /* place in names */
    uint8_t *kind;   /* HW_NUMBER, HW_CATEGORY, HW_TIME */
    int32_t *slot;   /* first slot of its numbers; −1 for categories */
    uint64_t *order; /* the start of its name as a number: what samples are sorted by first */
} hw_columns_t;

/* ---- statistics of the input slots (input.c) ------------------------------------------------------------------------- */

typedef struct hw_slots {
    int32_t count;
    int32_t *row;   /* (count,) the row that the value scales */
    int32_t *basis; /* (count,) first row of its spline basis; 0: none yet; −1: there will be none */
    double *mean, *variance, *seen;
    int32_t *knot_count;
    double *knots;      /* (count, knots) */
    double **reservoir; /* (count,) a sample of its values, as long as needed up to HW_RESERVOIR */
} hw_slots;

enum { HW_RESERVOIR = 256, HW_ANSWER_INPUTS = 4 };
enum { HW_FIRST_KNOTS = 16 }; /* values before there are knots */
enum {
    HW_PATIENCE = 500,
    HW_OVERFLOW_COUNTS = 50
}; /* rows that an expert may fail, as many of which one overflow counts */

/* ---- cell tables (cells.c) ----------------------------------------------------------------------------------------------
 */

/* Test b of table t stands at b * tables + t: whether the sample's value of `code` (a slot, or -row - 1 of a category) is
 * above the threshold. Behind the tests in use stand candidates: values of rows seen so far. */
typedef struct hw_cells {
    int32_t tables, tests; /* as declared */
    int32_t used;          /* tests in use in each table */
    int64_t candidates;    /* how many there are */
    int64_t offered;       /* how many values were offered as candidates */
    int32_t *code;
    double *threshold;
    /* derived from these */
    int32_t places, hash_size;
    int32_t *hash;        /* (hash_size, 2) open addressing: a code, and its place in x; -1: free */
    int32_t *place;       /* of each test: the place of its code */
    double *x;            /* the sample's values, -infinity where it has none */
    int32_t *cell, *rows; /* (tables) the sample's cells, and their rows */
    void *values;         /* (tables) what each row is multiplied by */
} hw_cells;

/* ---- forecasts (forecast.c) ---------------------------------------------------------------------------------------------
 */

enum {
    HW_FORECAST_INPUTS = 9,   /* columns that say what is known of a time ahead, the first of the vocabulary */
    HW_FORECAST_EXPERTS = 3,  /* season, linear, nets */
    HW_FORECAST_WINDOW = 500, /* errors kept of each horizon */
    HW_TAILS = 5,             /* shares of answers beyond an end that levels are followed for (ends.c) */
    HW_LEVELS = 4 * HW_TAILS + 1,
    HW_MOST_HORIZON = 1024,
    HW_MOST_SEASON = 16384,
    HW_MOST_LAGS = 1024
};
#define HW_MOST_ANSWER 1e30

enum { HW_FC_TIMES, HW_FC_ENTRIES, HW_FC_COUNTS }; /* times so far; entries kept of their columns */
enum {
    HW_FN_ANSWERS, /* how many there were */
    HW_FN_MEAN,    /* and their mean, */
    HW_FN_SPREAD,  /* variance, */
    HW_FN_FADING,  /* and a faster mean */
    HW_FN_FAR,     /* answers in a row that were too far off; */
    HW_FN_BOUNDED, /* all of them */
    HW_FN_SCALE,   /* the unit of least squares; 0: they have not begun */
    HW_FN_START,   /* the time when they began */
    HW_FN_NUMBERS
};
enum { HW_ORIGIN_LAST, HW_ORIGIN_MEAN, HW_ORIGIN_KNOWN, HW_ORIGIN }; /* what was known at a time */
enum { /* of a horizon: how many errors, fading squares of them, and what shares are made of: two numbers each */
       HW_E_COUNT,
       HW_E_SEASON,
       HW_E_LINEAR,
       HW_E_NETS,
       HW_E_LINEAR_SHARE,
       HW_E_NETS_SHARE = HW_E_LINEAR_SHARE + 2,
       HW_ERRORS = HW_E_NETS_SHARE + 2
};

/* Rings by time: time t stands at t modulo their length. */
typedef struct hw_forecast_t {
    int32_t horizon, season, lags; /* as declared; horizon 0: no forecaster */
    double forgetting;
    int64_t far;              /* seven seasons */
    int64_t kept;             /* answers */
    int32_t window, features; /* answers of seven seasons before; of these, the lags and 1 least squares are made */
    int64_t *counts;          /* (HW_FC_COUNTS) */
    double *numbers;          /* (HW_FN_NUMBERS) */
    double *past;             /* (kept) the last answers */
    double *inverse;          /* (features, features) P of least squares */
    double *weights;          /* (horizon, features) */
    double *inputs, *gains;   /* (horizon, features) of the last times */
    double *said;             /* (2 horizon, horizon) what least squares said at the last times */
    double *origins;          /* (2 horizon, HW_ORIGIN) */
    double *errors;           /* (horizon, HW_ERRORS) */
    double *scores;           /* (horizon, HW_FORECAST_WINDOW) the mixture's last errors */
    double *levels;    /* (horizon, HW_LEVELS) of the ends of intervals: now, and at the origin whose answer is next */
    int32_t *happened; /* (horizon, horizon) what moved the levels at the last times, in bits */
    double *given;     /* (horizon, horizon) what the mixture said at the last times (keep_forecasts) */
    double *older;     /* (horizon, horizon) errors that made room for the last ones */
    int64_t *x_start, *x_count; /* (horizon) columns of the last times: stretches of */
    int32_t *x_slots;
    double *x;
    /* working memory */
    int64_t own; /* entries of the sample at hand behind the forecaster's own */
    double *row;
} hw_forecast_t;

/* ---- decisions (decisions/bandit.c) -------------------------------------------------------------------------------------
 */

enum { HW_MOST_LINEAR = 256 }; /* rows of the table that least squares may read */
enum {
    HW_BC_INPUTS,
    HW_BC_ACTIONS,
    HW_BC_DRAWS,
    HW_BC_COUNTS
}; /* rows that they read, of how many actions; draws so far */
enum { HW_A_TAKEN, HW_A_REWARD, HW_A_NUMBERS }; /* of an action: how often it was taken, mean reward */

typedef struct hw_bandit_t {
    bool on, learning; /* learning: an action and its reward are at hand */
    int explore;
    double amount, power, lowest, highest; /* as declared */
    int64_t most;
    int64_t *counts;   /* (HW_BC_COUNTS) */
    double *shares;    /* (experts + 1, 2) weight and fading loss; the last of least squares */
    double *actions;   /* (actions, HW_A_NUMBERS) */
    double *weights;   /* (actions, inputs) */
    double *inverse;   /* (actions, inputs, inputs) */
    int32_t *ring;     /* (ring) which action was taken in a sample that is kept */
    int32_t action;    /* which was taken in the sample at hand, while it is learned */
    double importance; /* and how much its error counts */
    double *row;       /* working memory */
} hw_bandit_t;
/* ---- text (text.c)
 * -------------------------------------------------------------------------------------------------------------------
 */

enum { HW_TC_ROWS, HW_TC_TEXTS, HW_TC_COUNTS }; /* rows; samples with text so far */

typedef struct hw_words {
    int32_t grams, found; /* as declared; grams 0: no text */
    int64_t max_rows;
    int64_t *counts;  /* (HW_TC_COUNTS) */
    int32_t *columns; /* (columns) how far each is on its way to be found to be text; -1: it is decided */
    uint64_t *keys;   /* (rows) hash of a word or pair */
    double *seen;     /* (rows) how many samples had it */
    void *weights;    /* (rows, output_capacity) */
    int64_t row_capacity, table_size;
    int32_t *table; /* open addressing: row of a hash, or -1 */
    /* of the sample at hand */
    hw_word *word;
    int64_t count, capacity, set_size;
    int32_t *set;               /* open addressing: 1 + place of a word; 0: free */
    int64_t known;              /* how many have a row: */
    int32_t *rows;              /* (known) their rows, */
    void *values, *steps;       /* (known) their values, and those times their step sizes */
    void *z, *d;                /* (output_capacity) what they add to the logits, and the derivatives by it */
    uint64_t digest, predicted; /* of all hashes; of the sample that was predicted last */
} hw_words;
/* ---- memory (recurrent.c) ------------------------------------------------------------------------------------------- */

enum { HW_MN_CLOCK, HW_MN_KEYS, HW_MN_BLOCKS, HW_MN_GAP, HW_MN_GAPS, HW_MN_NUMBERS }; /* rows learned; mean gap in time */
enum {
    HW_MK_KEY,
    HW_MK_USED,
    HW_MK_BLOCK,
    HW_MK_TIME,
    HW_MEMORY_KEY
}; /* of a key: hash, clock, block + 1, bits of its time */
enum { HW_OWN = 6 }; /* numbers of a unit beside its outputs: lambda, gamma, and what sensitivities need of them */

typedef struct hw_recurrent_t {
    int32_t units, most_keys, most_blocks, traced; /* as declared; units 0: no memory */
    double least, most, turn;
    char *by, *time;
    uint32_t by_size, time_size;
    double *numbers; /* (HW_MN_NUMBERS) */
    uint64_t *keys;  /* (keys, HW_MEMORY_KEY) */
    void *states;    /* (keys, 2 units) Re h, Im h */
    int64_t
        *blocks;  /* (blocks, 1 + 2 traced) the key it belongs to; rows of the table, -1: none; when each was read last */
    void *traces; /* (blocks, (4 + 2 traced) units) of nu and theta, then of each row; real and imaginary parts */
    /* derived from these */
    int32_t *table;
    int64_t table_size;
    int32_t by_column, time_column; /* -1: not seen yet */
    uint8_t *curves;                /* (curves_capacity) 1: a row of a spline basis */
    int64_t curves_capacity;
    /* of the sample at hand */
    uint64_t key;
    int64_t at;      /* its key; -1: it has no state yet */
    double now, gap; /* its time; how many mean gaps passed since the row before */
    void *next;      /* (2 units) the state that follows */
    void *row;       /* a row's gradient */
    void *value;     /* (traced) what each traced row is multiplied by */
    void *none;      /* (2 units) zeros */
    int32_t *moved;  /* rows that a step moves */
    int64_t moved_count;
} hw_recurrent_t;

static inline int64_t hw_block_head(const hw_recurrent_t *m) { return 1 + 2 * (int64_t)m->traced; }
static inline int64_t hw_block_size(const hw_recurrent_t *m) { return (4 + 2 * (int64_t)m->traced) * m->units; }
static inline uint64_t hw_time_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, 8);
    return bits;
}
static inline double hw_time_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, 8);
    return x;
}

/* ---- agents (control/agent.c, kernels/kinds/agent.c)
 * --------------------------------------------------------------------------
 */

enum {
    HW_AN_SCALE,                    /* what a step leaves of the traces, multiplied since rows were brought up to date */
    HW_AN_STEPS,                    /* of each expert: step size times error times scale, summed since then; */
    HW_AN_TRACES = HW_AN_STEPS + 2, /* and the sum of what traces of rows are in size */
    HW_AN_TIME = HW_AN_TRACES + 2,  /* steps of the episode so far */
    HW_AN_FOLLOWED,                 /* discounted sum of the rewards so far, */
    HW_AN_REWARDS,                  /* how many there were, */
    HW_AN_MEAN,                     /* the mean of that sum, */
    HW_AN_SPREAD,                   /* and its variance, which rewards are scaled by */
    HW_AN_RETURN,                   /* rewards of the episode so far */
    HW_AN_EPISODES,                 /* that have ended */
    HW_AN_ERROR,                    /* fading means: size of the temporal-difference error, */
    HW_AN_BOUNDED,                  /* share of steps that the bound made smaller, */
    HW_AN_RANDOM,                   /* share of actions that were not the best, */
    HW_AN_WORTH,                    /* and what states are worth */
    HW_AN_TAKEN,                    /* steps of each expert */
    HW_AGENT_NUMBERS = HW_AN_TAKEN + 2
};
enum { HW_AR_LIVE = 2, HW_AGENT_ROW }; /* of a row: HW_AN_STEPS as it is up to date with, for each expert; 1: has a trace */
enum { HW_AGENT_EPISODES = 200, HW_AGENT_EXPERTS = 2 };
#define HW_LEAST_DEVIATION 1e-3 /* of a number of an action */

typedef struct hw_agent_t {
    int32_t policy; /* as declared; HW_NO_POLICY: no agent */
    bool bootstrap, bounded, adaptive;
    double gamma, lambda, kappa[HW_AGENT_EXPERTS], entropy, explore, random;
    double *numbers;           /* (HW_AGENT_NUMBERS) */
    double *returns, *lengths; /* (HW_AGENT_EPISODES) of the last episodes: a ring */
    double *rows;              /* (rows, HW_AGENT_ROW) */
    /* derived from these */
    int32_t *live; /* rows that have a trace */
    int64_t live_count;
    /* working memory */
    double next; /* what the state that followed is worth; NaN: not known */
    double *out; /* (2, outputs) what the experts say */
} hw_agent_t;

/* ---- experts ----------------------------------------------------------------------------------------------------------
 */

/* A window that slides over an image; the image that it makes has out_height rows of out_width pixels. */
typedef struct hw_window {
    int32_t channels, height, width, out_height, out_width;
    int32_t size, step, padding;
} hw_window;

typedef struct hw_op {
    int32_t kind, code;       /* HW_DENSE …; of an activation, which */
    int32_t n, m;             /* inputs, outputs */
    int32_t n_lanes, m_lanes; /* the same, up to whole vectors; what lies between is zero */
    int32_t source, target;   /* where input and output begin among a sample's values */
    int32_t single;           /* a dense layer of one output that stays one: its weights lie as one row of n numbers */
    int32_t sparse;           /* it reads a ReLU: zero inputs have zero derivatives */
    int32_t list;             /* where its list of non-zero inputs begins, in a sample's lists */
    int32_t layer;
    int32_t initializer;
    double scale;
    double constant;
    int64_t weights, stride; /* in the parameters: n rows of stride numbers; −1: none */
    int64_t bias;            /* m numbers; −1: none */
    int64_t buffer;          /* running means, variances and the count; −1: none */
    int32_t units;           /* of a batch norm: what is normalised by itself, channels of an image or inputs */
    hw_window window;        /* of what reads an image */
} hw_op;

typedef struct hw_expert_t {
    int32_t first, last; /* its operations */
    int32_t loss, rule, schedule, replays, first_replays;
    int32_t outputs, logits;                  /* where they begin among a sample's values */
    int32_t column, width, lanes, most_lanes; /* its columns in a row of the table; as many as they may become */
    int32_t initializer;                      /* of its columns */
    int32_t two_pass;                         /* dropout or batch norm: predicting and learning need a pass each */
    int32_t exact;                            /* a zero gradient changes nothing */
    int32_t cells;                            /* the operation that adds cells to its first layer; -1: none */
    int32_t recurrent;                        /* its recurrence; -1: none */
    int32_t plain;                            /* neither penalties nor clipping of values */
    double scale, loss_number, lr, lr_declared, schedule_numbers[2], rule_numbers[4];
    double l1, l2, clip_norm, clip_value;
    int64_t dense_first, dense_last; /* its stretch of the dense parameters */
} hw_expert_t;

enum { HW_FIRST_ROWS = 500 }; /* for which there are as many replays as at first; then as many a row as rows allow: 500/t */

enum { HW_HEDGED, HW_CLASSES, HW_NUMBERS }; /* how experts are mixed: probabilities, logits, numbers */

/* Numbers of hw_sizes, the counts from which all shapes follow; saved with the state. */
enum {
    HW_N_ROWS,
    HW_N_DRAWN,
    HW_N_SLOTS,
    HW_N_NAMES,
    HW_N_COLUMNS,
    HW_N_BYTES,
    HW_N_OUTPUTS,
    HW_N_FAN_IN,
    HW_N_LEARNED,
    HW_N_SHARED_FROM,
    HW_N_SHARED_NAMES,
    HW_N_HIGHEST_ROW,
    HW_N_KEPT,
    HW_N_PAIRS,
    HW_N_RESERVOIR,
    HW_N_PENDING_ADDED,
    HW_N_HAS_PENDING,
    HW_N_OUTPUT_CAPACITY,
    HW_N_PENDING_OLDEST,
    HW_N_TESTS,
    HW_N_CANDIDATES,
    HW_N_OFFERED,
    HW_SIZES
};

enum {
    HW_WINDOW = 1000,          /* scores kept for intervals */
    HW_MOST_PENDING = 2048,    /* predicted samples that may wait for their answers */
    HW_COUNTED = 1000,         /* up to so many classes the label history counts which follows which */
    HW_MOST_ENTRIES = 1 << 24, /* entries of one sample */
    HW_MOST_OUTPUTS = 1 << 20,
    HW_STRETCH = 4096 /* numbers of a gradient that are stepped along at once */
};

/* Scores of HW_ANOMALY: how many there ever were, how many samples in succession were not learned since they are unusual,
 * and the last ones of each detector and of the pool (kernels/kinds/anomaly.c). */
enum { HW_SCORES_EVER, HW_SCORES_SKIPPED, HW_SCORES_HEAD, HW_DETECTORS = 4, HW_SCORED = 2000 };

/* What was given out for a sample: ends below and above for each level of coverage, the width that they are multiples of,
 * and how many classes were known. */
enum { HW_GIVEN_WIDTH = 2 * HW_COVERAGES, HW_GIVEN_KNOWN, HW_GIVEN };

typedef struct hw_kernels hw_kernels;

struct hw_learner {
    hw_allocator memory;
    const hw_kernels *kernels;
    double *declaration;
    int64_t declaration_size;

    hw_limits limits;
    hw_fault exceeded; /* of the last sample that was too large */
    double exceeded_limit;

    /* as declared */
    bool is_double, growing, standard, targets, embedding, bias, counted;
    int knots, ring, intervals, mixture;
    bool history;
    int answer_inputs; /* columns of answers before, the first of the vocabulary: HW_ANSWER_INPUTS or 0 */
    uint64_t seed;
    int64_t max_rows, shared;
    int64_t ids;   /* of an embedding: how many a sample has */
    int32_t image; /* numbers of the image that a sample is; 0: it is none */
    int32_t image_channels;
    int level;

    /* lowered (lower.c) */
    int experts, all; /* with the scale expert behind the others */
    hw_expert_t *expert;
    hw_op *op;
    int ops;
    int outputs, output_capacity;   /* room: outputs that fit without laying out anew */
    int64_t dense, stride, buffers; /* numbers */
    int32_t length;                 /* numbers of a sample's values */
    int32_t lists;                  /* numbers of a sample's lists */
    int32_t widest;
    int states;

    /* all that learning changes */
    hw_names names;
    hw_columns_t columns;
    bool names_borrowed; /* both belong to a fleet: they are copied before a name is appended */
    hw_slots slots;
    hw_cells cells;
    hw_forecast_t forecast;
    hw_bandit_t bandit;
    hw_words text;
    hw_recurrent_t recurrent;
    hw_agent_t agent;
    int64_t rows, row_capacity, drawn, fan_in, learned, shared_from, shared_names, highest_row;
    int32_t *shared_slots;                 /* (shared,) slot of a shared row; −1: none */
    uint64_t *row_keys;                    /* (rows,) what a row is drawn from */
    int64_t *touched;                      /* (rows,) how many learned samples had the row */
    void *weights, *state[HW_MOST_STATES]; /* the parameters and the rules' numbers for each: dense, then the table */
    void *buffer;
    double *running;       /* (experts + 2, HW_RUNNING) */
    double *answers;       /* (outputs, 3) mean, variance and count of the answers */
    uint64_t *random;      /* state of the draws while learning */
    double *scores;        /* (hw_score_count) how many ever, and a ring of the last, or several */
    double *label_history; /* classes: last, repeats, moves, then counts (outputs, output_capacity); numbers: HW_PAST_… */
    double *step;          /* (2) factors on the step sizes: one that stays, one for a while */
    int64_t *sizes;        /* (HW_SIZES) counts from which all shapes follow, as of the last time they were asked for */

    /* the last samples, for replay: a ring of stretches in one array of pairs */
    int64_t ring_added;                   /* how many ever */
    int64_t *sample_start, *sample_count; /* (ring,) */
    double *sample_y, *sample_w;
    int32_t *pair_rows;
    void *pair_values;
    int64_t pairs_end, pairs_capacity;

    /* predictions of samples whose answers have not come yet */
    int64_t pending_added, pending_oldest;
    uint64_t *pending_key; /* (HW_MOST_PENDING,) */
    int64_t *pending_highest_row;
    void *pending;           /* (HW_MOST_PENDING, components, output_capacity) */
    double *pending_answers; /* (HW_MOST_PENDING, HW_ANSWER_INPUTS) answers known then, where they are inputs */
    bool covering;           /* coverage is followed: */
    double *coverage;        /* (HW_COVERAGES, HW_COVERAGE_NUMBERS) */
    double *pending_ends;    /* (HW_MOST_PENDING, HW_GIVEN) what was given out then, */
    void *pending_shown;     /* (HW_MOST_PENDING, output_capacity) and the predictions */

    /* working memory: nothing in it outlives a call */
    int32_t *entry_slots;
    double *entry_x;
    int64_t entries, entry_capacity;
    int64_t unknown;                    /* names of the sample at hand that were never seen */
    int64_t sharing;                    /* those that share rows, counted once it is learned */
    int64_t added;                      /* entries in front that are answers before; */
    bool own_answers;                   /* the sample had named these columns itself */
    double base, repeated, last_answer; /* of the sample at hand: what the last answer says of it; NaN: not known */
    double answer_share;                /* how much one answer says of the next, 0 to 1: what these columns are worth */
    int32_t *rows_at, *rows_spare;      /* pairs of the sample at hand */
    void *values_at, *values_spare;
    int64_t pair_capacity;
    int64_t pairs, active;                       /* how many, and how many take part */
    bool rows_in_order;                          /* rows_at holds 0 (the bias), 1, 2, … as a row without gaps has it */
    int32_t *predicted_slots;                    /* the sample that was predicted last, whose prediction still holds: */
    double *predicted_x;                         /* test, then train, predicts each sample right before it learns it */
    int64_t predicted_count, predicted_capacity; /* entries; −1: none */
    void *values, *deltas;                       /* (length,) a sample's values and the derivatives by them */
    int32_t *list_rows;                          /* (lists,) */
    void *list_values;
    void *predictions; /* (all + 4, output_capacity) what each expert predicts, the history, the mixture */
    void *row_gradient, *row_undo;
    void *image_room; /* (image_numbers,) for convolutions */
    int64_t image_numbers;
    int64_t undo_pairs; /* as many pairs as row_undo is large enough for */
    double *losses;     /* (all,) */
    double *staging;    /* numbers of a sample side by side: mean, variance, … */
    int64_t staging_capacity;
    int64_t pending_place; /* place + 1 of the pending predictions of the sample at hand; 0: those just made */
    int32_t *knots_due;    /* slots whose knots move after this sample */
    int32_t knots_due_count, knots_due_capacity;
    void *moved_curves; /* curves whose knots move, the knots as they were, and which curve a row belongs to */
    double *moved_knots;
    int32_t *moved_of;
    int32_t *moved_rows; /* where the ring's samples are read again to */
    void *moved_values;
    int64_t moved_capacity;
    hw_learner *planned; /* the layout with the next tests, made before the sample is learned after which they are due */
    double *matrix;      /* numbers of a matrix that is drawn anew */
    hw_value **sorted;
    int64_t sorted_capacity;
    void *batch_values, *batch_deltas; /* (samples, length) */
    int32_t *batch_lists;
    void *batch_list_values;
    int64_t *batch_ends;
    int32_t *batch_rows;
    void *batch_row_values;
    int64_t batch_samples, batch_pairs;
    void *moments;  /* of a batch: means, 1/deviations */
    double *packed; /* values of all slots, one behind the other, for saving */
    void *by_row;   /* of HW_ANOMALY: (rows) zeros, but for the sample at hand while its distances are computed; */
    void *reordered, *errors; /* values in another sample's order, and what the autoencoder failed to rebuild */
};

/* What kernels.c gives for each number type and level. */
struct hw_kernels {
    int (*predict)(hw_learner *l, void *p, double *width);
    int (*learn)(hw_learner *l, double y, double w, void *p, bool predicted);
    int (*ask)(hw_learner *l, void *p);
    int (*learn_late)(hw_learner *l, double y, double w);
    int (*learn_array)(hw_learner *l, const void *X, const double *y, const double *w, int64_t count, int answers, void *p);
    int (*forward)(hw_learner *l, const void *X, int64_t count, void *p);
    int (*gradient)(hw_learner *l, const void *X, const double *y, const double *w, int64_t count, int answers,
                    double total, int learn, void *g, double *loss);
    int (*apply)(hw_learner *l, void *g, int penalise);
    int (*pairs)(hw_learner *l, int at_mean);
    void (*find_cells)(hw_learner *l);
    int (*score)(hw_learner *l, void *p);
    int (*learn_unusual)(hw_learner *l, double w, void *p);
    void (*contributions)(hw_learner *l, double *row, double *score, double *of_new);
    int (*sequence)(hw_learner *l, const void *X, const double *y, const double *w, int64_t count, int answers,
                    double total, void *p, void *g, double *loss);
    bool (*look)(hw_learner *l, int expert, double *out);
    int (*learn_transition)(hw_learner *l, const double *action, double reward, bool ended);
    void (*end_traces)(hw_learner *l);
};

extern const hw_kernels hw_kernels_32_1, hw_kernels_64_1;
#if defined(__x86_64__) || defined(_M_X64)
extern const hw_kernels hw_kernels_32_3, hw_kernels_64_3, hw_kernels_32_4, hw_kernels_64_4;
#endif

/* ---- learner.c ------------------------------------------------------------------------------------------- */
hw_learner *hw_new(const hw_allocator *memory, const double *declaration, int64_t count, int level, uint64_t key,
                   int *status, hw_fault *fault);
int hw_make_fixed(hw_learner *l);

/* ---- lower.c: from a declaration to operations and where everything lies --------------------------------------------- */
int hw_parse(hw_learner *l, const double *declaration, int64_t count, hw_fault *fault);
bool hw_is_of_classes(int loss);                        /* whether its answers are numbers of classes */
int hw_lower(hw_learner *l, int outputs, int capacity); /* from l->declaration; room 0: as many as are sensible */

/* ---- vocabulary.c
 * -----------------------------------------------------------------------------------------------------------
 */
int32_t hw_find(const hw_learner *l, int32_t owner, const char *bytes, uint32_t size);
int32_t hw_append(hw_learner *l, int32_t owner, const char *bytes, uint32_t size, int32_t value);
int hw_rehash(hw_learner *l);
uint64_t hw_order(const char *bytes, uint32_t size);
int hw_append_basis(hw_learner *l, int32_t slot);
int hw_append_slot(hw_learner *l, int32_t row, int32_t basis);
int hw_reserve_slots(hw_learner *l, int64_t n);             /* room for so many in all */
int32_t hw_append_column(hw_learner *l, const hw_value *v); /* its number; −1: the table is full */
uint64_t hw_name_key(const hw_names *n, int32_t owner, const char *bytes, uint32_t size);
int64_t hw_category_row(hw_learner *l, int32_t column, const char *name, uint32_t name_size, const hw_value *v, int learn);
int hw_reserve_shared(hw_learner *l);                                           /* room for the rows to share */
int hw_share_rows(hw_learner *l);                                               /* the table is full from now on */
int32_t hw_knot_below(const double *knots, int32_t count, double x, double *u); /* u: how far x lies towards the next */
int hw_move_knots(hw_learner *l, int32_t slot); /* to the quantiles of what is kept of its past; says how many there are */
void hw_refit_curve(hw_learner *l, int32_t slot, const double *knots, int32_t count); /* as it is, through other knots */

/* ---- answers.c ------------------------------------------------------------------------------------------------------- */
int hw_append_answers(hw_learner *l); /* the columns that answers before are read as */
bool hw_has_answers(const hw_learner *l);
void hw_read_answers(const hw_learner *l, double *inputs); /* (HW_ANSWER_INPUTS) as they stand, NaN where not known yet */
void hw_set_base(hw_learner *l, double last);
void hw_record_answer(hw_learner *l, double y, double miss);
void hw_begin_entries(hw_learner *l, const double *inputs);
void hw_end_entries(hw_learner *l);
void hw_drop_added(hw_learner *l);
void hw_replace_answers(hw_learner *l, const double *inputs);

/* Numbers of a label history whose answers are numbers. */
enum {
    HW_PAST_ANSWERS,                   /* how many there were */
    HW_PAST_LAST,                      /* the last three, */
    HW_PAST_FADING = HW_PAST_LAST + 3, /* and a fading mean */
    HW_PAST_MEAN,                      /* a slower one; around it, over the rows so far, */
    HW_PAST_SPREAD,                    /* the mean square of the last answer before each, */
    HW_PAST_PRODUCT,                   /* and that of its product with the answer */
    HW_PAST_MISS,                      /* how far the last answer lay from its base */
    HW_PAST_REPEATS,                   /* weight of a mere repetition of the last answer in what is predicted */
    HW_PAST_NUMBERS
};
static inline int64_t hw_score_count(const hw_learner *l)
{
    return !l->intervals ? 0 : l->intervals == HW_ANOMALY ? HW_SCORES_HEAD + (HW_DETECTORS + 1) * HW_SCORED : 1 + HW_WINDOW;
}
/* Inputs that have a row of the table. */
static inline int64_t hw_table_inputs(const hw_learner *l)
{
    return l->growing || l->image ? 0 : (int64_t)l->declaration[HW_D_INPUTS];
}
static inline int64_t hw_history_head(const hw_learner *l) { return l->targets ? HW_PAST_NUMBERS : 3; }

/* ---- due.c: what falls due when a sample is learned ---------------------------------------------------------------------
 */
typedef struct hw_due {
    int64_t values;        /* of the sample */
    int64_t curves, bases; /* at most so many whose knots move, and that are appended */
    int32_t first, last;   /* rows where the bases of those curves begin, from the first to the last */
} hw_due;
int hw_foresee(hw_learner *l, const int32_t *slots, int64_t count, hw_due *due); /* what these entries add to it */
int hw_reserve_due(hw_learner *l, const hw_due *due, int64_t pairs);             /* of a sample of at most so many pairs */
int hw_reserve_tests(hw_learner *l, int64_t learned, int64_t values); /* after so many rows, the last of so many values */
void hw_count_shared(hw_learner *l); /* the names of the sample at hand that share rows, once */
void hw_append_due(hw_learner *l);   /* once the sample is learned; it takes part from the next one on */

/* ---- cells.c --------------------------------------------------------------------------------------------------------- */
int hw_make_cells(hw_learner *l);   /* memory for tests and for the cells of a sample */
int hw_place_tests(hw_learner *l);  /* derive what follows from the tests; HW_BAD_STATE: a code that names nothing */
void hw_learn_tests(hw_learner *l); /* after a row was learned: its candidates, and tests that are due */
bool hw_is_time_for_tests(const hw_learner *l, int64_t learned); /* whether the next are due after so many rows */
bool hw_tests_fit(const hw_learner *l);                          /* whether there may be more */
static inline int64_t hw_test_count(const hw_learner *l) { return (int64_t)l->cells.tables * l->cells.tests; }
static inline int active_tables(const hw_learner *l) { return l->cells.used ? l->cells.tables : 0; }
static inline bool hw_outputs_in_table(const hw_learner *l, const hw_expert_t *e) /* its columns are the outputs */
{
    return e->first == e->last || l->op[e->last - 1].kind != HW_DENSE;
}

/* ---- forecast.c ------------------------------------------------------------------------------------------------------ */
int hw_parse_forecast(hw_learner *l, const double *d, hw_fault *fault);
int hw_make_forecast(hw_learner *l);   /* arrays whose size follows from the declaration */
int hw_append_forecast(hw_learner *l); /* the columns that say what is known of a time ahead */
bool hw_has_forecast(const hw_learner *l);
int hw_compact_columns(hw_learner *l, int64_t more);

/* ---- ends.c: between which ends answers will lie --------------------------------------------------------- */
void hw_pass_time(hw_forecast_t *f, int64_t t);                       /* before the answer of time t is looked at */
void hw_keep_error(hw_forecast_t *f, int64_t t, int64_t h, double e); /* of horizon h at time t; before it is counted */
void hw_begin_ends(hw_forecast_t *f);                                 /* of a forecaster from a file that has none */
bool hw_has_ends(const hw_forecast_t *f);
/* ---- decisions/bandit.c ---------------------------------------------------------------------------------------------- */
int hw_parse_bandit(hw_learner *l, const double *d, hw_fault *fault);
int hw_make_bandit(hw_learner *l);
int hw_reserve_bandit(hw_learner *l);          /* before a row is learned */
void hw_begin_bandit(hw_learner *l);           /* equal weights */
void hw_learn_values(hw_learner *l, double y); /* all experts have predicted the sample at hand */
/* ---- text.c ---------------------------------------------------------------------------------------------- */
int hw_parse_text(hw_learner *l, const double *d, hw_fault *fault);
int hw_make_text(hw_learner *l);
int hw_rehash_text(hw_learner *l); /* HW_BAD_STATE: a hash twice */
int hw_extend_text(hw_learner *l, int64_t rows);
int64_t hw_merged_text_row(hw_learner *l, uint64_t key);
void hw_clear_text(hw_learner *l);
int hw_read_text(hw_learner *l, const hw_value *v, int32_t column, const char *name, uint32_t name_size);
int hw_end_text(hw_learner *l, int learn);
int hw_text_kind(const hw_learner *l, int kind);
void hw_note_text(hw_learner *l, int32_t column, const hw_value *v, bool repeated);
bool hw_may_be_text(const hw_learner *l, const hw_value *v, int32_t column);
int64_t hw_count_text(const hw_value *v, int64_t most);
int hw_visit_new_text(hw_learner *l, const hw_value *v, const char *name, uint32_t name_size,
                      int (*visit)(hw_learner *l, void *context, uint64_t key), void *context);
bool hw_text_descends(const hw_learner *base, const hw_learner *l); /* these three in merge_text.c */
void hw_merge_text_column(hw_learner *to, int32_t merged, const hw_learner *l, int32_t own);
int hw_merge_text(hw_learner *to, const hw_learner *base, const hw_learner *const *workers, const int32_t *const *output,
                  int count);
static inline bool hw_is_text(int kind) { return kind == HW_WORDS || kind == HW_BIGRAMS; }
/* What is mixed: experts, label history, text. */
static inline int hw_components(const hw_learner *l) { return l->experts + l->history + (l->text.grams > 0); }
/* ---- coverage.c ------------------------------------------------------------------------------------------------------ */
extern const double HW_COVERAGE_LEVELS[HW_COVERAGES];
static inline bool
hw_covers_classes(const hw_learner *l) /* a sigmoid for two of them is no other to the core than one of many */
{
    return hw_is_of_classes(l->expert[0].loss) ||
           (l->expert[0].loss == HW_LOSS_binary_cross_entropy && !l->targets && !l->intervals);
}
bool hw_can_cover(const hw_learner *l);
int hw_make_coverage(hw_learner *l);
void hw_do_not_cover(hw_learner *l); /* a member of a fleet */
/* ---- recurrent.c ----------------------------------------------------------------------------------------------------- */
#ifdef HW_PAGE /* a build that has none refuses its declaration, and never comes here */
static inline bool hw_is_recurrent(const double *d, int64_t count) { return d && count < 0; }
static inline int hw_parse_recurrent(hw_learner *l, const double *d, hw_fault *fault) { return l && d && fault ? 0 : 0; }
static inline int hw_make_recurrent(hw_learner *l) { return l ? 0 : 0; }
static inline int hw_prepare_recurrent(hw_learner *l, int64_t pairs) { return l && pairs ? 0 : 0; }
static inline void hw_forget_states(hw_learner *l) { (void)l; }
static inline bool hw_place_keys(hw_learner *l) { return l; }
static inline void hw_find_state(hw_learner *l, uint64_t key, double now) { (void)l, (void)key, (void)now; }
static inline void hw_read_key(hw_learner *l, const hw_value *values, int64_t count) { (void)l, (void)values, (void)count; }
static inline void hw_read_key_of_numbers(hw_learner *l, const int32_t *slots, const double *x, int64_t count)
{
    (void)l, (void)slots, (void)x, (void)count;
}
static inline int hw_read_memory_numbers(hw_learner *l, const hw_array *array, hw_fault *fault)
{
    return l && array && fault ? 0 : 0;
}
static inline int hw_check_recurrent(hw_learner *l, hw_fault *fault) { return l && fault ? 0 : 0; }
#else
bool hw_is_recurrent(const double *d, int64_t count); /* whether what stands behind the last expert declares a memory */
int hw_parse_recurrent(hw_learner *l, const double *d, hw_fault *fault);
int hw_make_recurrent(hw_learner *l);
int hw_prepare_recurrent(hw_learner *l, int64_t pairs);
void hw_mark_curves(hw_learner *l);
bool hw_place_keys(hw_learner *l);
int64_t hw_take_state(hw_learner *l); /* the state of the sample's key is about to move: it has a place and a block now */
void hw_forget_states(hw_learner *l);
void hw_find_state(hw_learner *l, uint64_t key, double now);
void hw_read_key(hw_learner *l, const hw_value *values, int64_t count);
void hw_read_key_of_numbers(hw_learner *l, const int32_t *slots, const double *x, int64_t count);
int hw_read_memory_numbers(hw_learner *l, const hw_array *array, hw_fault *fault);
int hw_check_recurrent(hw_learner *l, hw_fault *fault);
#endif

/* ---- agent.c --------------------------------------------------------------------------------------------------------- */
int hw_parse_agent(hw_learner *l, const double *d, double outputs, hw_fault *fault);
#ifdef HW_PAGE /* a build that has none refuses its declaration, and never comes here */
static inline int hw_make_agent(hw_learner *l) { return l ? 0 : 0; }
static inline int hw_reserve_agent(hw_learner *l, int64_t rows) { return l && rows ? 0 : 0; }
static inline int hw_append_agent(hw_learner *l) { return l ? 0 : 0; }
static inline int hw_check_agent(hw_learner *l, hw_fault *fault) { return l && fault ? 0 : 0; }
static inline bool hw_has_agent(const hw_learner *l) { return l; }
#else
int hw_make_agent(hw_learner *l);
int hw_reserve_agent(hw_learner *l, int64_t rows);
int hw_append_agent(hw_learner *l); /* the column that says how long an episode has lasted */
int hw_check_agent(hw_learner *l, hw_fault *fault);
bool hw_has_agent(const hw_learner *l);
#endif

/* ---- arrays.c -------------------------------------------------------------------------------------------------------- */
enum { HW_MOST_ARRAYS = 128 };
void hw_free_arrays(hw_learner *l);
int hw_array_at(hw_learner *l, int i, hw_array *array); /* where array i of the state lies, by l->sizes; its owner */
int hw_owner_of(int i);
size_t hw_size_of(int type);                         /* bytes of a number */
int hw_check_ranges(hw_learner *l, hw_fault *fault); /* of every floating-point number */

/* ---- state.c --------------------------------------------------------------------------------------------------------- */
/* Whose the numbers of an array of the state are: of what there is one along its first dimension. */
enum {
    HW_OF_DECLARATION,
    HW_OF_SIZES,
    HW_OF_NAMES,
    HW_OF_BYTES,
    HW_OF_COLUMNS,
    HW_OF_SLOTS,
    HW_OF_RESERVOIR,
    HW_OF_TESTS,
    HW_OF_SHARED,
    HW_OF_ROWS,
    HW_OF_PARAMETERS,
    HW_OF_BUFFERS,
    HW_OF_EXPERTS,
    HW_OF_OUTPUTS,
    HW_OF_TWO,
    HW_OF_SCORES,
    HW_OF_HISTORY,
    HW_OF_RING,
    HW_OF_PAIRS,
    HW_OF_PENDING_ANSWERS,
    HW_OF_COVERAGE, /* where it is followed: */
    HW_OF_PENDING_GIVEN,
    HW_OF_PENDING_SHOWN,
    HW_OF_FORECAST, /* from here on of a forecaster: */
    HW_OF_NUMBERS,
    HW_OF_PAST,
    HW_OF_FEATURES,
    HW_OF_HORIZONS,
    HW_OF_ORIGINS,
    HW_OF_COLUMN_ENTRIES,
    HW_OF_ENDS,   /* horizons, of arrays that older files lack */
    HW_OF_BANDIT, /* of a bandit: */
    HW_OF_SHARES,
    HW_OF_ACTIONS,
    HW_OF_DECISIONS,
    HW_OF_PENDING,
    HW_OF_TEXT, /* from here on of a learner that reads texts: */
    HW_OF_TEXT_COLUMNS,
    HW_OF_TEXT_ROWS,
    HW_OF_MEMORY, /* from here on of a recurrence: */
    HW_OF_KEYS,
    HW_OF_BLOCKS,
    HW_OF_AGENT, /* from here on of an agent: */
    HW_OF_EPISODES,
    HW_OF_AGENT_ROWS
};
int hw_locate(hw_learner *l, int i, hw_array *array);                        /* array i as it lies now; whose it is */
hw_learner *hw_copy(const hw_allocator *memory, hw_learner *l, int *status); /* without what merging clears */
int hw_check_sizes(const hw_learner *l, hw_fault *fault);
void hw_set_counts(hw_learner *l); /* from l->sizes */

/* ---- table.c: rows of the table, and what grows with them ------------------------------------------------ */
int hw_reserve_rows(hw_learner *l, int64_t rows);
int64_t hw_append_row(hw_learner *l, uint64_t key); /* its number, or an error */
int hw_draw_rows(hw_learner *l);                    /* those appended since the last time */
int hw_reserve_pairs(hw_learner *l, int64_t entries);
int hw_reserve_undo(hw_learner *l, int64_t pairs);
int hw_reserve_entries(hw_learner *l, int64_t entries);
int hw_make_vectors(hw_learner *l);
int hw_draw_dense(hw_learner *l);
int hw_make_scratch(hw_learner *l);
void hw_clear_scratch(hw_learner *l);            /* values of a sample of other outputs */
void hw_set_outputs(hw_learner *l, int outputs); /* within the room that there is */
int hw_reserve_batch(hw_learner *l, int64_t samples, int64_t pairs);
int hw_make_pending(hw_learner *l);
int hw_grow_cells(hw_learner *l, int tests); /* to so many tests in use: a new cell begins as the one it is a part of */
int hw_plan_cells(hw_learner *l, int tests); /* all that hw_take_plan needs */
bool hw_take_plan(hw_learner *l);            /* as hw_grow_cells; false where there is no plan */
void hw_drop_plan(hw_learner *l);
int hw_reserve_matrices(hw_learner *l); /* for hw_reinitialise_failing after one row more */
int hw_reserve_all_matrices(hw_learner *l);
void hw_reinitialise_failing(hw_learner *l);

/* ---- ring.c ---------------------------------------------------------------------------------------------- */
int hw_reserve_ring(hw_learner *l, int64_t pairs);
int hw_compact_ring(hw_learner *l, int64_t more);
int hw_reserve_moves(hw_learner *l, const hw_due *due, int64_t pairs);
void hw_move_due_knots(hw_learner *l); /* samples kept for replay are read again on them */

/* ---- limits.c -------------------------------------------------------------------------------------------- */
int hw_exceed(hw_learner *l, const char *name, int64_t limit, int64_t got); /* returns HW_TOO_LARGE */
int hw_check_sample(hw_learner *l, const hw_value *values, int64_t count, int64_t entries, int learn);

/* ---- draws (draw.c) -------------------------------------------------------------------------------------- */
void hw_draw_row(int initializer, double scale, uint64_t key, int64_t n, int64_t m, double *out);

static inline bool hw_is_matrix(const hw_op *o) { return o->kind == HW_DENSE || o->kind == HW_CONV; }
static inline int32_t hw_columns_in(const hw_op *o) /* numbers of a row of its weights, and of its bias */
{
    return o->kind == HW_DENSE ? o->m : o->units;
}

static inline int32_t hw_lanes(int64_t m) /* whole vectors */
{
    return m <= 4 ? 4 : m <= 8 ? 8 : (int32_t)((m + 15) / 16 * 16);
}

static inline size_t hw_number(const hw_learner *l) /* bytes of a parameter */
{
    return l->is_double ? sizeof(double) : sizeof(float);
}

static inline double hw_get(const hw_learner *l, const void *v, int64_t i)
{
    return l->is_double ? ((const double *)v)[i] : (double)((const float *)v)[i];
}

static inline void hw_put(const hw_learner *l, void *v, int64_t i, double x)
{
    if (l->is_double)
        ((double *)v)[i] = x;
    else
        ((float *)v)[i] = (float)x;
}

#endif
