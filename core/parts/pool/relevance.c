/* Relevance: columns that say nothing of the label are read smaller.
 *
 * Each column of numbers is cut into bins of its standardised values. If it says nothing, the labels of each bin have the
 * mean of all labels, and the sum over the bins of (sum of deviations)² / (rows · variance) is chi-squared. A column whose
 * sum is no larger than chance allows counts as noise. Three such columns do no harm, fifty do: beyond three, m of them
 * are multiplied by 3/m, and cell tables ask other columns in their place. Where no column is relevant by itself, as in a
 * checkerboard, all are read as they are. Formulas and reasons stand in headwater/plain/inputs/relevance.py, what was
 * tried in benchmarks/NOTES.md. */
#include "learner.h"

static const int EVERY = 16;             /* rows between two judgements */
static const double REMEMBERED = 5000;   /* rows that sums are about */
static const double FIRST = 200;         /* rows before a column is judged */
static const double NOISE = 2, SURE = 7; /* deviations above chance: up to 2 it is noise, from 7 on surely none */
static const double FOLLOWS = 0.1;       /* share of the way to its new factor, a judgement */
static const double HARMLESS = 3;        /* columns of noise that are read as they are */
static const double UNASKED = 0.5;       /* tables ask no column that is shrunk by more */

static double most(double a, double b) { return a > b ? a : b; }
static double least(double a, double b) { return a < b ? a : b; }

static int64_t slots_followed(int64_t slots) { return slots < HW_MOST_RELEVANT ? slots : HW_MOST_RELEVANT; }

/* ---- what a row adds ------------------------------------------------------------------------------------- */

/* Codes of a label: a number itself, or the binary digits of a class. Returns how many there are. */
static int codes_of(const hw_learner *l, double y, double *code)
{
    int64_t c = l->targets ? 0 : (int64_t)y;
    c ^= c >> 4 ^ c >> 8;
    for (int q = 0; q < HW_CODES; q++)
        code[q] = (double)(c >> q & 1);
    if (l->targets)
        code[0] = y;
    return l->targets || l->outputs <= 2 ? 1 : HW_CODES;
}

/* The bin of a value that lies d above its column's mean: eight that normal numbers fall into equally often. */
static int bin_of(double d, double variance)
{
    static const double edge[HW_BINS / 2 - 1] = {0.319, 0.674, 1.150};
    int beyond = 0;
    for (int i = 0; i < HW_BINS / 2 - 1; i++)
        beyond += d * d > edge[i] * edge[i] * variance;
    return d > 0 ? HW_BINS / 2 + beyond : HW_BINS / 2 - 1 - beyond;
}

static void add_row(hw_learner *l, const double *deviation, int codes, double w)
{
    const hw_slots *s = &l->slots;
    int64_t followed = slots_followed(s->count);
    for (int64_t i = l->added; i < l->entries; i++) {
        int32_t slot = l->entry_slots[i];
        double x = l->entry_x[i];
        if (slot < l->answer_inputs || slot >= followed || x - x != 0 || !(s->variance[slot] > 0))
            continue;
        double *bin = l->relevance->of + (int64_t)slot * HW_R_SLOT + HW_R_BINS +
                      bin_of(x - s->mean[slot], s->variance[slot]) * HW_R_BIN;
        bin[0] += w;
        for (int q = 0; q < codes; q++)
            bin[1 + q] += w * deviation[q];
    }
}

/* ---- what the sums say ----------------------------------------------------------------------------------- */

/* How far the sums of a slot lie above what chance gives, in deviations of that; `rows`: how many there are. */
static double above_chance(const double *bins, const double *variance, int codes, double *rows)
{
    double chi = 0, freedom = 0;
    *rows = 0;
    for (int b = 0; b < HW_BINS; b++)
        *rows += bins[b * HW_R_BIN];
    for (int q = 0; q < codes && *rows > 0; q++) {
        double all = 0;
        if (!(variance[q] > 0))
            continue;
        for (int b = 0; b < HW_BINS; b++)
            all += bins[b * HW_R_BIN + 1 + q];
        freedom -= 1;
        for (int b = 0; b < HW_BINS; b++) {
            double n = bins[b * HW_R_BIN], d = bins[b * HW_R_BIN + 1 + q] - all * n / *rows;
            freedom += n > 0;
            chi += n > 0 ? d * d / (n * variance[q]) : 0;
        }
    }
    return freedom > 0 ? (chi - freedom) / __builtin_sqrt(2 * freedom) : 0;
}

