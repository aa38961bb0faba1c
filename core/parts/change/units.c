/* Changes of units: a column, or the answer, is from some row on told in other units (a thousand times as large, minutes in
 * place of hours, degrees of another scale). What was learned is then right, but read wrongly.
 *
 * Blocks of 16 rows are compared with what a column was before them. Where one is far off and predictions got worse, there
 * are two readings of each row: as it came, and rescaled to the mean and deviation that the column had. Both predict, and
 * the losses say which is right. While they compete, the better one speaks and is learned from; if the rescaled one stays
 * ahead, the column's statistics, knots and tests are moved to the new unit: from then on nothing is rescaled. The rules
 * stand in headwater/plain/inputs/units.py, what was tried in benchmarks/NOTES.md. */
#include "learner.h"

static const int BLOCK = 8, YOUNG = 500;
static const double AWAY = 0.5, AWAY_BY_CHANCE = 4; /* an alarm: 0.5 + 4 / √n deviations from the mean, */
static const double TIMES = 1.5, TIMES_BY_CHANCE = 8;
static const double UNUSUAL = 1.3, FADES = 0.999;     /* and 1.3 times what is usual for this column */
static const double LOSS_FADES = 0.02;                /* weight of a block in the usual loss */
static const double CREDIT = 400, EARNED = 0.05;      /* comparisons: at most 1 of 20 rows in the long run */
static const double FIRST = 100, STRONG = 3, FAR = 3; /* credit that an alarm needs, unless it is so strong */
static const double SURE = 100, LONGEST = 200,
                    IN_VAIN = 50; /* rows until a change is taken; at most; without one that is off */
static const double LARGEST = 1e30, FARTHEST = 1e40;

/* How much the rescaled reading must save: a sum of losses, and how many times what it loses. */
typedef struct demand {
    double gain, times;
} demand;
typedef struct demands {
    demand to_speak, to_take;
} demands;
static const demands UNLIKELY = {{6, 1.4}, {15, 1.4}}, LIKELY = {{2, 1.15}, {10, 1.15}}, OF_ANSWERS = {{6, 1.15}, {40, 2}};
static const demands OF_ANSWERS_LATER = {{6, 1.8},
                                         {40, 2}}; /* by now answers in another unit would be predicted well: those */
static const double LATER = 16;                    /* of a road that is closed for a day are not */
static const double REFUTED = -5;

static double most(double a, double b) { return a > b ? a : b; }
static double least(double a, double b) { return a < b ? a : b; }
static double size(double x) { return x < 0 ? -x : x; }
static double within(double x, double low, double high) { return x < low ? low : x > high ? high : x; }
static double root(double x) { return __builtin_sqrt(most(x, 0)); }

static int64_t slots_watched(const hw_learner *l)
{
    int64_t room = (int64_t)(hw_capacity(l->units->of) / (HW_UNIT * sizeof(double))) - 1;
    int64_t count = l->slots.count < HW_MOST_UNITS ? l->slots.count : HW_MOST_UNITS;
    return count < room ? count : room;
}

/* ---- what a column is now ---------------------------------------------------------------------------------- */

typedef struct moments {
    double mean, variance, seen;
} moments;

static moments moments_of(const hw_learner *l, int64_t slot)
{
    const double *u = l->units->numbers;
    if (slot < 0)
        return (moments){u[HW_U_ANSWER_MEAN], u[HW_U_ANSWER_VARIANCE], u[HW_U_ANSWER_SEEN]};
    return (moments){l->slots.mean[slot], l->slots.variance[slot], l->slots.seen[slot]};
}

/* The answers' own moments: what a learner with label history standardises is something else. */
static void count_answer(double *u, double y)
{
    double t = u[HW_U_ANSWER_SEEN] + 1, a = most(1 / t, 1e-3), bound = 10 * root(u[HW_U_ANSWER_VARIANCE]);
    double d = y - u[HW_U_ANSWER_MEAN];
    if (t > 10 && bound > 0)
        d = within(d, -bound, bound);
    u[HW_U_ANSWER_MEAN] += a * d;
    u[HW_U_ANSWER_VARIANCE] = (1 - a) * (u[HW_U_ANSWER_VARIANCE] + a * d * d);
    u[HW_U_ANSWER_SEEN] = t;
}

