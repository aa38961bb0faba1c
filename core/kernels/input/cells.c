/* The cells that a sample lies in: one of each table (core/parts/pool/cells.c). */
#ifndef HW_CELLS_C
#define HW_CELLS_C

#include "input.c"

/* An outlier is taken for its column's mean, as read_entry takes it. */
static inline double without_outlier(const hw_learner *l, int32_t code, double x)
{
    if (code < 0 || !l->standard)
        return x;
    double mean = l->slots.mean[code], variance = l->slots.variance[code], d = x - mean;
    bool outlier = l->slots.seen[code] + 1 > SETTLED && variance > 0 && d * d > OUTLIER * OUTLIER * variance;
    return outlier ? mean : x;
}

/* To be called before read_entries, which moves the statistics. Value > threshold for all tests; what a sample doesn't have
 * is above no threshold. */
static void find_cells(hw_learner *l)
{
    hw_cells *c = l->cells;
    if (!c)
        return;
    int32_t tables = c->tables, used = c->used, mask = c->hash_size - 1;
    double *restrict x = c->x;
    int32_t *restrict cell = c->cell;
    for (int32_t i = 0; i < c->places; i++)
        x[i] = -__builtin_inf();
    for (int64_t i = 0; used && i < l->entries; i++) {
        int32_t code = l->entry_slots[i], at = (int32_t)((uint32_t)code * 2654435761u >> 7) & mask;
        while (c->hash[2 * at + 1] >= 0 && c->hash[2 * at] != code)
            at = (at + 1) & mask;
        int32_t place = c->hash[2 * at + 1];
        if (place >= 0 && l->entry_x[i] - l->entry_x[i] == 0)
            x[place] = without_outlier(l, code, l->entry_x[i]);
    }
    for (int32_t t = 0; t < tables; t++)
        cell[t] = 0;
    for (int32_t b = 0; b < used; b++) {
        const int32_t *restrict place = c->place + (int64_t)b * tables;
        const double *restrict threshold = c->threshold + (int64_t)b * tables;
        for (int32_t t = 0; t < tables; t++)
            cell[t] |= (x[place[t]] > threshold[t]) << b;
    }
    for (int32_t t = 0; t < tables; t++)
        c->rows[t] = t << used | cell[t];
}

#endif
