/* Cell tables: which tests they ask, and how these grow with the stream.
 *
 * A table asks each sample some tests, value > threshold; the answers, read as bits, are the number of its cell, and each
 * cell has a row of weights (tile coding, CMAC: Albus 1975; random ferns: Ozuysal et al. 2010). All tables have equally
 * many tests, none at first. A test is a value of a row that was learned before: rows offer values, of which a fair sample
 * stands behind the tests in use (Vitter's algorithm R). After 4, 8, 16, … rows each table takes one of them as its next
 * test. Each cell then falls into two, which begin as the one they were: no prediction changes by a bit. Once all are in
 * use, tests that ask columns of noise are exchanged (relevance.c). */
#include "learner.h"

enum { FIRST_ROWS = 4, OFFERED = 8 };
static const double MOST_NUMBERS = 1 << 22; /* of all cells of an expert, beyond which no test is taken */

/* ---- places: where the value of a test's code stands ----------------------------------------------------- */

static uint32_t hash_of(const hw_cells *c, int32_t code)
{
    return ((uint32_t)code * 2654435761u >> 7) & (uint32_t)(c->hash_size - 1);
}

static int32_t place_of(hw_cells *c, int32_t code)
{
    uint32_t at = hash_of(c, code);
    for (; c->hash[2 * at + 1] >= 0; at = (at + 1) & (uint32_t)(c->hash_size - 1))
        if (c->hash[2 * at] == code)
            return c->hash[2 * at + 1];
    c->hash[2 * at] = code;
    return c->hash[2 * at + 1] = c->places++;
}

static bool is_there(const hw_learner *l, int32_t code)
{
    return code >= 0 ? code < l->slots.count : code < -1 && -(int64_t)code - 1 < l->rows;
}

int hw_place_tests(hw_learner *l)
{
    hw_cells *c = l->cells;
    if (!c)
        return 0;
    int64_t used = (int64_t)c->used * c->tables;
    for (int64_t i = 0; i < used + c->candidates; i++)
        if (!is_there(l, c->code[i]) || !(c->threshold[i] - c->threshold[i] == 0))
            return HW_BAD_STATE;
    for (int32_t i = 0; i < c->hash_size; i++)
        c->hash[2 * i + 1] = -1;
    c->places = 0;
    for (int64_t i = 0; i < used; i++)
        c->place[i] = place_of(c, c->code[i]);
    return 0;
}

static int make(hw_learner *l)
{
    hw_cells *c = l->cells;
    if (!c)
        return 0;
    uint64_t tests = (uint64_t)hw_test_count(c), tables = (uint64_t)c->tables;
    for (c->hash_size = 16; (uint64_t)c->hash_size < 2 * tests;)
        c->hash_size *= 2;
    if (!hw_extend(&l->memory, &c->code, tests * 4) || !hw_extend(&l->memory, &c->threshold, tests * 8) ||
        !hw_extend(&l->memory, &c->place, tests * 4) || !hw_extend(&l->memory, &c->x, tests * 8) ||
        !hw_extend(&l->memory, &c->hash, (uint64_t)c->hash_size * 8) || !hw_extend(&l->memory, &c->cell, tables * 4) ||
        !hw_extend(&l->memory, &c->rows, tables * 4) || !hw_extend(&l->memory, &c->values, tables * hw_number(l)))
        return HW_NO_MEMORY;
    for (int32_t t = 0; t < c->tables; t++)
        hw_put(l, c->values, t, __builtin_sqrt(20.0 / c->tables));
    return 0;
}

/* ---- tests ----------------------------------------------------------------------------------------------- */

/* A number other than 0: what is 0 in a column that has just appeared changes nothing. */
static bool can_be_offered(double x) { return x - x == 0 && x != 0; }

/* Offer some values of the sample at hand to the candidates. */
static void offer_values(hw_learner *l)
{
    hw_cells *c = l->cells;
    int64_t first = (int64_t)c->used * c->tables, room = hw_test_count(l->cells) - first, n = 0;
    for (int64_t i = 0; i < l->entries; i++)
        n += can_be_offered(l->entry_x[i]);
    for (int64_t q = 0; q < (n < OFFERED ? n : OFFERED); q++) {
        int64_t left = (int64_t)(hw_uniform(l->random) * (double)n), i = 0;
        while (!can_be_offered(l->entry_x[i]) || left-- > 0)
            i++;
        double x = l->entry_x[i];
        c->offered += 1;
        int64_t at = c->candidates < room ? c->candidates++ : (int64_t)(hw_uniform(l->random) * (double)c->offered);
        if (at < room) {
            c->code[first + at] = l->entry_slots[i];
            c->threshold[first + at] = x;
        }
    }
}

/* A quarter of the way from a value to its column's mean (of a category's 1 to 0): both sides have been seen, also where a
 * column has but two values. */
static double threshold_at(const hw_learner *l, int32_t code, double x)
{
    double mean = code >= 0 && l->standard ? l->slots.mean[code] : 0;
    return x + 0.25 * (mean - x);
}

bool hw_is_time_for_tests(const hw_learner *l, int64_t learned) { return learned >= (int64_t)FIRST_ROWS << l->cells->used; }

bool hw_tests_fit(const hw_learner *l)
{
    const hw_cells *c = l->cells;
    double numbers = (double)c->tables * (double)(2 << c->used);
    int32_t widest = 0;
    for (int e = 0; e < l->experts; e++)
        if (l->expert[e].cells >= 0 && l->expert[e].most_lanes > widest)
            widest = l->expert[e].most_lanes;
    return numbers * widest <= MOST_NUMBERS;
}

