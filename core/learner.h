/* What a learner is made of. Every array is allocated by memory.c and may be looked at from outside (hw_retain). */
#ifndef HW_LEARNER_H
#define HW_LEARNER_H

#include "headwater.h"
#include "rows/random.h"
#include "state/memory.h"
#include <stdbool.h>

/* ---- assertions ------------------------------------------------------------------------------------------------------
 * Of a build with HW_DEBUG, which says on standard error what did not hold and ends. In all others they are no code. */
#ifdef HW_DEBUG
_Noreturn void hw_failed(const char *said, const char *file, int line);
#define HW_ASSERT(good) ((good) ? (void)0 : hw_failed(#good, __FILE__, __LINE__))
#else
#define HW_ASSERT(good) ((void)0)
#endif
/* So many numbers of a block, of so many bytes each, are its own. */
#define HW_ASSERT_INSIDE(block, from, count, size)                                                                         \
    HW_ASSERT((int64_t)(from) >= 0 && (uint64_t)((from) + (count)) * (uint64_t)(size) <= hw_capacity(block))
/* ---- builds: what a page loads ------------------------------------------------------------------------------------
 *
 * 1 predicts, 2 learns too as the default pools do, 3 is the whole. A smaller one refuses with HW_NOT_BUILT what it lacks,
 * before anything has changed: a larger one takes the state over. Conditions on these constants leave code out. */
#ifndef HW_BUILD
#define HW_BUILD 3
#endif
enum { HW_LEARNS = HW_BUILD >= 2, HW_WHOLE = HW_BUILD >= 3 };
#if defined HW_PAGE || defined HW_WITHOUT_embedding
enum { HW_EMBEDS = 0 }; /* columns of embeddings are refused */
#else
enum { HW_EMBEDS = HW_WHOLE };
#endif
#if defined HW_PAGE || defined HW_FLOAT_ONLY
enum { HW_SMALL = 1 }; /* for pages and boards: what is only faster, with the same bits, is left out */
#else
enum { HW_SMALL = 0 };
#endif

/* The kind of a layer, without those that a smaller build refuses, so that what they need isn't loaded. */
static inline __attribute__((always_inline)) int hw_kind(int kind)
{
    bool small = kind == HW_DENSE || kind == HW_ACTIVATION || kind == HW_CELLS;
    return HW_WHOLE || small ? kind : HW_LAYER_NORM;
}

/* ---- lists of names: rows of these tables are the only place where a name of the core stands ------------------------ */

#include "kernels/activations.h"      /* HW_ACTIVATIONS */
#include "kernels/output/losses.h"    /* HW_LOSSES */
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
    uint32_t table_size; /* a power of two */
    int32_t *owner;      /* (count,) −1: a column; else the column a category belongs to */
    int32_t *value;      /* (count,) number of the column, or row of the category */
    int64_t *end;        /* (count,) where its bytes end; they begin where those of the one before end */
    char *bytes;
    int32_t *table; /* open addressing: place of a name, or −1 */
    uint64_t key;   /* orders the table, changes no result */
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

/* A declaration, or a state that was saved, is refused where it doesn't fit: fault says where, what was expected and what
 * was found. */
#define HW_REFUSE_UNLESS(good, where, what, value, status)                                                                 \
    do {                                                                                                                   \
        if (!(good)) {                                                                                                     \
            if (HW_WHOLE && fault) /* a smaller build leaves it to the whole one to say what is wrong */                   \
                *fault = (hw_fault){where, what, (double)(value)};                                                         \
            return status;                                                                                                 \
        }                                                                                                                  \
    } while (0)
#define DECLARED(good, where, what, value) HW_REFUSE_UNLESS(good, where, what, value, HW_BAD_DECLARATION)
#define SAVED(good, where, what, value) HW_REFUSE_UNLESS(good, where, what, value, HW_BAD_STATE)
#define BUILT(good, where, what, value) HW_REFUSE_UNLESS(HW_WHOLE || (good), where, what, value, HW_NOT_BUILT)
static inline bool hw_countable(double x) { return x >= 0 && x <= 9007199254740992.0; }

#include "parts/parts.h"

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
    int64_t squares;         /* of cells: where the number of the first begins, one a cell; -1: not factored */
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
    int32_t states;                           /* numbers kept for each weight: in a lean pool as many as its rule needs */
    int32_t numbers;                          /* where these begin among those of a row of the table: as many as lanes, */
    int32_t factored;                         /* or one alone */
    int32_t cells;                            /* the operation that adds cells to its first layer; -1: none */
    int32_t recurrent;                        /* its recurrence; -1: none */
    int32_t plain;                            /* neither penalties nor clipping of values */
    double scale, loss_number, lr, lr_declared, schedule_numbers[2], rule_numbers[4];
    double l1, l2, clip_norm, clip_value;
    int64_t dense_first, dense_last; /* its stretch of the dense parameters */
} hw_expert_t;