static void add_number(double *of, bool competing, double x)
{
    double d = within(x - of[competing ? HW_UNIT_REFERENCE : HW_UNIT_MEAN], -FARTHEST, FARTHEST);
    of[HW_UNIT_ROWS] += 1;
    of[HW_UNIT_SUM] += d;
    of[HW_UNIT_SQUARE] += d * d;
}

static void add_row(hw_learner *l, double y)
{
    hw_units_t *u = l->units;
    bool competing = u->numbers[HW_U_COMPETING] != 0;
    const double *x = u->taken ? u->raw : l->entry_x;
    int64_t count = slots_watched(l);
    for (int64_t i = l->added; i < l->entries; i++) {
        int32_t slot = l->entry_slots[i];
        if (slot >= l->answer_inputs && slot < count && size(x[i]) <= LARGEST) /* not where x is NaN */
            add_number(hw_unit_of(u, slot), competing, x[i]);
    }
    if (!l->targets || !(size(y) <= LARGEST))
        return;
    add_number(hw_unit_of(u, -1), competing, y);
    if (!competing)
        count_answer(u->numbers, y);
}

static void clear_sums(hw_learner *l)
{
    for (int64_t slot = -1; slot < slots_watched(l); slot++) {
        double *of = hw_unit_of(l->units, slot);
        of[HW_UNIT_ROWS] = of[HW_UNIT_SUM] = of[HW_UNIT_SQUARE] = 0;
    }
    l->units->numbers[HW_U_ROWS] = 0;
}

/* Mean and deviation of the rows summed up, and of the reference; false where either says nothing. */
typedef struct pair_of_moments {
    double n, mean, deviation, before, deviation_before;
} pair_of_moments;

static bool compare(const double *of, double from, double rows, pair_of_moments *p)
{
    double n = of[HW_UNIT_ROWS], d = n > 0 ? of[HW_UNIT_SUM] / n : 0, before = of[HW_UNIT_REFERENCE];
    double deviation = root(of[HW_UNIT_REFERENCE_VARIANCE]);
    *p = (pair_of_moments){n, from + d, root(of[HW_UNIT_SQUARE] / most(n, 1) - d * d), before, deviation};
    return n >= rows && deviation > 1e-10 * size(before) && deviation > 1e-150;
}

static double ratio_of(const pair_of_moments *p)
{
    if (!(p->deviation > 0))
        return 0;
    return most(p->deviation / p->deviation_before, p->deviation_before / p->deviation);
}

/* ---- an alarm ---------------------------------------------------------------------------------------------- */

/* How far rows lie off, in units of what would be an alarm if they were n. */
static double far_from(const pair_of_moments *p, double n)
{
    double chance = 1 / root(n), away = size(p->mean - p->before) / p->deviation_before;
    return most(away / (AWAY + AWAY_BY_CHANCE * chance), ratio_of(p) / (TIMES + TIMES_BY_CHANCE * chance));
}

/* How far the block lies off, in units of what would be an alarm for any column. */
static double how_far(const hw_learner *l, int64_t slot)
{
    const double *of = hw_unit_of(l->units, slot);
    pair_of_moments p;
    if (!compare(of, of[HW_UNIT_MEAN], BLOCK / 2, &p) || moments_of(l, slot).seen < YOUNG)
        return 0;
    return far_from(&p, p.n);
}

/* Whether predictions in this block were worse than usual. */
static bool is_worse(double *u)
{
    if (!(u[HW_U_BLOCK_ROWS] > 0)) /* answers come late: nothing is known */
        return true;
    double loss = u[HW_U_BLOCK_LOSS] / u[HW_U_BLOCK_ROWS], spread = root(u[HW_U_LOSS_SPREAD]);
    bool worse = u[HW_U_BLOCKS] > 0 && loss > u[HW_U_USUAL_LOSS] + spread;
    u[HW_U_BLOCKS] += 1;
    double rate = most(1 / u[HW_U_BLOCKS], LOSS_FADES);
    double g = u[HW_U_BLOCKS] == 1 ? loss : least(loss, u[HW_U_USUAL_LOSS] + 3 * spread + 0.1) - u[HW_U_USUAL_LOSS];
    u[HW_U_USUAL_LOSS] += u[HW_U_BLOCKS] == 1 ? loss : rate * g;
    u[HW_U_LOSS_SPREAD] = u[HW_U_BLOCKS] == 1 ? 0 : (1 - rate) * (u[HW_U_LOSS_SPREAD] + rate * g * g);
    return worse;
}

