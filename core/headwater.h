/* headwater: neural networks that learn online. The public face of the core, and its glossary.
 *
 * A learner is declared once, as a list of numbers (hw_make), and owns everything that learning changes: the vocabulary,
 * the statistics of the inputs, the weights, the state of the update rules, the mixture, the samples kept for replay. The
 * caller owns what it passes in; nothing passed in is kept beyond the call.
 *
 * Letters:  x a number that comes in, y an answer, w a sample's weight, z logits (the last layer before the link),
 *           p a prediction (after the link), d a delta (the derivative of the loss by a layer's value).
 *           n inputs, m outputs of a layer, k outputs of the net, e an expert, i a sample, j a unit, r a row of the table.
 *
 * The core is C11 without dependencies: no files, no clock, no locale, no mathematics library, no global variables. Memory
 * comes only through hw_allocator. A learner may be used by one thread at a time; different learners are independent.
 * All results have the same bits on every machine: see kernels/vec.h.
 */
#ifndef HEADWATER_H
#define HEADWATER_H

#include <stddef.h>
#include <stdint.h>

#define HW_VERSION 5 /* of a declaration whose parts have tags; older ones are read too (state/untagged.c): */
#define HW_FIRST_VERSION 2
#define HW_LEAN_VERSION 3  /* with the first two of HW_LEAN behind the last expert, */
#define HW_APART_VERSION 4 /* and with all */

/* What a function returns when it could not do what was asked; 0 or more is success. Nothing is half done after one: a row
 * is learned whole or not at all, and may be offered again. Names that hw_read had appended before memory lacked stay, and
 * reading the row again appends the rest. */
enum {
    HW_NO_MEMORY = -101,       /* the allocator returned nothing */
    HW_BAD_DECLARATION = -102, /* a number of the declaration is out of range; hw_fault says which */
    HW_BAD_STATE = -103,       /* an array does not fit the declaration; hw_fault says which */
    HW_BAD_ARGUMENT = -104,    /* an index, size or value passed in is out of range */
    HW_TOO_LARGE = -105,       /* a sample would exceed a limit (hw_limits), or a table what can be counted */
    HW_NOT_BUILT = -106        /* this build lacks what is asked for (HW_BUILD); one that has it goes on from the state */
};

/* Where an error lies. The texts are constants of the core. */
typedef struct hw_fault {
    const char *at;       /* what was looked at, such as "units of a layer" */
    const char *expected; /* what it should have been */
    double got;           /* what it was */
} hw_fault;

/* Memory: resize(context, block, old, size) works like realloc; size 0 frees. */
typedef struct hw_allocator {
    void *(*resize)(void *context, void *block, size_t old, size_t size);
    void *context;
} hw_allocator;

/* Memory from one block of the caller's, where there is no heap: most says how many of its bytes were ever needed at once.
 * The block and the arena must outlive all that was allocated; beginning it again frees everything. */
typedef struct hw_arena {
    char *block;
    void *free;
    size_t most;
} hw_arena;
hw_allocator hw_begin_arena(hw_arena *arena, void *block, size_t bytes);

typedef struct hw_learner hw_learner;

/* ---- tables of names: a code in a declaration is a place in one of these lists ------------------------------------- */

const char *const *hw_activations(int *count);
const char *const *hw_losses(int *count);
const char *const *hw_rules(int *count);
int hw_rule_states(int rule); /* numbers kept for each weight */
const char *const *hw_schedules(int *count);
const char *const *hw_initializers(int *count);

/* ---- making ---------------------------------------------------------------------------------------------------------
 * A declaration is HW_HEAD numbers, then for each expert HW_EXPERT numbers and for each of its layers HW_LAYER numbers.
 * What only some learners have follows as blocks, in the order of their tags here: the tag, how many numbers follow, and
 * these.
 */