/* Where the rules' numbers lie, behind those of dense layers, which lie as their weights do: of the units of a table that
 * is factored, and of row 0, and how far it is from row to row. */
typedef struct hw_numbers {
    int64_t units, rows, stride;
} hw_numbers;

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
    HW_MOST_NAMES = 1 << 30,   /* the table of twice as many has a size of 32 bits */
    HW_MOST_OUTPUTS = 1 << 20,
    HW_STRETCH = 4096 /* numbers of a gradient that are stepped along at once */
};

/* Scores of HW_ANOMALY: how many there ever were, how many samples in succession were not learned since they are unusual,
 * and the last ones of each detector and of the pool (kernels/kinds/anomaly.c). Behind them those of HW_ANOMALY_FADING have
 * how many there were in each bin, which fade: of a detector by the logarithm of its score, of the pool by its score. */
enum {
    HW_SCORES_EVER,
    HW_SCORES_SKIPPED,
    HW_SCORES_HEAD,
    HW_DETECTORS = 4,
    HW_SCORED = 2000,
    HW_LOG_BINS = 100,
    HW_POOL_BINS = 193
};
enum { HW_SCORE_BINS = HW_SCORES_HEAD + (HW_DETECTORS + 1) * HW_SCORED };

typedef struct hw_kernels hw_kernels;

struct hw_learner {
    hw_allocator memory;
    const hw_kernels *kernels;
    double *declaration;

    /* as declared */
    bool is_double, growing, standard, targets, embedding, bias, counted, history;
    bool names_borrowed; /* names and columns belong to a fleet: they are copied before a name is appended */
    bool staged;         /* in staging lies what the statistics of the sample at hand become when it is learned */
    bool rows_in_order;  /* rows_at holds 0 (the bias), 1, 2, … as a row without gaps has it */
    uint8_t level;
    int knots, ring, intervals, mixture;
    int answer_inputs; /* columns of answers before, the first of the vocabulary: HW_ANSWER_INPUTS or 0 */
    int32_t added;     /* of the sample at hand: entries in front that are answers before */
    int32_t max_rows;
    uint64_t seed;
    int32_t image; /* numbers of the image that a sample is; 0: it is none */
    int32_t image_channels;
    int32_t ids; /* of an embedding: how many a sample has */

    /* lowered (lower.c) */
    int output_capacity; /* room: outputs that fit without laying out anew */
    int experts, all;    /* with the scale expert behind the others */
    int ops, outputs;
    hw_expert_t *expert;
    hw_op *op;
    int64_t dense, stride, buffers; /* numbers */
    int32_t length;                 /* numbers of a sample's values */
    int32_t lists;                  /* numbers of a sample's lists */
    int32_t widest;
    int states;
    hw_numbers numbers;

    /* all that learning changes */
    hw_names names;
    hw_columns_t columns;
    hw_slots slots;
    int64_t rows, row_capacity, fan_in, learned, shared_names;
    int32_t drawn, shared_from, highest_row;
    int32_t sharing;                       /* names of the sample at hand that share rows, counted once it is learned */
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

    union { /* NULL: not declared, or not needed yet */
        void *parts[HW_PART_COUNT];
        struct {
#define HW_FIELD(name, type) type *name;
            HW_PARTS(HW_FIELD)
#undef HW_FIELD
        };
    };

    /* working memory: nothing in it outlives a call */
    int32_t *entry_slots; /* (2, entry_capacity) of the sample at hand; then of the one that was predicted last, whose */
    double *entry_x;      /* prediction still holds: test, then train, predicts each right before it learns it */
    int32_t entries, entry_capacity;
    int32_t predicted_count; /* entries of that one; −1: there is none */
    int32_t unknown;         /* names of the sample at hand that were never seen */
    int32_t pair_capacity;
    int32_t undo_pairs; /* as many pairs as row_undo is large enough for */
    int32_t *rows_at;   /* (2, pair_capacity) pairs of the sample at hand, and as much room beside them */
    void *values_at;
    int64_t pairs, active; /* how many, and how many take part */
    void *values, *deltas; /* (length,) a sample's values and the derivatives by them */
    int32_t *list_rows;    /* (lists,) */
    void *list_values;
    void *predictions; /* (all + 4, output_capacity) what each expert predicts, the history, the mixture */
    void *row_gradient, *row_undo;
    double *losses;        /* (all,) */
    double *staging;       /* numbers of a sample side by side: mean, variance, … */
    int64_t pending_place; /* place + 1 of the pending predictions of the sample at hand; 0: those just made */
    double *matrix;        /* numbers of a matrix that is drawn anew */
    hw_value **sorted;
};
_Static_assert(sizeof(hw_learner) <= 900, "what only some learners have is a part");

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
hw_learner *hw_make_alike(const hw_learner *l, int *status); /* of the same declaration, and room for as many outputs */
int hw_reserve_learning(hw_learner *l);                      /* all memory that learning the sample at hand takes */
int hw_make_fixed(hw_learner *l);
int hw_make_parts(hw_learner *l);