/* Answers from before are known in the unit in which answers are read. */
static void rescale_history(hw_learner *l, double times)
{
    for (int i = 0; l->answer_inputs && times != 1 && i < HW_PAST_MEAN - HW_PAST_LAST; i++)
        l->label_history[HW_PAST_LAST + i] = within(times * l->label_history[HW_PAST_LAST + i], -LARGEST, LARGEST);
}

/* Read nothing in another way, with what columns were before the block that gave the alarm. */
static void go_on(hw_learner *l)
{
    double *u = l->units->numbers;
    u[HW_U_COMPETING] = u[HW_U_SPEAKS] = u[HW_U_BLOCK_LOSS] = u[HW_U_BLOCK_ROWS] = 0;
    clear_sums(l);
}

static void begin_competition(hw_learner *l)
{
    double *u = l->units->numbers;
    u[HW_U_COMPETING] = 1;
    u[HW_U_GAIN] = u[HW_U_LOSS] = u[HW_U_LOSS_READ] = u[HW_U_LIKELY] = 0;
    u[HW_U_SINCE] = (double)(l->learned > BLOCK ? l->learned - BLOCK : 0);
    for (int64_t slot = -1; slot < slots_watched(l); slot++) {
        double *of = hw_unit_of(l->units, slot);
        of[HW_UNIT_SCALE] = 1;
        of[HW_UNIT_SHIFT] = 0;
    }
    clear_sums(l);
}

static void end_block(hw_learner *l)
{
    double *u = l->units->numbers;
    bool worse = is_worse(u), alarm = false, strong = u[HW_U_CREDIT] >= FIRST, small = false;
    int64_t count = slots_watched(l);
    for (int64_t slot = -1; slot < count; slot++) {
        double *of = hw_unit_of(l->units, slot), far = how_far(l, slot), usual = of[HW_UNIT_USUAL];
        bool off = far > most(1, UNUSUAL * usual);
        if (slot < 0) {
            u[HW_U_ANSWER_ALARM] = off;
            small = far > FAR * most(1, usual); /* answers that became small cost little, read wrongly */
        }
        alarm |= off;
        strong |= off && far > STRONG * most(1, usual);
        of[HW_UNIT_USUAL] = off && (worse || (slot < 0 && small)) ? usual : most(usual * FADES, least(far, LARGEST));
    }
    u[HW_U_BLOCK_LOSS] = u[HW_U_BLOCK_ROWS] = 0;
    if ((worse || small) && alarm && strong && !l->late) { /* losses of late labels say too little of how a row is read */
        begin_competition(l);
        return;
    }
    for (int64_t slot = -1; slot < count; slot++) {
        double *of = hw_unit_of(l->units, slot);
        moments now = moments_of(l, slot);
        of[HW_UNIT_REFERENCE] = of[HW_UNIT_MEAN];
        of[HW_UNIT_REFERENCE_VARIANCE] = of[HW_UNIT_VARIANCE];
        of[HW_UNIT_MEAN] = now.mean;
        of[HW_UNIT_VARIANCE] = now.variance;
    }
    clear_sums(l);
}

/* ---- how columns would be read ----------------------------------------------------------------------------- */

/* What units of one quantity differ by, and their inverses. */
enum { FACTORS_KNOWN = 8 };
static const double FACTORS[FACTORS_KNOWN] = {10, 100, 1e3, 1e4, 1e6, 1e9, 60, 3600};

static double factor_at(int i) { return i & 1 ? 1 / FACTORS[i / 2] : FACTORS[i / 2]; }