enum {
    HW_TAG_LEAN = 8,      /* 2 or 3: HW_LEAN */
    HW_TAG_TEXT = 2,      /* HW_TEXT */
    HW_TAG_RECURRENT = 3, /* HW_MEMORY, and two names */
    HW_TAG_FORECAST = 4,  /* HW_FORECAST */
    HW_TAG_BANDIT = 5,    /* HW_BANDIT */
    HW_TAG_STACK = 11,    /* HW_STACK, of a bandit */
    HW_TAG_AGENT = 7,     /* HW_AGENT */
    HW_TAG_TILES = 9,     /* HW_TILES, of an agent with action values */
    HW_TAG_BANK = 12      /* HW_BANK, then HW_JOINT or nothing; of a forecaster */
};
enum {
    HW_D_VERSION,   /* HW_VERSION, or an older one */
    HW_D_DOUBLE,    /* 0: float32, 1: float64 */
    HW_D_GROWING,   /* 1: names appear as the stream shows them; 0: a fixed number of inputs */
    HW_D_INPUTS,    /* how many, where they are fixed (ids of an embedding count) */
    HW_D_STANDARD,  /* 1: inputs are standardised as they stream */
    HW_D_TARGETS,   /* 1: answers are standardised as they stream */
    HW_D_KNOTS,     /* knots of each number's spline basis; 0: none */
    HW_D_RING,      /* samples kept for replay */
    HW_D_INTERVALS, /* HW_UNKNOWN, HW_PLAIN, HW_SCALED, HW_PEARSON, HW_ANOMALY, HW_ANOMALY_FADING */
    HW_D_HISTORY,   /* 1: the label history takes part in the mixture */
    HW_D_SEED_LOW,  /* lower and */
    HW_D_SEED_HIGH, /* upper 32 bits of the seed */
    HW_D_MAX_ROWS,  /* rows the table may have before new names share rows */
    HW_D_OUTPUTS,   /* outputs to begin with */
    HW_D_EMBEDDING, /* 1: inputs are ids, each of which picks a row */
    HW_D_TABLES,    /* cell tables; 0: none */
    HW_D_TESTS,     /* tests that each cell table may have */
    HW_D_EXPERTS,
    HW_HEAD
};
enum {
    HW_E_LOSS,
    HW_E_LOSS_NUMBER, /* the loss's own constant */
    HW_E_RULE,
    HW_E_RULE_NUMBERS, /* four numbers of the rule */
    HW_E_SCHEDULE = HW_E_RULE_NUMBERS + 4,
    HW_E_LR,
    HW_E_SCHEDULE_NUMBERS, /* two numbers of the schedule */
    HW_E_L1 = HW_E_SCHEDULE_NUMBERS + 2,
    HW_E_L2,
    HW_E_CLIP_NORM,
    HW_E_CLIP_VALUE,
    HW_E_REPLAYS,       /* old samples learned again after each row */
    HW_E_FIRST_REPLAYS, /* and at first: so many for HW_FIRST_ROWS rows, then fewer and fewer */
    HW_E_CELLS,         /* 1: the cell tables are added to its first layer */
    HW_E_LAYERS,
    HW_EXPERT
};
enum {
    HW_L_KIND,        /* HW_DENSE … HW_BATCH_NORM */
    HW_L_CODE,        /* of an activation: its place in hw_activations */
    HW_L_UNITS,       /* of a dense layer or an embedding */
    HW_L_CONSTANT,    /* slope, rate, epsilon, momentum */
    HW_L_BIAS,        /* 1: a dense layer has a bias, a layer norm gains and shifts */
    HW_L_INITIALIZER, /* its place in hw_initializers */
    HW_L_SCALE,       /* the initializer's own constant */
    HW_L_INDEX,       /* which of the declared layers this is part of */
    HW_LAYER
};
enum {
    HW_DENSE,
    HW_EMBEDDING,
    HW_ACTIVATION,
    HW_DROPOUT,
    HW_LAYER_NORM,
    HW_BATCH_NORM,
    HW_CELLS,   /* no declared layer: an operation that adds a row of each cell table to an expert's first layer */
    HW_IMAGE,   /* the first layer, where inputs are an image: UNITS channels, CONSTANT high, SCALE wide */
    HW_KERNEL,  /* no operation, but what the layer behind it sees at once: UNITS² pixels, CONSTANT further on each time, */
                /* with SCALE rows and columns of zeros around the image */
    HW_CONV,    /* UNITS neurons that see a window each */
    HW_POOL,    /* the largest number of each window, or (CODE 1) the mean */
    HW_FLATTEN, /* from an image to numbers side by side, channel after channel */
    HW_RECURRENT, /* a diagonal linear recurrence, right behind the first layer of one expert: of that layer's units the
                     first */
                  /* 2n are (U + iV) x, the others pass through; HW_MEMORY declares what else it needs */
    HW_LAYER_KINDS
};
/* Of a pool that learns lean. Its rules, none but SGD, AdaGrad and RMSProp, keep factored second moments of the table: one
 * number for each row and one for each unit. */