/* ---- lower.c: from a declaration to operations and where everything lies --------------------------------------------- */
int hw_parse(hw_learner *l, const double *declaration, int64_t count, hw_fault *fault);
bool hw_is_factored(int rule);                          /* whether it has second moments alone, which a lean pool factors */
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
int hw_reserve_shared(hw_learner *l); /* room for the rows to share */
int hw_share_rows(hw_learner *l);     /* the table is full from now on */
/* The interval between three ascending knots or more in which x lies: 0 to count - 2, those outside in the outermost. By
 * halving, without a branch to guess. u: how far x lies towards the interval's end. */
static inline int32_t hw_knot_below(const double *knots, int32_t count, double x, double *u)
{
    int32_t k = 0, last = count - 2;
    for (int32_t step = last < 16 ? 8 : 32; step; step >>= 1)
        k += k + step <= last && x >= knots[k + step <= last ? k + step : last] ? step : 0;
    double part = (x - knots[k]) / (knots[k + 1] - knots[k]);
    *u = part < 0 ? 0 : part > 1 ? 1 : part;
    return k;
}
void hw_sort(double *x, int64_t n); /* at most HW_RESERVOIR values, equal ones in their order (0 and -0 are equal) */
int hw_move_knots(hw_learner *l, int32_t slot); /* to the quantiles of what is kept of its past; says how many there are */
void hw_refit_curve(hw_learner *l, int32_t slot, const double *knots, int32_t count); /* as it is, through other knots */

int hw_check_built(const hw_learner *l); /* HW_NOT_BUILT where the sample at hand needs what this build lacks */

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
#ifdef HW_WITHOUT_anomaly
static inline bool hw_is_anomaly(const hw_learner *l) { return (void)l, false; }
#else
static inline bool hw_is_anomaly(const hw_learner *l) { return l->intervals >= HW_ANOMALY; }
#endif
static inline int64_t hw_score_count(const hw_learner *l)
{
    int64_t bins = l->intervals == HW_ANOMALY_FADING ? HW_DETECTORS * HW_LOG_BINS + HW_POOL_BINS : 0;
    return !l->intervals ? 0 : hw_is_anomaly(l) ? HW_SCORE_BINS + bins : 1 + HW_WINDOW;
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

static inline int64_t hw_test_count(const hw_cells *c) { return (int64_t)c->tables * c->tests; }
static inline int hw_tests_used(const hw_learner *l) { return l->cells ? l->cells->used : 0; }
static inline void hw_set_tests(hw_learner *l, const int64_t *sizes)
{
    if (l->cells)
        l->cells->used = (int32_t)sizes[HW_N_TESTS];
}
static inline int active_tables(const hw_learner *l) { return hw_tests_used(l) ? l->cells->tables : 0; }
static inline bool hw_outputs_in_table(const hw_learner *l, const hw_expert_t *e) /* its columns are the outputs */
{
    return e->first == e->last || l->op[e->last - 1].kind != HW_DENSE;
}

/* ---- parts (parts/) ------------------------------------------------------------------------------------------------- */
static inline bool hw_is_text(int kind) { return kind == HW_WORDS || kind == HW_BIGRAMS; }
static inline bool hw_is_embedding(int kind) { return HW_EMBEDS && (kind == HW_COSINE || kind == HW_RAW); }
/* Whether a value's kind is one that a new column may have: no kind of text, which is found or declared. */
static inline bool hw_is_value(const hw_value *v)
{
    return v->kind < HW_WORDS || (HW_EMBEDS && (!v->has || (hw_is_embedding(v->kind) && v->has == HW_HAS_NUMBERS)));
}
/* At most how many numbers and names a value is. */
static inline int32_t hw_entries_in(const hw_value *v)
{
    return v->has & HW_HAS_TIME ? HW_TIME_PARTS : HW_EMBEDS && v->has & HW_HAS_NUMBERS ? (int32_t)v->count : v->has != 0;
}
/* What is mixed: experts, label history, text. */
static inline int hw_components(const hw_learner *l) { return l->experts + l->history + (l->text != NULL); }
static inline bool hw_has_words(const hw_learner *l)
{
    return HW_WHOLE && l->text && (l->text->count || (HW_EMBEDS && l->text->blocks));
} /* the sample at hand */
/* ---- coverage.c ------------------------------------------------------------------------------------------------------ */
static inline bool
hw_covers_classes(const hw_learner *l) /* a sigmoid for two of them is no other to the core than one of many */
{
    return hw_is_of_classes(l->expert[0].loss) ||
           (l->expert[0].loss == HW_LOSS_binary_cross_entropy && !l->targets && !l->intervals);
}
static inline int64_t hw_declared(const hw_learner *l) { return (int64_t)(hw_capacity(l->declaration) / sizeof(double)); }
static inline int hw_numbers_of_kind(int kind) { return kind == HW_NUMBER ? 1 : kind == HW_TIME ? HW_TIME_PARTS : 0; }
int32_t hw_numbers_of_column(const hw_learner *l, int32_t column);
static inline int64_t hw_to_share(const hw_learner *l) { return l->max_rows / 4 < 1024 ? l->max_rows / 4 : 1024; }
/* Rows that it has learned itself: l->learned counts those of the learner before it, which it succeeded, too. */
static inline int64_t hw_age(const hw_learner *l)
{
    return l->learned - (l->succession ? (int64_t)l->succession->numbers[HW_S_BORN] : 0);
}
static inline int64_t hw_traced(const hw_learner *l) { return l->recurrent ? l->recurrent->traced : 0; }

/* ---- arrays.c -------------------------------------------------------------------------------------------------------- */
enum { HW_MOST_ARRAYS = 128 };
void *hw_begin_part(hw_learner *l, int part); /* it is there from now on, with zeros; NULL if there is no memory */
void hw_drop_part(hw_learner *l, int part);
void hw_free_arrays(hw_learner *l);
int hw_array_at(hw_learner *l, int i, hw_array *array); /* where array i of the state lies, by l->sizes; its owner */
int hw_owner_of(int i);
int hw_part_of(int i);                               /* where it lies; -1: in the learner itself */
bool hw_is_lacking(const hw_learner *l, int i);      /* an array of a part that this learner has not */
bool hw_is_newer(int i);                             /* an array that older files lack */
int hw_first_array(int part);                        /* of those in the state; -1: it has none */
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
    HW_OF_PENDING,
    HW_OF_PENDING_ANSWERS,
    HW_OF_PART /* which says itself how many there are */
};
int hw_locate(hw_learner *l, int i, hw_array *array);                        /* array i as it lies now; whose it is */
hw_learner *hw_copy(const hw_allocator *memory, hw_learner *l, int *status); /* without what merging clears */
int hw_check_sizes(const hw_learner *l, hw_fault *fault);
/* Put the arrays of another state of l->sizes, for which there is room, into a restored learner of the same layout. It
 * keeps its names, which must be the same. What is wrong with them leaves the learner fit only to be freed. */