/* A factor that explains both mean and deviation, without a shift; 0: none. */
static double known_factor(const pair_of_moments *p)
{
    double chance = 3 / root(p->n), found = 0, nearest = 2;
    for (int i = 0; i < 2 * FACTORS_KNOWN; i++) {
        double f = factor_at(i), times = f * p->deviation / p->deviation_before;
        double away = size(f * p->mean - p->before) / p->deviation_before / chance;
        double far = away + (most(times, 1 / times) - 1) / chance;
        if (away < 1 && times < 1 + chance && times > 1 / (1 + chance) && far < nearest) {
            found = f;
            nearest = far;
        }
    }
    return found;
}

/* Set how a column would be read; says whether it is off, and by a known factor (2). */
static int rescale(double *of)
{
    pair_of_moments p;
    of[HW_UNIT_SCALE] = 1;
    of[HW_UNIT_SHIFT] = 0;
    if (!compare(of, of[HW_UNIT_REFERENCE], 1, &p))
        return 0;
    double chance = 1 / root(p.n), away = size(p.mean - p.before) / p.deviation_before;
    bool wider = ratio_of(&p) > most(1.35, 1 + 4 * chance);
    if (!wider && !(away > most(0.35, 3 * chance)))
        return 0;
    double factor = known_factor(&p);
    of[HW_UNIT_SCALE] = factor > 0 ? factor : wider ? p.deviation_before / p.deviation : 1;
    of[HW_UNIT_SHIFT] = factor > 0 ? 0 : p.before - of[HW_UNIT_SCALE] * p.mean;
    return factor > 0 ? 2 : 1;
}

/* Of answers the level is what is learned, so only factors count: the one that brings them nearest to the size they had. */
static int64_t rescale_answer(hw_learner *l)
{
    double *of = hw_unit_of(l->units, -1), nearest = 4;
    pair_of_moments p;
    l->units->numbers[HW_U_LIKELY] = 0;
    of[HW_UNIT_SCALE] = 1;
    if (!compare(of, of[HW_UNIT_REFERENCE], 1, &p))
        return 0;
    double now = root(p.mean * p.mean + p.deviation * p.deviation);
    double before = root(p.before * p.before + p.deviation_before * p.deviation_before);
    for (int i = 0; now > 0 && i < 2 * FACTORS_KNOWN; i++) {
        double times = factor_at(i) * now / before, far = most(times, 1 / times);
        if (far < nearest) {
            nearest = far;
            of[HW_UNIT_SCALE] = factor_at(i);
        }
    }
    return of[HW_UNIT_SCALE] != 1;
}

/* Set how all columns would be read; how many are off. */
static int64_t rescale_all(hw_learner *l)
{
    double *u = l->units->numbers;
    if (u[HW_U_ANSWER_ALARM] != 0) /* alone: columns go up and down with it */
        return rescale_answer(l);
    int64_t off = 0, known = 0, moving = 0;
    for (int64_t slot = 0; slot < slots_watched(l); slot++) {
        double *of = hw_unit_of(l->units, slot);
        int found = rescale(of);
        off += found > 0;
        known += found > 1;
        moving += of[HW_UNIT_ROWS] > 0 && of[HW_UNIT_REFERENCE_VARIANCE] > 0;
    }
    u[HW_U_LIKELY] = 2 * known >= off || (off >= 4 && 4 * off >= 3 * moving);
    return off;
}

/* ---- the decision ------------------------------------------------------------------------------------------ */

static const demands *demands_of(const double *u)
{
    if (u[HW_U_ANSWER_ALARM] != 0)
        return u[HW_U_ROWS] < LATER ? &OF_ANSWERS : &OF_ANSWERS_LATER;
    return u[HW_U_LIKELY] != 0 ? &LIKELY : &UNLIKELY;
}

static bool saves(const double *u, demand least)
{
    return u[HW_U_GAIN] > least.gain && u[HW_U_LOSS] >= least.times * u[HW_U_LOSS_READ];
}

/* Samples kept for replay that were read wrongly give way to older ones. */
static void replace_samples(hw_learner *l, int64_t wrong)
{
    hw_replay_t *r = l->replay;
    int64_t kept = r ? hw_kept_samples(l) : 0;
    for (int64_t q = 1; q <= wrong && q + wrong <= kept; q++) {
        int64_t to = (r->added - q) % l->ring, from = (r->added - q - wrong) % l->ring;
        r->start[to] = r->start[from];
        r->count[to] = r->count[from];
        r->y[to] = r->y[from];
        r->w[to] = r->w[from];
    }
}