enum {
    HW_LEAN_GRADIENT, /* an expert takes no step where no derivative by its logits is as large as this */
    HW_LEAN_WEIGHT,   /* nor replays where its weight in the mixture is below this share of the heaviest */
    HW_LEAN_APART,    /* factor on the step of the mixture's weights, of numbers along how far experts lie apart */
    HW_LEAN
};
/* Of a forecaster. */
enum {
    HW_F_HORIZON,    /* how many answers ahead */
    HW_F_SEASON,     /* answers after which a series repeats itself, more or less */
    HW_F_LAGS,       /* last answers that least squares read */
    HW_F_FORGETTING, /* what a step of time leaves of their past; 1: all */
    HW_FORECAST
};
/* Of one that has a pool in two levels; */
enum {
    HW_K_LAGS,   /* last answers that least squares without season read; 0: there are none */
    HW_K_LOW,    /* no answer lies below this, */
    HW_K_HIGH,   /* or above this */
    HW_K_VISITS, /* of a phase of the season, whose errors say how wide intervals are there */
    HW_BANK
};
/* and of one whose speakers are weighed by what they miss together. */
enum {
    HW_J_PULL, /* towards their shares by what each of them misses; 0: these are the shares */
    HW_JOINT
};
/* Of a bandit. */
enum {
    HW_B_EXPLORE, /* HW_SQUARECB … */
    HW_B_AMOUNT,  /* its gamma, epsilon, lambda or alpha */
    HW_B_POWER,   /* squarecb: gamma grows by this power of the rows */
    HW_B_LOWEST,  /* the rewards lie between */
    HW_B_HIGHEST, /* these */
    HW_B_INPUTS,  /* rows of the table that least squares read */
    HW_BANDIT
};
/* Of a bandit that has mean rewards beside the values of rows; those of older files have none. */
enum {
    HW_K_FEATURES, /* 1: actions come with features, so that all share one output; 0: each has an output */
    HW_STACK
};
enum { HW_SQUARECB, HW_EPSILON, HW_SOFTMAX, HW_GREEDY, HW_LINUCB, HW_EXPLORATIONS };
/* Of a learner that reads texts. */
enum {
    HW_T_GRAMS, /* of columns that are found to be text: 1 words, 2 words and pairs of words */
    HW_T_FOUND, /* HW_FIND_NONE, HW_FIND_LONG, HW_FIND_ALL */
    HW_T_ROWS,  /* rows that words may have before new ones share rows */
    HW_TEXT
};
/* Which columns are found to be text by themselves: none; those whose values are long and never repeat (text.c); all whose
 * first value is a text. */
enum { HW_FIND_NONE, HW_FIND_LONG, HW_FIND_ALL };
/* Of a learner with a recurrence; behind them the bytes of two names: of the column that says whose state a row reads, and
 * of the column of times. */
enum {
    HW_M_UNITS,  /* n: how many complex numbers a state has */
    HW_M_KEYS,   /* states kept at most */
    HW_M_BLOCKS, /* keys whose sensitivities are kept at most */
    HW_M_TRACED, /* rows of the table that have sensitivities for one key, at most */
    HW_M_LEAST,  /* |lambda| is drawn between these */
    HW_M_MOST,
    HW_M_TURN, /* its angle between 0 and this */
    HW_M_BY,   /* bytes of the first name; 0: one state for all rows */
    HW_M_TIME, /* bytes of the second name; 0: one row is one step of time */
    HW_MEMORY
};
/* Of an agent. Its first expert says what states are worth (or, of HW_ACTION_VALUES, what each action is), its second which
 * action to take. */
enum {
    HW_A_POLICY,    /* HW_ACTION_VALUES, HW_SOFTMAX_POLICY or HW_NORMAL_POLICY */
    HW_A_GAMMA,     /* what a reward one step later is worth */
    HW_A_LAMBDA,    /* what a step leaves of the traces, beside gamma */
    HW_A_VALUES,    /* kappa of the first expert: the larger, the smaller its steps, */
    HW_A_ACTIONS,   /* and of the second */
    HW_A_ENTROPY,   /* weight of the policy's entropy */
    HW_A_EXPLORE,   /* of HW_ACTION_VALUES: over so many steps the share of random actions falls from 1 */
    HW_A_RANDOM,    /* to this */
    HW_A_BOOTSTRAP, /* 1: an episode that was cut off would have gone on; 0: it has ended */
    HW_A_BOUNDED,   /* of HW_NORMAL_POLICY: 1 where the numbers of an action lie within -1 and 1, so means do too */
    HW_A_ADAPTIVE,  /* 1: steps are scaled by the size of past ones, for which the rules keep a second number a weight */
    HW_AGENT
};
/* Of an agent with action values that has a table beside its net. */
enum {
    HW_Q_TILINGS, /* of a few numbers: how often their range is cut, */
    HW_Q_BINS,    /* into how many bins each */
    HW_Q_COLUMNS, /* numbers that a state has at most; of more there is no table */
    HW_Q_STEP,    /* share of an error that a step takes away, */
    HW_Q_TRACE,   /* and what a step leaves of the traces, beside gamma; */
    HW_Q_FIRST,   /* of categories alone: share that the first step takes away; they have no traces */
    HW_TILES
};
enum { HW_NO_POLICY, HW_ACTION_VALUES, HW_SOFTMAX_POLICY, HW_NORMAL_POLICY, HW_POLICIES };
/* How wide answers spread. HW_ANOMALY: there are no answers, and what is predicted is how unusual a sample is, in (0, 1).
 * Its one expert is the encoder of an autoencoder; its decoder is what a rule of one number a weight keeps.
 * HW_ANOMALY_FADING: compared with all scores, which fade, and not with the last ones alone. */
