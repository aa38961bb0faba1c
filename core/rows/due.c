/* What falls due when a sample is learned, and needs memory: knots that move and spline bases that are appended, the next
 * tests of cell tables, experts that begin anew. All of it is foreseen and its memory taken before the sample is learned.
 * So a sample is learned whole or not at all, and whoever was refused memory may offer it again. */
#include "learner.h"

/* Room in a slot's reservoir for the values up to the one numbered t. */
static int reserve_reservoir(hw_learner *l, int32_t slot, int64_t t)
{
    int64_t needed = t < HW_RESERVOIR ? t : HW_RESERVOIR;
    double **past = l->slots.reservoir + slot;
    if ((int64_t)(hw_capacity(*past) / sizeof(double)) >= needed)
        return 0;
    int64_t room = needed <= 8 ? 8 : 2 * (needed - 1) < HW_RESERVOIR ? 2 * (needed - 1) : HW_RESERVOIR;
    return hw_extend(&l->memory, past, (uint64_t)room * sizeof(double)) ? 0 : HW_NO_MEMORY;
}

/* Value t of a slot is about to come. After 16, 32, 64, … of them its knots move (update_reservoir). */
static int foresee_value(hw_learner *l, int32_t slot, int64_t t, hw_due *due)
{
    int32_t basis = l->slots.basis[slot];
    if (t <= HW_RESERVOIR && reserve_reservoir(l, slot, t) < 0)
        return HW_NO_MEMORY;
    if (t < HW_FIRST_KNOTS || (t & (t - 1)) != 0)
        return 0;
    due->bases += basis == 0;
    if (basis <= 0)
        return 0;
    due->first = due->curves == 0 || basis < due->first ? basis : due->first;
    due->last = basis > due->last ? basis : due->last;
    due->curves += 1;
    return 0;
}

int hw_foresee(hw_learner *l, const int32_t *slots, int64_t count, hw_due *due)
{
    double *seen = l->slots.seen, *before = l->staging + 3 * count; /* behind what predicting has left there */
    int64_t i = 0;
    int status = 0;
    due->values += count;
    if (!l->knots)
        return 0;
    for (; i < count && status >= 0;
         i++) /* counted as learning will, since names that share a slot may follow each other */
        if (slots[i] >= 0) {
            before[i] = seen[slots[i]];
            seen[slots[i]] += 1;
            status = foresee_value(l, slots[i], (int64_t)seen[slots[i]], due);
        }
    while (i-- > 0)
        if (slots[i] >= 0)
            seen[slots[i]] = before[i];
    return status;
}

/* Rows of the table for the spline bases; those to share too, where it would be full. */
static int reserve_bases(hw_learner *l, int64_t bases)
{
    int64_t rows = l->rows + bases * l->knots;
    if (!bases || l->shared_from)
        return 0;
    bool full = rows > l->max_rows - hw_to_share(l);
    int status = full ? hw_reserve_shared(l) : 0;
    return status < 0 ? status : hw_reserve_rows(l, rows + full * hw_to_share(l));
}

int hw_reserve_tests(hw_learner *l, int64_t learned, int64_t values)
{
    const hw_cells *c = l->cells;
    bool may = c && c->used < c->tests && hw_is_time_for_tests(l, learned) && c->candidates + values >= c->tables &&
               hw_tests_fit(l);
    return may ? hw_plan_cells(l, c->used + 1) : 0;
}

int hw_reserve_due(hw_learner *l, const hw_due *due, int64_t pairs)
{
    int status = reserve_bases(l, due->bases);
    if (status >= 0 && due->curves && l->ring)
        status = hw_reserve_moves(l, due, pairs);
    if (status >= 0)
        status = hw_reserve_tests(l, hw_age(l) + 1, due->values);
    return status < 0 ? status : hw_reserve_matrices(l);
}

void hw_count_shared(hw_learner *l)
{
    l->shared_names += l->sharing;
    l->sharing = 0;
}

void hw_append_due(hw_learner *l)
{
    if (l->curves && l->curves->due_count)
        hw_move_due_knots(l);
    if (l->cells)
        hw_learn_tests(l);
    hw_drop_plan(l);
}