void hw_learn_tests(hw_learner *l)
{
    hw_cells *c = l->cells;
    int64_t first = (int64_t)c->used * c->tables;
    if (c->used >= c->tests)
        return;
    offer_values(l);
    if (!hw_is_time_for_tests(l, hw_age(l)) || c->candidates < c->tables || !hw_tests_fit(l) || !hw_take_plan(l))
        return;
    for (int64_t i = first; i < first + c->tables; i++) {
        double threshold = threshold_at(l, c->code[i], c->threshold[i]);
        if (threshold - threshold == 0) /* else the column's mean is out of all measure, and the value itself stays */
            c->threshold[i] = threshold;
    }
    c->candidates -= c->tables;
    hw_place_tests(l);
}

/* ---- tests of columns that say nothing -------------------------------------------------------------------- */

/* What was learned in the cells of a table goes, and what the rules keep of it. */
static void clear_table(hw_learner *l, int32_t table)
{
    int64_t cells = (int64_t)1 << l->cells->used, first = (int64_t)table << l->cells->used;
    for (int e = 0; e < l->all; e++) {
        const hw_expert_t *x = l->expert + e;
        if (x->cells < 0)
            continue;
        const hw_op *o = l->op + x->cells;
        for (int64_t i = first * o->stride; i < (first + cells) * o->stride; i++) {
            hw_put(l, l->weights, o->weights + i, 0);
            for (int k = 0; k < x->states && o->squares < 0; k++)
                hw_put(l, l->state[k], o->weights + i, 0);
        }
        for (int64_t i = first; i < first + cells && o->squares >= 0; i++)
            for (int k = 0; k < x->states; k++)
                hw_put(l, l->state[k], o->squares + i, 0);
    }
}

/* A slot, drawn by its share of all chances; -1: there is none, or nothing of its past was kept. */
static int64_t draw_slot(hw_learner *l, double (*chance)(const hw_learner *, int64_t), double all)
{
    double left = hw_uniform(l->random) * all;
    int64_t slot = 0;
    while (slot < l->slots.count - 1 && (left -= chance(l, slot)) >= 0)
        slot++;
    return l->slots.seen[slot] >= 1 && l->slots.reservoir[slot] && chance(l, slot) > 0 ? slot : -1;
}

/* A value of some slot's past becomes test `at`, if there is one. */
static bool draw_test(hw_learner *l, double (*chance)(const hw_learner *, int64_t), double all, int64_t at)
{
    int64_t slot = draw_slot(l, chance, all);
    if (slot < 0)
        return false;
    double seen = l->slots.seen[slot], room = (double)(hw_capacity(l->slots.reservoir[slot]) / sizeof(double));
    double kept = seen < room ? seen : room, most = HW_RESERVOIR;
    int64_t place = (int64_t)(hw_uniform(l->random) * (kept < most ? kept : most));
    double threshold = threshold_at(l, (int32_t)slot, l->slots.reservoir[slot][place]);
    if (threshold - threshold != 0)
        return false;
    l->cells->code[at] = (int32_t)slot;
    l->cells->threshold[at] = threshold;
    return true;
}

void hw_exchange_tests(hw_learner *l, int32_t table, double (*chance)(const hw_learner *, int64_t))
{
    hw_cells *c = l->cells;
    double all = 0;
    bool exchanged = false;
    for (int64_t i = 0; i < l->slots.count; i++)
        all += chance(l, i);
    for (int b = 0; b < c->used && all > 0; b++) {
        int64_t at = (int64_t)b * c->tables + table;
        if (c->code[at] >= 0 && !(chance(l, c->code[at]) > 0) && draw_test(l, chance, all, at))
            exchanged = true;
    }
    if (!exchanged)
        return;
    clear_table(l, table);
    hw_place_tests(l);
}

int hw_cells_of(hw_learner *l, const int32_t **cells)
{
    hw_drop_added(l);
    *cells = NULL;
    if (!l->cells)
        return 0;
    if (hw_reserve_readings(l) < 0)
        return HW_NO_MEMORY;
    l->kernels->find_cells(l);
    *cells = l->cells->cell;
    return l->cells->tables;
}

/* ---- declaring, keeping ---------------------------------------------------------------------------------- */

static int parse(hw_learner *l, const double *all, const hw_span *own, hw_fault *fault)
{
    hw_cells *c = hw_begin_part(l, HW_PART_cells);
    (void)all, (void)fault;
    if (!c)
        return HW_NO_MEMORY;
    c->tables = (int32_t)own->at[0];
    c->tests = (int32_t)own->at[1];
    return 0;
}

static int64_t count(const hw_learner *l, int code) { return (void)code, hw_test_count(l->cells); }

static int check(hw_learner *l, hw_fault *fault)
{
    if (hw_place_tests(l) >= 0)
        return 0;
    *fault = (hw_fault){"cell_code", "known slots or categories", (double)l->sizes[HW_N_CANDIDATES]};
    return HW_BAD_STATE;
}

/* There are as many tests; some may have been exchanged for others. */
static bool descends(const hw_learner *base, const hw_learner *l)
{
    return !base->cells || l->cells->used >= base->cells->used;
}

_Static_assert(HW_D_TESTS == HW_D_TABLES + 1, "numbers of cells stand side by side at the head of a declaration");

const hw_part hw_part_cells = {.tag = 1,
                               .in_fleet = true,
                               .merges = true,
                               .parse = parse,
                               .count = count,
                               .make = make,
                               .check = check,
                               .descends = HW_MERGING(descends)};