int hw_restore_again(hw_learner *l, const hw_array *arrays, hw_fault *fault);
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
static inline int64_t hw_kept_samples(const hw_learner *l)
{
    return l->replay->added < l->ring ? l->replay->added : l->ring;
}
int hw_reserve_ring(hw_learner *l, int64_t pairs);
int hw_compact_ring(hw_learner *l, int64_t more);
int hw_reserve_moves(hw_learner *l, const hw_due *due, int64_t pairs);
void hw_move_due_knots(hw_learner *l); /* samples kept for replay are read again on them */

/* ---- limits.c -------------------------------------------------------------------------------------------- */
int hw_exceed(hw_learner *l, const char *name, int64_t limit, int64_t got); /* returns HW_TOO_LARGE */
const hw_limits *hw_limits_of(const hw_learner *l);
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

/* How many numbers lie in the weights (vector -1), or in a rule's vector, with so many rows of the table. */
static inline int64_t hw_vector_length(const hw_learner *l, int vector, int64_t rows)
{
    return vector < 0 ? l->dense + rows * l->stride : l->numbers.rows + rows * l->numbers.stride;
}

static inline bool hw_is_double(const hw_learner *l)
{
#ifdef HW_FLOAT_ONLY /* hw_new makes no other learner there */
    return (void)l, false;
#else
    return l->is_double;
#endif
}

static inline size_t hw_number(const hw_learner *l) /* bytes of a parameter */
{
    return hw_is_double(l) ? sizeof(double) : sizeof(float);
}

static inline __attribute__((always_inline)) double hw_get_as(bool is_double, const void *v, int64_t i)
{
    return is_double ? ((const double *)v)[i] : (double)((const float *)v)[i];
}

static inline __attribute__((always_inline)) void hw_put_as(bool is_double, void *v, int64_t i, double x)
{
    if (is_double)
        ((double *)v)[i] = x;
    else
        ((float *)v)[i] = (float)x;
}

static inline double hw_get(const hw_learner *l, const void *v, int64_t i) { return hw_get_as(hw_is_double(l), v, i); }

static inline void hw_put(const hw_learner *l, void *v, int64_t i, double x) { hw_put_as(hw_is_double(l), v, i, x); }

#endif
