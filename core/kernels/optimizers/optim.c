/* Update rules: from a gradient to a step.
 *
 * One sample's gradient of a layer has rank one, g_ij = v_i d_j (input times delta), so a rule takes rows, their values v
 * and the deltas d, and the gradient is never written down. A whole gradient is the case of one long row with v = 1.
 *
 * A rule is one function of one weight: from the weight w, its gradient g and the rule's own numbers s0, s1, … to the new
 * weight. `c` holds the constants of this step. The loop over rows and units is the same for all. What a row gets that no
 * sample touches (nothing: it stands still) and the sources are in headwater/plain/optimizers/rules.py. */
#ifndef HW_OPTIM_C
#define HW_OPTIM_C

#include "../vec.h"

#define VECTOR native
#define VECTOR_NAME(name) name##_native
#include "rules.h"
#undef VECTOR
#undef VECTOR_NAME
#define VECTOR real4
#define VECTOR_NAME(name) name##_real4
#include "rules.h"
#undef VECTOR
#undef VECTOR_NAME

static const bool CORRECTED[] = {
#define HW_ROW(name, states, exact, epsilon, corrected) corrected,
    HW_RULES(HW_ROW)
#undef HW_ROW
};

/* Adam's bias corrections, for a row touched k times. */
static inline void correct(constants *c, int rule, const hw_expert_t *e, double lr, double k)
{
    uint64_t n = (uint64_t)k;
    if (rule != HW_RULE_nadam)
        c->lr = (real)(lr / (1 - hw_ipow64(e->rule_numbers[0], n)));
    c->correction = (real)(1 / __builtin_sqrt(1 - hw_ipow64(e->rule_numbers[1], n)));
}

static double nadam_momentum(const hw_expert_t *e, double t)
{
    return e->rule_numbers[0] * (1 - 0.5 * hw_pow64(0.96, t * e->rule_numbers[3]));
}

/* One step of an expert's rule, as it stands for all rows that it is about to move. */
typedef struct update {
    const hw_expert_t *e;
    int rule;
    double lr, t;
    bool own;           /* rows are those of the table: bias corrections follow a row's own count, and its numbers begin */
    int64_t at, stride; /* here, so far from row to row */
    const int64_t *touched;
    constants c;
    real *p, *s[HW_MOST_STATES];
    struct factors *factors; /* of second moments; NULL: the rule keeps a number for each weight */
} update;

static void begin_update(update *u, hw_learner *l, const hw_expert_t *e, double lr, double t, double product)
{
    const double *n = e->rule_numbers;
    u->e = e;
    u->rule = e->rule;
    u->lr = lr;
    u->t = t;
    u->own = false;
    u->factors = NULL;
    u->touched = l->touched;
    u->p = l->weights;
    if (e->rule == HW_RULE_sgd) {
        u->c.lr = (real)lr;
        return;
    }
    u->c = (constants){.lr = (real)lr, .a = (real)n[0], .b = (real)n[1], .c = (real)n[2], .e = (real)n[3]};
    for (int k = 0; k < HW_MOST_STATES; k++)
        u->s[k] = k < l->states ? l->state[k] : l->weights;
    u->c.one_minus_a = (real)(1 - n[0]);
    u->c.one_minus_b = (real)(1 - n[1]);
    u->c.shrink = 1;
    u->c.correction = 1;
    if (HW_WHOLE && CORRECTED[e->rule])
        correct(&u->c, e->rule, e, lr, t);
    if (HW_WHOLE && e->rule == HW_RULE_nadam) {
        double mu = nadam_momentum(e, t), ahead = nadam_momentum(e, t + 1);
        u->c.ahead = (real)(lr * ahead / (1 - product * ahead));
        u->c.gradient = (real)(lr * (1 - mu) / (1 - product));
    }
}

#include "fours.h"

/* Rows of four numbers, with one of the rule's own each: moves as many as can be taken side by side, and returns how many.
 * A row that is listed twice has to be moved twice, so the rest goes row by row. */
