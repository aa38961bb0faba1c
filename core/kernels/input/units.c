/* Two readings of a sample: as it came, and rescaled (core/parts/change/units.c). */
#ifndef HW_UNITS_C
#define HW_UNITS_C

#include "../output/mixture.c"
#include "cells.c"

static const double HELD = 24, HELD_AFTER = 500; /* rows */
static const double LARGEST_UNIT_LOSS = 9;       /* a prediction costs at most so much: nats, or usual errors */

static inline bool speaks_rescaled(const hw_learner *l)
{
    return HW_WHOLE && l->units && l->units->numbers[HW_U_SPEAKS] != 0;
}

/* Rescale the numbers of the sample at hand; they can be put back. */
static void rescale_entries(hw_learner *l)
{
    hw_units_t *u = l->units;
    int64_t count = (int64_t)(hw_capacity(u->of) / (HW_UNIT * sizeof(double))) - 1;
    memcpy(u->raw, l->entry_x, (size_t)l->entries * sizeof(double));
    for (int64_t i = l->added; i < l->entries; i++) {
        int32_t slot = l->entry_slots[i];
        const double *of = slot >= l->answer_inputs && slot < count ? hw_unit_of(u, slot) : NULL;
        if (of && of[HW_UNIT_SCALE] > 0)
            l->entry_x[i] = of[HW_UNIT_SCALE] * l->entry_x[i] + of[HW_UNIT_SHIFT];
    }
    u->taken = true;
}

static void put_back(hw_learner *l)
{
    if (!HW_WHOLE)
        return;
    if (l->units && l->units->taken)
        memcpy(l->entry_x, l->units->raw, (size_t)l->entries * sizeof(double));
    if (l->units)
        l->units->taken = false;
}

/* Read the sample at hand as the reading that speaks does. */
static inline void take_reading(hw_learner *l)
{
    if (speaks_rescaled(l))
        rescale_entries(l);
}

/* An answer as the reading that speaks has it, and the other way round. */
static inline double as_read(const hw_learner *l, double y)
{
    const double *of = speaks_rescaled(l) ? hw_unit_of(l->units, -1) : NULL;
    return of ? of[HW_UNIT_SCALE] * y + of[HW_UNIT_SHIFT] : y;
}

static inline double as_it_comes(const hw_learner *l, double y)
{
    const double *of = speaks_rescaled(l) ? hw_unit_of(l->units, -1) : NULL;
    return of ? (y - of[HW_UNIT_SHIFT]) / of[HW_UNIT_SCALE] : y;
}

/* The usual error, in the unit that answers had; 0: not known. */
static inline double usual_error(hw_learner *l) { return running(l, 0)[HW_ERROR] * __builtin_sqrt(l->answers[1]); }

/* What predicting p cost: nats, or usual errors; below 0 where that is not known. */
static double unit_loss(hw_learner *l, const real *p, double y)
{
    if (!l->targets)
        return (int)y < l->outputs ? least(-hw_log64(most((double)p[(int)y], 1e-9)), LARGEST_UNIT_LOSS) : -1;
    double usual = usual_error(l);
    return usual > 0 ? least(magnitude((double)p[0] - y) / usual, LARGEST_UNIT_LOSS) : -1;
}

static double loss_of_reading(hw_learner *l, const sample *s, double y)
{
    real *p = prediction_slot(l, l->all + 3);
    find_cells(l);
    read_entries(l, false);
    read_first_layer(l, s);
    predict_mixture(l, s, p);
    return unit_loss(l, p, y);
}

/* What is predicted if the answers before are rescaled, p: what is if they are not. */
static double with_answers(hw_learner *l, double p, double scale)
{
    if (!l->lag || !(l->lag->last == l->lag->last))
        return p;
    double base = l->lag->base, last = l->lag->last;
    hw_set_base(l, scale * last);
    double moved = p - base + l->lag->base;
    hw_set_base(l, last);
    return moved;
}

/* The answer y came where p was predicted, both as they are read. Reading it as it came costs errors times the factor:
 * where answers became small, so do errors. Returns what the reading that doesn't speak lost; `loss` becomes that of the
 * one that does. */
static double other_answer(hw_learner *l, double p, double y, double *loss)
{
    double usual = usual_error(l), scale = hw_unit_of(l->units, -1)[HW_UNIT_SCALE];
    bool speaks = speaks_rescaled(l);
    if (!(usual > 0) || scale == 1)
        return -1;
    double came = speaks ? y / scale : y;
    double raw = scale * magnitude(came - (speaks ? with_answers(l, p, 1 / scale) : p)) / usual;
    double rescaled = magnitude(scale * came - (speaks ? p : with_answers(l, p, scale))) / usual;
    *loss = least(speaks ? rescaled : raw, LARGEST_UNIT_LOSS);
    return least(speaks ? raw : rescaled, LARGEST_UNIT_LOSS);
}

/* What the reading that doesn't speak would have lost on the sample at hand; below 0: there is but one, or it isn't known.
 * Returns whether the sample was read so, in place of what was predicted. */
static bool compare_readings(hw_learner *l, const sample *s, double y)
{
    hw_units_t *u = l->units;
    u->other = -1;
    if (!HW_WHOLE || u->numbers[HW_U_COMPETING] == 0 || u->numbers[HW_U_ROWS] < HW_FIRST_READ ||
        u->numbers[HW_U_ANSWER_ALARM] != 0)
        return false;
    rescale_entries(l);
    if (speaks_rescaled(l))
        memcpy(l->entry_x, u->raw, (size_t)l->entries * sizeof(double));
    u->other = loss_of_reading(l, s, y);
    put_back(l);
    return true;
}

/* Of an answer that comes late: what both readings would have lost; that of the one that speaks, below 0: nothing is known.
 */
static double compare_late(hw_learner *l, const sample *s, double y)
{
    compare_readings(l, s, y);
    if (l->units->other < 0)
        return -1;
    take_reading(l);
    double loss = loss_of_reading(l, s, y);
    put_back(l);
    return loss;
}

/* What was predicted, p, cost; y and p as they come. */
static double unit_loss_given(hw_learner *l, const real *p, double y)
{
    hw_units_t *u = l->units;
    real own = l->targets ? (real)as_read(l, (double)p[0]) : 0;
    double loss = unit_loss(l, l->targets ? &own : p, as_read(l, y));
    if (HW_WHOLE && u->numbers[HW_U_COMPETING] != 0 && u->numbers[HW_U_ANSWER_ALARM] != 0)
        u->other = other_answer(l, (double)own, as_read(l, y), &loss);
    return loss;
}

/* Answers in succession that are out of all measure teach nothing until it is clear whether their unit changed: one after
 * the other they would spoil what was learned. The first is an outlier, and learned as one. */
static bool is_held(hw_learner *l, double y)
{
    double *u = l->units->numbers, d = y - u[HW_U_ANSWER_MEAN];
    bool far = l->targets && u[HW_U_ANSWER_SEEN] > HELD_AFTER && d * d > BOUND * BOUND * u[HW_U_ANSWER_VARIANCE];
    u[HW_U_FAR_ROWS] = far && !speaks_rescaled(l) ? u[HW_U_FAR_ROWS] + 1 : 0;
    return u[HW_U_FAR_ROWS] > 1 && u[HW_U_FAR_ROWS] <= HELD;
}

/* After the sample at hand was learned: y as it came, and what predicting it cost. */
static void watch_units(hw_learner *l, double y, double loss)
{
    hw_watch_units(l, y, loss);
    if (!speaks_rescaled(l))
        put_back(l);
}

#endif