enum { HW_UNKNOWN, HW_PLAIN, HW_SCALED, HW_PEARSON, HW_ANOMALY, HW_ANOMALY_FADING, HW_INTERVAL_KINDS };

/* Make a learner with initial weights. level: 0 for the best that this processor has, else 1, 3 or 4 (x86-64 only).
 * key: any number, the less guessable the better; it orders hash tables and changes no result. */
hw_learner *hw_make(const hw_allocator *memory, const double *declaration, int64_t count, int level, uint64_t key,
                    int *status, hw_fault *fault);
void hw_free(hw_learner *l);
int hw_level(int wanted); /* the level that hw_make would use: 1, 3 or 4 */

/* ---- names and samples ----------------------------------------------------------------------------------------------
 * A sample is a list of named values. A value of a known column is read by that column's kind; a new column has the kind
 * of its first value. So a caller offers all forms of a value that may be needed (hw_column_kind tells before).
 */
enum { HW_NUMBER, HW_CATEGORY, HW_TIME, HW_WORDS, HW_BIGRAMS, HW_COSINE, HW_RAW, HW_KINDS };
enum { HW_HAS_NUMBER = 1, HW_HAS_TEXT = 2, HW_HAS_TIME = 4, HW_HAS_NUMBERS = 8 };
enum { HW_TIME_PARTS = 7 };

typedef struct hw_value {
    int32_t column;     /* from hw_column, or -1: not known yet */
    uint8_t kind;       /* of a new column whose first value this is */
    uint8_t has;        /* which of the forms below there are */
    int32_t row;        /* of a category: its row, if it is known from before (the core writes it here); else 0 */
    uint32_t name_size; /* of the column's name, in bytes */
    union {
        uint32_t text_size;
        uint32_t count; /* of numbers */
    };
    const char *name;
    const char *text;
    union {
        const double *time;    /* seven numbers */
        const double *numbers; /* of an embedding, all of them finite */
    };
    double number;
} hw_value;

int32_t hw_column(const hw_learner *l, const char *name, uint32_t size); /* its number, or -1 */
int hw_column_kind(const hw_learner *l, int32_t column);
int32_t hw_columns(const hw_learner *l);
const char *hw_column_name(const hw_learner *l, int32_t column, uint32_t *size);
int32_t hw_column_slot(const hw_learner *l, int32_t column); /* first slot of its numbers, or -1 */
int hw_is_full(const hw_learner *l);                         /* 1: the table is full, and new names share rows */
/* Category c of all, in the order of their appearance: its column, text and row. */
int32_t hw_categories(const hw_learner *l);
const char *hw_category(const hw_learner *l, int32_t c, int32_t *column, int32_t *row, uint32_t *size);

/* A sample as the net reads it: entries (slot, x) with slot >= 0, or (-row - 1, x). The arrays live until the next call. */
typedef struct hw_entries {
    int64_t count;
    const int32_t *slots;
    const double *x;
} hw_entries;

/* Read a sample; values are put into the order of their names. learn: append names that are new. */
int hw_read(hw_learner *l, hw_value *values, int64_t count, int learn, int in_order, hw_entries *entries);

/* The same for a sample of which every value is a number of a known column: slots in the order of names, NaN where missing.
 */
int hw_read_numbers(hw_learner *l, const int32_t *slots, const double *x, int64_t count);

/* A column of text, or of embeddings, from now on; it must be new, or of that kind (HW_WORDS, HW_BIGRAMS, HW_COSINE,
 * HW_RAW).
 */
int hw_add_text_column(hw_learner *l, const char *name, uint32_t size, int kind);
int hw_reads_embeddings(const hw_learner *l); /* 1: a new column may be one of embeddings */
int32_t hw_embedding_size(const hw_learner *l,
                          int32_t column); /* numbers of an embedding; 0: none was seen, or no such column */
/* Whether there is room for a new column of so many numbers: 0, or HW_TOO_LARGE. Where there is none it is read as missing.
 */
int hw_check_room(hw_learner *l, int64_t numbers);
/* Word or pair i of the texts of the sample that hw_read read last; behind them the numbers of embeddings, `times` 0. */
typedef struct hw_word {
    uint64_t key;
    double value;        /* of all together the squares sum up to 1 */
    int32_t row;         /* of text_weights; -1: it was never seen */
    int32_t column;      /* whose text it stands in, and where it stands there first: */
    uint32_t start, end; /* bytes */
    uint32_t times;
} hw_word;
int64_t hw_texts(const hw_learner *l); /* how many there are */
int hw_text(const hw_learner *l, int64_t i, hw_word *word);