/* 0: noise; 1: relevant, or not judged yet. */
static double relevance_of(const hw_learner *l, int64_t slot, int codes, bool *judged)
{
    double rows, above = above_chance(l->relevance->of + slot * HW_R_SLOT + HW_R_BINS,
                                      l->relevance->numbers + HW_R_VARIANCES, codes, &rows);
    *judged = rows > FIRST;
    return *judged ? least(most((above - NOISE) / (SURE - NOISE), 0), 1) : 1;
}

static void judge(hw_learner *l, int codes)
{
    int64_t followed = slots_followed(l->slots.count);
    double noise = 0, best = 0, *said = l->relevance->said;
    bool judged;
    for (int64_t i = 0; i < followed; i++) {
        said[i] = relevance_of(l, i, codes, &judged);
        noise += 1 - said[i];
        best = judged ? most(best, said[i]) : best;
    }
    double shrunk = noise > HARMLESS ? best * (1 - HARMLESS / noise) : 0;
    for (int64_t i = l->answer_inputs; i < followed; i++) {
        double *of = l->relevance->of + i * HW_R_SLOT;
        of[HW_R_SHRUNK] += FOLLOWS * (shrunk * (1 - said[i]) - of[HW_R_SHRUNK]);
        for (int j = HW_R_BINS; j < HW_R_SLOT; j += HW_R_BIN)
            for (int q = 0; q <= codes; q++) /* the other sums are 0 */
                of[j + q] *= 1 - EVERY / REMEMBERED;
    }
}

/* The chance that a test of cell tables asks a slot: none, if most of it is shrunk away. */
static double chance_of(const hw_learner *l, int64_t slot)
{
    double shrunk = slot < hw_followed(l->relevance) ? l->relevance->of[slot * HW_R_SLOT + HW_R_SHRUNK] : 0;
    return shrunk > UNASKED ? 0 : 1 - shrunk;
}

void hw_learn_relevance(hw_learner *l, double y, double w)
{
    double *r = l->relevance->numbers, code[HW_CODES], share = least(w, 1);
    int codes = codes_of(l, y, code);
    r[HW_R_ROWS] += 1;
    for (int q = 0; q < codes; q++) {
        double rate = share / least(r[HW_R_ROWS], REMEMBERED), *mean = r + HW_R_MEANS + q,
               *variance = r + HW_R_VARIANCES + q;
        code[q] -= *mean;
        *mean += rate * code[q];
        *variance = (1 - rate) * (*variance + rate * code[q] * code[q]);
    }
    add_row(l, code, codes, share);
    int64_t rows = (int64_t)r[HW_R_ROWS];
    if (rows % EVERY != 0)
        return;
    judge(l, codes);
    if (HW_WHOLE && l->cells && l->cells->used == l->cells->tests) /* a table in turn: the others go on meanwhile */
        hw_exchange_tests(l, (int32_t)(rows / EVERY % l->cells->tables), chance_of);
}

/* ---- the part -------------------------------------------------------------------------------------------- */

/* A learner of its own whose experts are mixed: it standardises numbers, and has one label. */
static bool suits(const hw_learner *l)
{
    return l->growing && l->standard && l->knots && (l->mixture == HW_CLASSES || l->mixture == HW_NUMBERS) &&
           !l->recurrent && !l->forecast && !l->bandit && !l->agent && l->experts > 1;
}

static int make_slots(hw_learner *l, int64_t slots)
{
    uint64_t numbers = (uint64_t)slots_followed(slots) * HW_R_SLOT + 1; /* never none at all */
    bool room = hw_extend(&l->memory, &l->relevance->of, numbers * sizeof(double)) &&
                hw_extend(&l->memory, &l->relevance->said, (uint64_t)(slots_followed(slots) + 1) * sizeof(double));
    return room ? 0 : HW_NO_MEMORY;
}

static int make(hw_learner *l)
{
    if (!l->relevance)
        return 0;
    if (!hw_extend(&l->memory, &l->relevance->numbers, HW_R_NUMBERS * sizeof(double)))
        return HW_NO_MEMORY;
    return make_slots(l, l->sizes[HW_N_SLOTS]);
}

bool hw_may_exchange_tests(const hw_learner *l)
{
    for (int64_t i = 0; i < hw_followed(l->relevance); i++)
        if (l->relevance->of[i * HW_R_SLOT + HW_R_SHRUNK] > UNASKED - FOLLOWS)
            return true;
    return false;
}

static int reserve(hw_learner *l, int64_t pairs)
{
    (void)pairs;
    return make_slots(l, l->slots.count);
}

static int pack(hw_learner *l) { return make_slots(l, l->slots.count); }