/* Whether a column can be told in the unit in which scale x + shift is what it was. */
static bool can_change(const double *of)
{
    double a = of[HW_UNIT_SCALE], b = of[HW_UNIT_SHIFT];
    return a > 1e-12 && a < 1e12 && size(b) < LARGEST && size((of[HW_UNIT_REFERENCE] - b) / a) < LARGEST &&
           root(of[HW_UNIT_REFERENCE_VARIANCE]) / a < LARGEST;
}

static void change_numbers(double *x, int64_t count, double a, double b)
{
    for (int64_t i = 0; i < count; i++)
        x[i] = within((x[i] - b) / a, -LARGEST, LARGEST);
}

/* Statistics, knots, past and tests of a column. */
static void change_slot(hw_learner *l, int32_t slot, const double *of)
{
    double a = of[HW_UNIT_SCALE], b = of[HW_UNIT_SHIFT];
    hw_slots *s = &l->slots;
    hw_cells *c = l->cells;
    if (slot >= l->answer_inputs) {
        s->mean[slot] = of[HW_UNIT_REFERENCE];
        s->variance[slot] = of[HW_UNIT_REFERENCE_VARIANCE];
    }
    change_numbers(s->mean + slot, 1, a, b);
    s->variance[slot] /= a * a;
    if (l->knots)
        change_numbers(s->knots + (int64_t)slot * l->knots, s->knot_count[slot], a, b);
    change_numbers(s->reservoir[slot], (int64_t)(hw_capacity(s->reservoir[slot]) / sizeof(double)), a, b);
    for (int64_t i = 0; c && i < (int64_t)c->used * c->tables + c->candidates; i++)
        if (c->code[i] == slot)
            change_numbers(c->threshold + i, 1, a, b);
}

static void change_answer(hw_learner *l, const double *of)
{
    double a = of[HW_UNIT_SCALE], b = of[HW_UNIT_SHIFT], *u = l->units->numbers, *past = l->label_history;
    u[HW_U_ANSWER_MEAN] = of[HW_UNIT_REFERENCE];
    u[HW_U_ANSWER_VARIANCE] = of[HW_UNIT_REFERENCE_VARIANCE];
    change_numbers(u + HW_U_ANSWER_MEAN, 1, a, b);
    u[HW_U_ANSWER_VARIANCE] /= a * a;
    change_numbers(l->answers, 1, a, l->answer_inputs ? 0 : b);
    if (l->succession)
        l->succession->rescaled = a;
    l->answers[1] /= a * a;
    if (!l->answer_inputs)
        return;
    change_numbers(past + HW_PAST_LAST, HW_PAST_MEAN - HW_PAST_LAST + 1, a, b);
    past[HW_PAST_SPREAD] /= a * a;
    past[HW_PAST_PRODUCT] /= a * a;
    past[HW_PAST_MISS] /= a;
    for (int32_t slot = 0; slot < l->answer_inputs; slot++)
        change_slot(l, slot, of);
}

static bool is_rescaled(const double *of)
{
    return of[HW_UNIT_SCALE] > 0 && (of[HW_UNIT_SCALE] != 1 || of[HW_UNIT_SHIFT] != 0);
}

/* From now on the new units are the columns' own. */
static void change_units(hw_learner *l)
{
    double *u = l->units->numbers;
    for (int64_t slot = -1; slot < slots_watched(l); slot++) {
        double *of = hw_unit_of(l->units, slot);
        of[HW_UNIT_USUAL] = least(of[HW_UNIT_USUAL], 1);
        if (is_rescaled(of)) {
            if (slot < 0)
                change_answer(l, of);
            else
                change_slot(l, (int32_t)slot, of);
            of[HW_UNIT_CHANGED] = u[HW_U_SINCE];
            of[HW_UNIT_CHANGED_BY] = of[HW_UNIT_SCALE];
            of[HW_UNIT_CHANGED_SHIFT] = of[HW_UNIT_SHIFT];
        }
        of[HW_UNIT_VARIANCE] = of[HW_UNIT_REFERENCE_VARIANCE] = 0; /* not known: two blocks must pass */
        of[HW_UNIT_MEAN] = moments_of(l, slot).mean;
    }
    replace_samples(l, l->learned - (int64_t)u[HW_U_SINCE]);
    u[HW_U_CHANGES] += 1;
    u[HW_U_SPEAKS] = 0; /* what is known of answers is in the new unit already */
    l->predicted_count = -1;
    go_on(l);
}