/* ---- limits ---------------------------------------------------------------------------------------------------------
 * What one sample may ask for. They are no part of the state: a learner that is made or restored has none but what the
 * types can count. A sample beyond one is refused with HW_TOO_LARGE before anything is allocated or changed.
 */
typedef struct hw_limits {
    int64_t entries; /* numbers and categories of a sample, the parts of a time one by one */
    int64_t names;   /* columns and categories that a learned sample may append */
    int64_t outputs; /* that there may be in all */
    int64_t bytes;   /* by which a learned sample may make the learner larger, as hw_measure estimates */
} hw_limits;

int hw_set_limits(hw_learner *l, const hw_limits *limits);
void hw_get_limits(const hw_learner *l, hw_limits *limits);
/* Of the last sample that was too large: the name of the limit, what it is, and what the sample asked for. */
void hw_exceeded(const hw_learner *l, hw_fault *fault, double *limit);

/* What learning some samples would append: begin with zeros, pass each sample to hw_measure, and end with hw_measured. The
 * learner stays as it is. A name that several of them have counts once. */
typedef struct hw_growth {
    int64_t entries; /* of the largest sample */
    int64_t names;   /* new columns and categories */
    int64_t rows;    /* new rows of the table, those of the spline bases that they will need among them */
    int64_t bytes;   /* an estimate of the memory that the learner grows by */
    uint64_t *seen;  /* hash table of the new names */
    int64_t seen_size;
} hw_growth;

int hw_measure(hw_learner *l, const hw_value *values, int64_t count, hw_growth *growth);
void hw_measured(hw_growth *growth);                           /* release its memory */
int64_t hw_bytes_of_outputs(const hw_learner *l, int outputs); /* estimate for growing to that many outputs */

/* ---- learning and predicting: the sample that hw_read read last -----------------------------------------------------
 * p holds k predictions, in the answer's own units. width (may be NULL): the size of error expected, where intervals are
 * learned.
 */
int hw_predict(hw_learner *l, void *p, double *width);
/* Predict, then learn y with weight w (0 teaches nothing). Returns 1 if it was learned, 0 where w is 0. A
 * sample without a number or a name teaches the bias. */
int hw_learn(hw_learner *l, double y, double w, void *p);
/* Predict a sample whose answer will come later: the prediction of each expert is stored until then. */
int hw_predict_pending(hw_learner *l, void *p);
/* As hw_learn, for a sample that was predicted earlier (hw_predict_pending), so nothing is predicted here. The mixture
 * learns from the predictions stored then; if there are none, its weights stay. */
int hw_learn_late(hw_learner *l, double y, double w);

/* Coverage: for some shares, ends between which that share of answers lies in the long run. It is followed from hw_cover
 * on: each answer is compared with what was given out for its row. */
enum { HW_COVERAGES = 7 };
enum {
    HW_C_BELOW,       /* logarithm of the lower end over the width; of classes the log odds that a class of the set has */
    HW_C_ABOVE,       /* of the upper end; of classes the same as below */
    HW_C_ROWS,        /* answers compared, */
    HW_C_COVERED,     /* those that lay inside, */
    HW_C_SIZE,        /* and the mean size: upper minus lower end, or how many classes */
    HW_C_LATELY,      /* a fading share of those inside */
    HW_C_LATELY_SIZE, /* and a fading mean size */
    HW_C_UNSEEN,      /* answers that were a class never seen: not compared */
    HW_C_KNOWN,       /* classes seen so far; of numbers 1 */
    HW_COVERAGE_NUMBERS
};
int hw_cover(hw_learner *l);
/* Of numbers: how many widths (hw_predict) the interval reaches below and above what is predicted. Of classes, twice: the
 * probability that a class of the set has at least. */
int hw_ends(const hw_learner *l, double coverage, double *below, double *above);

/* Of HW_ANOMALY, for the sample that hw_read read last: what each row of the table contributes to the raw score, row (rows
 * of the table, zeros before); the raw score itself; and what each name contributes that was never seen. */
int hw_contributions(hw_learner *l, double *row, double *score, double *of_new);

/* A forecaster: the answer of the next time, whose columns hw_read has read, and what follows from it for every horizon
 * that ends there. NaN: the answer is missing; time goes on, and nothing is learned. So it is with weight w of 0, only that
 * the answer is known then. Returns whether it was learned. */
int hw_learn_next(hw_learner *l, double y, double w);
/* What the answer `horizon` times after the last will be; hw_read has read the columns of that time. Nothing is changed. */
int hw_forecast(hw_learner *l, int64_t horizon, double *y);
/* How far below and above that forecast its answer will lie with probability `coverage`: two numbers. While too few
 * errors were made to tell (two, with a pool), they are infinite. */
int hw_forecast_ends(const hw_learner *l, int64_t horizon, double coverage, double *ends);