/* Whether columns are judged is said by the array alone. */
static int read(hw_learner *l, const hw_array *first, hw_fault *fault)
{
    if (!first->shape[0])
        return 0;
    SAVED(!HW_LEARNS || suits(l), "relevance", "none of such a learner", first->shape[0]);
    return hw_begin_part(l, HW_PART_relevance) ? 0 : HW_NO_MEMORY;
}

static int64_t count(const hw_learner *l, int code)
{
    (void)code;
    return slots_followed(l->sizes[HW_N_SLOTS]);
}

static int check(hw_learner *l, hw_fault *fault)
{
    const double *r = l->relevance->numbers;
    SAVED(hw_countable(r[HW_R_ROWS]), "relevance", "a count of rows", r[HW_R_ROWS]);
    for (int q = 0; q < HW_CODES; q++)
        SAVED(r[HW_R_VARIANCES + q] >= 0, "relevance", "variances of 0 or more", r[HW_R_VARIANCES + q]);
    for (int64_t i = 0; i < count(l, HW_R_SLOTS); i++) {
        const double *of = l->relevance->of + i * HW_R_SLOT;
        SAVED(of[HW_R_SHRUNK] >= 0 && of[HW_R_SHRUNK] < 1, "relevance_slots", "shares below 1", of[HW_R_SHRUNK]);
        for (int b = 0; b < HW_BINS; b++)
            SAVED(of[HW_R_BINS + b * HW_R_BIN] >= 0, "relevance_slots", "rows of bins", of[HW_R_BINS + b * HW_R_BIN]);
    }
    return 0;
}

/* ---- merging: means over the workers that have learned ----------------------------------------------------- */

static bool has_learned(const hw_merging *m, int worker) { return m->worker[worker]->learned > m->base->learned; }

static void add_numbers(double *to, const double *from, int64_t count)
{
    for (int64_t j = 0; j < count; j++)
        to[j] += from[j];
}

/* The slots of a worker's column are added to those of what it is called there; n: how many workers had each. */
static void add_column(const hw_merging *m, int worker, int32_t column, double *n)
{
    const hw_learner *w = m->worker[worker];
    int64_t to = m->to->columns.slot[m->column[worker][column]], from = w->columns.slot[column];
    int parts = from < 0 || to < 0 ? 0 : w->columns.kind[column] == HW_TIME ? HW_TIME_PARTS : 1;
    for (int k = 0; k < parts; k++, to++, from++) {
        if (to >= hw_followed(m->to->relevance) || from >= hw_followed(w->relevance))
            continue;
        double *sums = m->to->relevance->of + to * HW_R_SLOT;
        if (n[to] == 0)
            memset(sums, 0, HW_R_SLOT * sizeof(double));
        add_numbers(sums, w->relevance->of + from * HW_R_SLOT, HW_R_SLOT);
        n[to] += 1;
    }
}

static int merge(const hw_merging *m)
{
    hw_relevance_t *r = m->to->relevance;
    double *n = hw_allocate(&m->to->memory, (uint64_t)m->to->slots.count * 8 + 8), learned = 0,
           rows = r->numbers[HW_R_ROWS];
    int status = n ? make_slots(m->to, m->to->slots.count) : HW_NO_MEMORY;
    for (int i = 0; i < m->count && status >= 0; i++) {
        const hw_learner *w = m->worker[i];
        if (!has_learned(m, i))
            continue;
        if (learned++ == 0)
            memset(r->numbers, 0, HW_R_NUMBERS * sizeof(double));
        add_numbers(r->numbers, w->relevance->numbers, HW_R_NUMBERS);
        for (int32_t c = 0; c < w->columns.count; c++)
            add_column(m, i, c, n);
    }
    for (int64_t i = 0; status >= 0 && i < hw_followed(r) && i < m->to->slots.count; i++)
        for (int j = 0; j < HW_R_SLOT && n[i] > 1; j++)
            r->of[i * HW_R_SLOT + j] /= n[i];
    for (int j = 0; j < HW_R_NUMBERS && learned > 1; j++)
        r->numbers[j] = j == HW_R_ROWS ? r->numbers[j] - (learned - 1) * rows : r->numbers[j] / learned;
    hw_release(n);
    return status;
}

const hw_part hw_part_relevance = {.alone = true,
                                   .in_fleet = true,
                                   .merges = true,
                                   .suits = HW_LEARNS ? suits : NULL,
                                   .read = read,
                                   .count = count,
                                   .make = make,
                                   .check = HW_LEARNS ? check : NULL,
                                   .pack = HW_LEARNS ? pack : NULL,
                                   .reserve = HW_LEARNS ? reserve : NULL,
                                   .merge = HW_MERGING(merge)};