#define NARROW(name)                                                                                                       \
    static int name##_fours(const update *u, int64_t base, int64_t stride, const int32_t *rows, const real *v, int n,      \
                            const real *d)                                                                                 \
    {                                                                                                                      \
        constants c = u->c;                                                                                                \
        real *p = u->p + base, *s = u->s[0] + (u->own ? u->at : base), *w_at[4], *s_at[4];                                 \
        int64_t stride_s = u->own ? u->stride : stride;                                                                    \
        native delta, none = {0}, unused = none;                                                                           \
        for (int j = 0; j < NATIVE; j++)                                                                                   \
            delta[j] = d[j & 3];                                                                                           \
        int i = 0;                                                                                                         \
        for (; i + FOURS <= n && all_differ(rows ? rows + i : NULL); i += FOURS) {                                         \
            for (int q = 0; q < FOURS; q++) {                                                                              \
                int64_t r = rows ? rows[i + q] : i + q;                                                                    \
                w_at[q] = p + r * stride;                                                                                  \
                s_at[q] = s + r * stride_s;                                                                                \
            }                                                                                                              \
            native s0 = join(s_at);                                                                                        \
            split(name##_native(&c, join(w_at), spread(v + i) * delta, &s0, &unused, &unused, &unused, &unused), w_at);    \
            split(s0, s_at);                                                                                               \
        }                                                                                                                  \
        return i;                                                                                                          \
    }
NARROW(adagrad)
NARROW(rmsprop)
#undef NARROW

static int move_fours(const update *u, int64_t base, int64_t stride, const int32_t *rows, const real *v, int n,
                      const real *d, int m)
{
    if (FOURS == 1 || m != 4 || (u->own && !rows))
        return 0;
    if (u->rule == HW_RULE_adagrad)
        return adagrad_fours(u, base, stride, rows, v, n, d);
    return u->rule == HW_RULE_rmsprop ? rmsprop_fours(u, base, stride, rows, v, n, d) : 0;
}

/* One rule over the rows: as many vectors of the machine's own width as fit, then vectors of four. */
#define STEP_VECTOR(name, type, vec, j)                                                                                    \
    do {                                                                                                                   \
        type q0 = *(type##_memory *)(s0 + j), q1 = *(type##_memory *)(s1 + j), q2 = *(type##_memory *)(s2 + j),            \
             q3 = *(type##_memory *)(s3 + j);                                                                              \
        type q4 = *(type##_memory *)(s4 + j);                                                                              \
        *(type##_memory *)(w + j) =                                                                                        \
            name##_##vec(&c, *(type##_memory *)(w + j), x * *(const type##_memory *)(d + j), &q0, &q1, &q2, &q3, &q4);     \
        if (STATES > 0)                                                                                                    \
            *(type##_memory *)(s0 + j) = q0;                                                                               \
        if (STATES > 1)                                                                                                    \
            *(type##_memory *)(s1 + j) = q1;                                                                               \
        if (STATES > 2)                                                                                                    \
            *(type##_memory *)(s2 + j) = q2;                                                                               \
        if (STATES > 3)                                                                                                    \
            *(type##_memory *)(s3 + j) = q3;                                                                               \
        if (STATES > 4)                                                                                                    \
            *(type##_memory *)(s4 + j) = q4;                                                                               \
    } while (0)
#define LOOP(name, states, exact, epsilon, corrected)                                                                      \
    static void name##_rows(update *u, int64_t base, int64_t stride, const int32_t *rows, const real *v, int n,            \
                            const real *d, int m, int64_t exempt)                                                          \
    {                                                                                                                      \
        enum { STATES = states };                                                                                          \
        double last = u->t;                                                                                                \
        constants c = u->c;                                                                                                \
        for (int i = 0; i < n; i++) {                                                                                      \
            int64_t r = rows ? rows[i] : i;                                                                                \
            if (corrected && u->own && (double)u->touched[r] != last) {                                                    \
                last = (double)u->touched[r];                                                                              \
                correct(&c, HW_RULE_##name, u->e, u->lr, last);                                                            \
            }                                                                                                              \
            if (HW_RULE_##name == HW_RULE_adamw)                                                                           \
                c.shrink = r == exempt ? 1 : (real)(1 - u->lr * u->e->rule_numbers[3]);                                    \
            int64_t o = u->own ? u->at + r * u->stride : base + r * stride;                                                \
            real *w = u->p + base + r * stride, *s0 = STATES > 0 ? u->s[0] + o : w, *s1 = STATES > 1 ? u->s[1] + o : w;    \
            real *s2 = STATES > 2 ? u->s[2] + o : w, *s3 = STATES > 3 ? u->s[3] + o : w;                                   \
            real *s4 = STATES > 4 ? u->s[4] + o : w;                                                                       \
            const real x = v[i];                                                                                           \
            int j = 0;                                                                                                     \
            for (; NATIVE != 4 && j + NATIVE <= m; j += NATIVE)                                                            \
                STEP_VECTOR(name, native, native, j);                                                                      \
            for (; j < m; j += 4)                                                                                          \
                STEP_VECTOR(name, real4, real4, j);                                                                        \
        }                                                                                                                  \
    }
HW_RULES(LOOP)
#undef LOOP

/* ---- factored second moments (Shazeer & Stern 2018) ------------------------------------------------------------------
 *
 * A rule whose state is a mean, or a sum, of squared gradients divides by its root. That of a rank-one gradient v_i d_j has
 * nearly rank one: s_ij = R_i C_j / mean C, of what row i and unit j saw. So a step is plain descent of values that were
 * divided by the root of R, along deltas that were divided by that of C. Formulas stand in
 * headwater/plain/optimizers/lean.py. */

enum { ABREAST = 256 };                   /* rows whose roots are taken side by side */
static const real LARGEST_SQUARE = 1e30f; /* a unit's mean square counts as no more: the mean of all stays finite */

typedef struct factors {
    int units;  /* without padding */
    real *rows; /* the number of row 0, and how far it is to that of the next */
    int64_t stride;
    real *along;              /* (m) what a unit's delta is multiplied by */
    real *scaled;             /* (m) room for the product */
    real top;                 /* the root of mean C; 1 where units have no numbers of their own */
    real keep, take, epsilon; /* s = keep s + take g² */
} factors;

static void begin_factors(factors *f, const update *u, int units, real *rows, int64_t stride, real *room, int m)
{
    bool sum = u->rule == HW_RULE_adagrad;
    *f = (factors){.units = units, .rows = rows, .stride = stride, .along = room, .scaled = room + m};
    f->keep = sum ? 1 : u->c.a;
    f->take = sum ? 1 : u->c.one_minus_a;
    f->epsilon = sum ? u->c.a : u->c.b;
    f->top = 1;
    for (int j = 0; j < m; j++)
        f->along[j] = u->c.lr;
}

/* s = keep s + take x²; x over its root, for which the rule divides. */
static inline void step_squares(const factors *f, real *s, real take, real *x)
{
    native square = decay_native(f->keep * load(s) + take * load(x) * load(x));
    store(s, square);
    store(x, load(x) / (square_root_native(square) + f->epsilon));
}

/* C_j of each unit, by the delta d that came back to it. */
static void step_units(factors *f, const update *u, real *c, const real *d, int m)
{
    real whole;
    for (int j = 0; j < m; j += 4) {
        real4 square = decay_real4(f->keep * load4(c + j) + f->take * load4(d + j) * load4(d + j));
        square = select_real4(square < LARGEST_SQUARE, square, square * 0 + LARGEST_SQUARE);
        store4(c + j, square);
        store4(f->along + j, u->c.lr / (square_root_real4(square) + f->epsilon));
    }
    SUM_UNITS(whole, m, c[j]);
    f->top = HW_SQRT(whole / (real)f->units);
}

/* Move n rows by the outer product of v and d. Row `exempt` is a bias, which has the units' numbers alone. */
static void factored_rows(const factors *f, real *p, int64_t stride, const int32_t *rows, const real *v, int n,
                          const real *d, int m, int64_t exempt)
{
    real square, s[ABREAST + NATIVE], x[ABREAST + NATIVE], *scaled = f->scaled;
    int i = n && exempt == (rows ? rows[0] : 0);
    SUM_UNITS(square, m, d[j] * d[j]);
    square *= f->take / (real)f->units;
    for (int j = 0; j < m; j += 4) {
        real4 step = load4(d + j) * load4(f->along + j);
        real *bias = p + (rows ? rows[0] : 0) * stride + j;
        if (i)
            store4(bias, load4(bias) - v[0] * step);
        store4(scaled + j, step * f->top);
    }
    for (; i < n; i += ABREAST) {
        int some = n - i < ABREAST ? n - i : ABREAST;
        for (int q = 0; q < some; q++) {
            s[q] = f->rows[(rows ? rows[i + q] : i + q) * f->stride];
            x[q] = v[i + q];
        }
        for (int q = some; q & (NATIVE - 1); q++)
            s[q] = x[q] = 0;
        for (int q = 0; q < some; q += NATIVE)
            step_squares(f, s + q, square, x + q);
        for (int q = 0; q < some; q++)
            f->rows[(rows ? rows[i + q] : i + q) * f->stride] = s[q];
        step_rows(rows ? p : p + i * stride, (size_t)stride, rows ? rows + i : NULL, x, some, scaled, m);
    }
}

/* Move n rows of m numbers, the first at base, by the outer product of v (n) and d (m). Row `exempt` is a bias. */
static void apply_rule(update *u, int64_t base, int64_t stride, const int32_t *rows, const real *v, int n, const real *d,
                       int m, int64_t exempt)
{
    if (u->factors) {
        factored_rows(u->factors, u->p + base, stride, rows, v, n, d, m, exempt);
        return;
    }
    if (u->rule == HW_RULE_sgd) { /* w - v (lr d) */
        real scaled[64] __attribute__((aligned(64)));
        for (int j = 0; j < m; j += 64) {
            int some = m - j < 64 ? m - j : 64;
            for (int q = 0; q < some; q++)
                scaled[q] = u->c.lr * d[j + q];
            step_rows(u->p + base + j, (size_t)stride, rows, v, n, scaled, some);
        }
        return;
    }
    int done = move_fours(u, base, stride, rows, v, n, d, m);
    base += rows ? 0 : done * stride;
    rows = rows ? rows + done : NULL;
    switch (u->rule) {
#define HW_CASE(name, states, exact, epsilon, corrected)                                                                   \
    case HW_RULE_##name:                                                                                                   \
        if (HW_WHOLE || HW_RULE_##name == HW_RULE_adagrad || HW_RULE_##name == HW_RULE_rmsprop)                            \
            name##_rows(u, base, stride, rows, v + done, n - done, d, m, exempt);                                          \
        break;
        HW_RULES(HW_CASE)
    }
#undef HW_CASE
}

#endif