/* A bandit, for the sample that hw_read read last. Its actions are outputs; -1 stands for one that was never seen.
 * hw_values: what reward is expected of each (outputs). hw_decide: value, from 0 to 1, and probability of each action that
 * is offered; returns the place of the best. Nothing is changed. */
int hw_values(hw_learner *l, double *values);
int hw_decide(hw_learner *l, const int32_t *actions, int64_t count, double *values, double *p);
/* The same in two steps, where each action comes with a row of its own: hw_score_action for the sample that hw_read read
 * last, then hw_choose, which makes probabilities of scores and returns the place of the best. */
int hw_score_action(hw_learner *l, int32_t action, double *score);
int hw_choose(const hw_learner *l, const int32_t *actions, const double *scores, int64_t count, double *p);
int64_t hw_draw_action(hw_learner *l, const double *p, int64_t count); /* which, by these probabilities: the next draw */
/* What came of an action that was taken with probability p, with weight w. Returns whether it was learned. */
int hw_learn_action(hw_learner *l, int32_t action, double reward, double p, double w);
/* Of the sample that hw_read read last: the state that it reads, 2n numbers, and the gap since, in mean gaps. Returns n. */
int hw_memory_of(const hw_learner *l, double *state, double *gap);
/* Let all states of a recurrence begin anew at 0; its weights stay. */
int hw_reset_memory(hw_learner *l);

/* An agent. The action that it takes in the state that hw_read has read: the number of one, or of HW_NORMAL_POLICY outputs
 * / 2 numbers. explore: 0 for the best one. Nothing is changed: which action is drawn follows from how much was learned. */
int hw_act(hw_learner *l, int explore, double *action);
int hw_policy(const hw_learner *l); /* HW_ACTION_VALUES, HW_SOFTMAX_POLICY, HW_NORMAL_POLICY; HW_NO_POLICY: no agent */
/* What it says of that state: of HW_ACTION_VALUES what each action is worth; else what the state is worth, and the
 * probability of each action, or the mean and then the deviation of each number of it. 1 + outputs numbers. Nothing is
 * changed. */
int hw_state_value(hw_learner *l, double *value);
/* Learn what an action led to, in two calls: hw_read has read the state that followed, */
int hw_read_next(hw_learner *l);
/* and then the one it was taken in, with the names to append. Returns whether it was learned. A reward that is NaN is not
 * known: time goes on, or the episode ends, and nothing is learned; traces end, since what follows is no longer its trace.
 * Weight w multiplies the step; of weight 0 nothing is learned, but time and traces go on. */
int hw_learn_transition(hw_learner *l, const double *action, double reward, int terminated, int truncated, double w);

/* Of an embedding: how many ids a sample has. */
int hw_set_ids(hw_learner *l, int64_t ids);
/* A fixed number of inputs: rows of X (count, inputs), answers y (count, answers) and weights w (count). Missing inputs are
 * NaN. The arrays X and P are of the learner's type. */
int hw_learn_array(hw_learner *l, const void *X, const double *y, const double *w, int64_t count, int answers, void *p);
int hw_forward(hw_learner *l, const void *X, int64_t count, void *p);
/* Loss of a mini-batch over `total`, its gradient added to g (hw_parameters numbers). learn: dropout, batch moments. */
int hw_gradient(hw_learner *l, const void *X, const double *y, const double *w, int64_t count, int answers, double total,
                int learn, void *g, double *loss);
/* One step of the rule from a whole gradient, which clipping may change. */
int hw_apply(hw_learner *l, void *g, int penalise);

/* The (row, value) pairs of the sample that hw_read read last, as hw_predict would use them. at_mean: every number at its
 * running mean and no category. */
int64_t hw_pairs(hw_learner *l, int at_mean, const int32_t **rows, const void **values);
/* The number of the cell of each table for the sample that hw_pairs computed: bit b is the answer of test b. Returns how
 * many tables there are. */
int hw_cells_of(hw_learner *l, const int32_t **cells);

/* ---- changing a learner -------------------------------------------------------------------------------------------- */

int hw_add_outputs(hw_learner *l, int outputs, double bias);  /* what was learned stays to the bit */
int hw_set_step(hw_learner *l, double factor, double more);   /* step sizes times factor (kept) times more (not kept) */
int hw_spread_mixture_weights(hw_learner *l, double share);   /* even out the weights of the mixture */
int hw_reinitialise(hw_learner *l, int expert, uint64_t key); /* draw an expert's weights anew */

/* ---- looking at a learner ------------------------------------------------------------------------------------------ */