static bool can_change_all(const hw_learner *l)
{
    bool can = true;
    for (int64_t slot = -1; slot < slots_watched(l); slot++) {
        const double *of = hw_unit_of(l->units, slot);
        can = can && (!is_rescaled(of) || can_change(of));
    }
    return can;
}

/* It was no change: columns that looked as if they had one usually do. */
static void refute(hw_learner *l)
{
    for (int64_t slot = -1; slot < slots_watched(l); slot++) {
        double *of = hw_unit_of(l->units, slot);
        if (is_rescaled(of))
            of[HW_UNIT_USUAL] = most(of[HW_UNIT_USUAL], 1);
        of[HW_UNIT_MEAN] = of[HW_UNIT_REFERENCE];
        of[HW_UNIT_VARIANCE] = of[HW_UNIT_REFERENCE_VARIANCE];
    }
    go_on(l);
}

static void count_losses(double *u, double loss, double other)
{
    double raw = u[HW_U_SPEAKS] != 0 ? other : loss, rescaled = u[HW_U_SPEAKS] != 0 ? loss : other;
    u[HW_U_GAIN] += within(raw - rescaled, -2, 2);
    u[HW_U_LOSS] += raw;
    u[HW_U_LOSS_READ] += rescaled;
    u[HW_U_CREDIT] -= 1;
}

static double scale_of_answers(const hw_learner *l)
{
    return l->units->numbers[HW_U_SPEAKS] != 0 ? hw_unit_of(l->units, -1)[HW_UNIT_SCALE] : 1;
}

static void compete(hw_learner *l, double loss)
{
    double *u = l->units->numbers, other = l->units->other, before = scale_of_answers(l);
    if (other >= 0 && loss >= 0)
        count_losses(u, loss, other);
    if (u[HW_U_ROWS] < HW_FIRST_READ && u[HW_U_ANSWER_ALARM] == 0)
        return;
    int64_t off = rescale_all(l);
    if (u[HW_U_GAIN] < REFUTED || u[HW_U_ROWS] >= LONGEST || (!off && u[HW_U_ROWS] >= IN_VAIN)) {
        rescale_history(l, 1 / before);
        refute(l);
        return;
    }
    u[HW_U_SPEAKS] = saves(u, demands_of(u)->to_speak);
    rescale_history(l, scale_of_answers(l) / before);
    if (u[HW_U_SPEAKS] != 0 && u[HW_U_ROWS] >= SURE && saves(u, demands_of(u)->to_take) && can_change_all(l))
        change_units(l);
}

void hw_watch_units(hw_learner *l, double y, double loss)
{
    double *u = l->units->numbers;
    add_row(l, y);
    u[HW_U_ROWS] += 1;
    u[HW_U_CREDIT] = least(u[HW_U_CREDIT] + EARNED, CREDIT);
    if (HW_WHOLE && u[HW_U_COMPETING] != 0) {
        compete(l, loss);
        return;
    }
    if (loss >= 0) {
        u[HW_U_BLOCK_LOSS] += loss;
        u[HW_U_BLOCK_ROWS] += 1;
    }
    if (u[HW_U_ROWS] >= BLOCK)
        end_block(l);
}

/* ---- the part ---------------------------------------------------------------------------------------------- */

/* A learner of its own whose experts are mixed: it reads numbers that it standardises, and has labels. */
static bool suits(const hw_learner *l)
{
    return l->growing && l->standard && (l->mixture == HW_CLASSES || l->mixture == HW_NUMBERS) && !l->recurrent &&
           !l->forecast && !l->bandit && !l->agent && l->outputs >= 1;
}