enum { HW_U8, HW_I32, HW_I64, HW_U64, HW_F32, HW_F64 };
/* How the copies of several workers become one (merge.c). */
enum {
    HW_KEEP_FIRST,       /* the base's stands */
    HW_BY_NAME,          /* what is new is appended, worker by worker; the same name has the same row */
    HW_MEAN_BY_TOUCHES,  /* the base plus a mean of what moved, over those that moved it */
    HW_EXACT_STATISTICS, /* as if one learner had seen the rows of all */
    HW_MEAN,             /* the base plus the mean of what moved */
    HW_SUM,              /* the base plus what each has counted */
    HW_NUMBER_BY_NUMBER, /* the running numbers: each its own way */
    HW_SAMPLE,           /* a fair sample of what all have seen */
    HW_MOST_TESTS,       /* those of the worker whose cell tables have the most tests */
    HW_IN_TURN,          /* the last ones of the base, the first worker, the second, … */
    HW_LAST,             /* the last worker's */
    HW_CLEAR,            /* begins empty */
    HW_SAMPLES_IN_TURN,  /* the last samples of the base, the first worker, the second, … */
    HW_COVERED,          /* ends: the mean of what moved; counts: what each has counted */
    HW_MERGES
};

typedef struct hw_array {
    const char *name;
    int type;
    int merge;
    int dimensions;
    int64_t shape[3];
    void *data;
} hw_array;

/* The list of all that learning changes: array number i of the state, below hw_states. */
int hw_states(void);
int hw_state(hw_learner *l, int i, hw_array *array); /* to be asked for in order, from 0 */
/* One array by name, to look at or to write numbers into; not those of the ring, nor slot_reservoir. */
int hw_view(hw_learner *l, const char *name, hw_array *array);
/* A learner from a state: arrays as hw_state gave them, in its order. Everything is checked. */
hw_learner *hw_restore(const hw_allocator *memory, const hw_array *arrays, int count, int level, uint64_t key, int *status,
                       hw_fault *fault);
uint64_t hw_digest(hw_learner *l); /* a number that stands for the whole state */

/* ---- merging --------------------------------------------------------------------------------------------------------
 * A new learner: the base, and what each worker has learned since it was copied from it (hw_restore of hw_state). Only the
 * order of the workers matters, and nothing but they and the base; they stay as they are. outputs[i][j]: which output of
 * the new learner output j of worker i is, those of the base keeping their places; NULL, or outputs[i] NULL: the same.
 * bias: of an output that the base doesn't have, where it begins. A worker that was not copied from this base is refused.
 */
hw_learner *hw_merge(const hw_allocator *memory, hw_learner *base, hw_learner *const *workers, int count,
                     const int32_t *const *outputs, double bias, int *status);

/* Arrays stay readable while somebody keeps them, also when the learner grows or is freed. */
void hw_retain(void *data);
void hw_release(void *data);

typedef struct hw_shape {
    int is_double, growing, standard, targets, knots, ring, intervals, history, mixture, embedding;
    int tables, tests; /* tests that each cell table has now */
    int experts, outputs, states, bias;
    int64_t dense, stride, rows, parameters, slots, learned, fan_in, shared_from, shared_rows, shared_names, max_rows;
    double step;
    int text; /* 1: it reads texts */
    int64_t numbers,
        numbers_stride; /* in a rule's vector: where row 0 of the table begins, and how far it is to the next */
} hw_shape;
void hw_describe(const hw_learner *l, hw_shape *shape);

/* Operation o of an expert: HW_DENSE, HW_ACTIVATION, HW_DROPOUT, HW_LAYER_NORM or HW_BATCH_NORM on n inputs to m outputs,
 * or HW_CELLS, whose n rows are those of all tables; HW_CONV, whose n rows are those of a window (row, column, channel);
 * HW_POOL, HW_FLATTEN. An image's numbers lie pixel after pixel, its channels side by side.
 * Its numbers lie in the parameters at `weights` (-1: none), row after row of `stride` numbers; bias at `bias` (-1: none).
 */
typedef struct hw_operation {
    int32_t kind, code, expert, layer;
    int32_t n, m;
    int64_t weights, stride, bias, buffer;
    double constant;
} hw_operation;
int hw_operations(const hw_learner *l, int expert);
int hw_operation_at(const hw_learner *l, int expert, int o, hw_operation *operation);
/* What an expert's last dense layer read of the sample predicted last. Returns how many numbers; x may be NULL. */
int hw_hidden(const hw_learner *l, int expert, double *x);
int hw_columns_of(const hw_learner *l, int expert, int *first, int *width); /* an expert's columns in a row of the table */

/* The running numbers of an expert, as they are saved. */
enum {
    HW_STEPS,         /* steps taken */
    HW_STEP_SCALE,    /* factor on the step after a divergence */
    HW_FADING_LOSS,   /* mean loss over about the last 100 rows */
    HW_UNDONE,        /* steps taken back */
    HW_OVERFLOW,      /* rows whose logits were not finite */
    HW_PRODUCT,       /* NAdam's running product of momenta */
    HW_INFINITE,      /* of the first expert, for all: inputs that were infinite, */
    HW_HUGE,          /* beyond 1e30, */
    HW_FAR,           /* many deviations off, */
    HW_FAR_TARGET,    /* and answers so */
    HW_WEIGHT,        /* in the mixture */
    HW_ERROR,         /* of the first expert, for all: fading mean error of the mixture; of the second: how they differ */
    HW_FAILING,       /* how long it has known less than nothing */
    HW_MIXED,         /* of the first expert, for all: rows that moved the mixture's weights */
    HW_REINITIALISED, /* how often it began anew */
    HW_RUNNING
};
const double *hw_running(const hw_learner *l, int expert); /* experts + 1: the scale expert, + 2: the label history */

/* What it is made of, for whoever writes one learner down as a program of its own: number i of a table, with its name as C
 * writes it. Of an array, or a part, how many bytes were taken. HW_BAD_ARGUMENT behind the last one. */
enum { HW_INSIDE_LEARNER, HW_INSIDE_EXPERT, HW_INSIDE_OPERATION, HW_INSIDE_PARTS, HW_INSIDES };
int hw_inside(const hw_learner *l, int table, int index, int i, const char **name, double *value);

/* How many bytes of an arena a copy of a learner needs that learns some rows of numbers, and how large its state is then,
 * each array in whole words of 64 bits behind three. */
typedef struct hw_rows {
    const int32_t *slots; /* as of hw_read_numbers */
    const double *x, *y;  /* (count, inputs), (count) */
    int64_t inputs, count;
} hw_rows;
int hw_rehearse(hw_learner *l, void *block, size_t bytes, const hw_rows *rows, int64_t *most, int64_t *state);

/* A learner with the same state, to the bit. */
hw_learner *hw_copy_whole(const hw_allocator *memory, hw_learner *l, int *status);

/* ---- fleets ---------------------------------------------------------------------------------------------------------
 * Many small learners of one declaration, which share all that does not differ: see fleet.c. One thread at a time. Members
 * have numbers from 0; -1 is the one that new members begin as, which can only be predicted with.
 */
typedef struct hw_fleet hw_fleet;

/* Members begin as copies of `first`, whose outputs stand for these labels (numbers of the caller's). */
hw_fleet *hw_fleet_make(const hw_allocator *memory, hw_learner *first, const int32_t *labels, int32_t label_count,
                        int *status);
void hw_fleet_free(hw_fleet *f);
int hw_fleet_set_limits(hw_fleet *f, const hw_limits *limits);
int64_t hw_fleet_add(hw_fleet *f); /* the number of a new member */
int64_t hw_fleet_count(const hw_fleet *f);
int64_t hw_fleet_present(const hw_fleet *f); /* members that are not away */
int64_t hw_fleet_vocabularies(const hw_fleet *f);
int hw_fleet_is_present(const hw_fleet *f, int64_t member);
/* A learner with the member's state, to be used until the next call. learn: its state will be changed. */
hw_learner *hw_fleet_take(hw_fleet *f, int64_t member, int learn, int *status);
/* A number of the vocabulary that the learner taken last reads: as long as it stays the same, columns have their numbers.
 * 0: one that has just grown. */
uint64_t hw_fleet_vocabulary(const hw_fleet *f);
int32_t hw_fleet_labels(const hw_fleet *f, int64_t member, const int32_t **labels);
int hw_fleet_add_label(hw_fleet *f, int64_t member, int32_t label);
void hw_fleet_drop_label(hw_fleet *f, int64_t member); /* the last one */
/* Of all members ever: infinite, huge, far inputs, far answers, overflows, steps undone, rows learned. */
enum { HW_FLEET_COUNTS = 7 };
void hw_fleet_counts(hw_fleet *f, double *counts);
/* A member as a record, for a file or another fleet of the same declaration; NULL only measures. */
int64_t hw_fleet_write(hw_fleet *f, int64_t member, void *out, int64_t size);
int hw_fleet_read(hw_fleet *f, int64_t member, const void *record, int64_t size, const int32_t *labels, int32_t label_count,
                  hw_fault *fault);
int hw_fleet_drop(hw_fleet *f, int64_t member);   /* it is away from now on, until it is read again */
int hw_fleet_remove(hw_fleet *f, int64_t member); /* it is gone; the last member has its number from now on */

/* ---- elementary functions and draws that others need with the same bits --------------------------------------------- */

double hw_sine(double turns);
double hw_cosine(double turns);
double hw_logarithm(double x);
double hw_rate(int schedule, double lr, double a, double b, int64_t t); /* step size at step t >= 1 */
/* Draw the weights of n inputs and m outputs, out (n, m), by an initializer. */
int hw_draw(int initializer, double scale, uint64_t key, int64_t n, int64_t m, double *out);
uint64_t hw_key(uint64_t seed, uint64_t what, uint64_t which); /* a key for draws */

#endif