static int make_rows(hw_learner *l, int64_t slots)
{
    slots = slots < HW_MOST_UNITS ? slots : HW_MOST_UNITS;
    return hw_extend(&l->memory, &l->units->of, (uint64_t)(1 + slots) * HW_UNIT * sizeof(double)) ? 0 : HW_NO_MEMORY;
}

static int make(hw_learner *l)
{
    if (!l->units)
        return 0;
    if (!hw_extend(&l->memory, &l->units->numbers, HW_U_NUMBERS * sizeof(double)))
        return HW_NO_MEMORY;
    l->units->numbers[HW_U_CREDIT] = CREDIT;
    return make_rows(l, l->sizes[HW_N_SLOTS]);
}

int hw_reserve_readings(hw_learner *l)
{
    if (!l->units || l->units->numbers[HW_U_COMPETING] == 0)
        return 0;
    return hw_extend(&l->memory, &l->units->raw, (uint64_t)l->entries * sizeof(double) + 8) ? 0 : HW_NO_MEMORY;
}

static int reserve(hw_learner *l, int64_t pairs)
{
    (void)pairs;
    int status = make_rows(l, l->slots.count);
    return status < 0 ? status : hw_reserve_readings(l);
}

static int pack(hw_learner *l) { return make_rows(l, l->slots.count); }

/* Whether units are followed is said by the array alone. */
static int read(hw_learner *l, const hw_array *first, hw_fault *fault)
{
    if (!first->shape[0])
        return 0;
    SAVED(suits(l), "units", "none of such a learner", first->shape[0]);
    return hw_begin_part(l, HW_PART_units) ? 0 : HW_NO_MEMORY;
}

static int64_t count(const hw_learner *l, int code)
{
    (void)code;
    int64_t slots = l->sizes[HW_N_SLOTS] < HW_MOST_UNITS ? l->sizes[HW_N_SLOTS] : HW_MOST_UNITS;
    return 1 + slots;
}

static int check(hw_learner *l, hw_fault *fault)
{
    static const int counts[] = {HW_U_ROWS,        HW_U_SINCE,   HW_U_BLOCK_ROWS, HW_U_BLOCKS,
                                 HW_U_ANSWER_SEEN, HW_U_CHANGES, HW_U_FAR_ROWS};
    static const int switches[] = {HW_U_COMPETING, HW_U_SPEAKS, HW_U_LIKELY, HW_U_ANSWER_ALARM};
    const double *u = l->units->numbers;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        SAVED(hw_countable(u[counts[i]]), "units", "counts", u[counts[i]]);
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
        SAVED(u[switches[i]] == 0 || u[switches[i]] == 1, "units", "switches of 0 or 1", u[switches[i]]);
    SAVED(u[HW_U_SPEAKS] <= u[HW_U_COMPETING], "units", "a reading that competes, if it speaks", u[HW_U_SPEAKS]);
    for (int64_t slot = -1; slot < count(l, HW_U_ROWS_OF) - 1; slot++) {
        const double *of = hw_unit_of(l->units, slot);
        SAVED(hw_countable(of[HW_UNIT_ROWS]), "unit_slots", "counts", of[HW_UNIT_ROWS]);
        SAVED(hw_countable(of[HW_UNIT_CHANGED]) && of[HW_UNIT_CHANGED_BY] >= 0, "unit_slots", "rows and scales of changes",
              of[HW_UNIT_CHANGED]);
        SAVED(of[HW_UNIT_SCALE] >= 0 && (slot >= 0 || u[HW_U_COMPETING] == 0 || of[HW_UNIT_SCALE] > 0), "unit_slots",
              "scales of 0 or more", of[HW_UNIT_SCALE]);
    }
    return 0;
}

const hw_part hw_part_units = {.alone = true,
                               .in_fleet = true,
                               .merges = true,
                               .suits = HW_LEARNS ? suits : NULL,
                               .read = read,
                               .count = count,
                               .make = make,
                               .check = check,
                               .pack = HW_LEARNS ? pack : NULL,
                               .reserve = HW_LEARNS ? reserve : NULL};
