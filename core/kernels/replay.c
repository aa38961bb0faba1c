/* Replay: experts learn some of the last samples again, drawn at random; and predictions that wait for late answers. */
#ifndef HW_REPLAY_C
#define HW_REPLAY_C

#include "output/coverage.c"

/* How many after row t = 1, 2, …: with few rows many, since all of them together cost little then. */
static int64_t replays_after(const hw_expert_t *x, int64_t t)
{
    int64_t first = t > HW_FIRST_ROWS ? (int64_t)x->first_replays * HW_FIRST_ROWS / t : x->first_replays;
    return first > x->replays ? first : x->replays;
}

/* Whether an expert learns old samples again: in a lean pool none does whose weight in the mixture is small. */
static bool replays(hw_learner *l, int e)
{
    double heaviest = 0;
    if (!l->lean || hw_age(l) < HW_FIRST_ROWS)
        return true;
    for (int q = 0; q < l->experts; q++)
        heaviest = most(heaviest, magnitude(running(l, q)[HW_WEIGHT]));
    return magnitude(running(l, e)[HW_WEIGHT]) >= l->lean->weight * heaviest;
}

static void replay(hw_learner *l, int e, const sample *s)
{
    const hw_expert_t *x = l->expert + e;
    int64_t replays = replays_after(x, hw_age(l) + 1);
    for (int64_t q = 0; q < replays; q++) {
        int64_t i = (int64_t)(hw_uniform(l->random) * (double)hw_kept_samples(l));
        const int32_t *rows = l->replay->rows + l->replay->start[i];
        const real *v = (const real *)l->replay->values + l->replay->start[i];
        int64_t n = l->replay->count[i];
        if (l->bandit)
            l->bandit->action = l->bandit->ring[i];
        read_table(l, s, rows, v, n, x->column, x->lanes);
        if (forward_and_link(l, e, s, true)) {
            expert_loss_and_gradient(l, e, s, l->replay->y + i, 1);
            if (!leave_out(l, e, s))
                take_step(l, e, s, rows, v, n, l->replay->w[i]);
        }
    }
}

/* Put the sample's pairs, answer and weight into the ring; there is room (hw_reserve_ring). */
static void keep_sample(hw_learner *l, double y, double weight)
{
    int64_t i = l->replay->added % l->ring, n = l->pairs;
    HW_ASSERT_INSIDE(l->replay->rows, l->replay->end, n, sizeof(int32_t));
    HW_ASSERT_INSIDE(l->replay->values, l->replay->end, n, sizeof(real));
    l->replay->start[i] = l->replay->end;
    l->replay->count[i] = n;
    l->replay->y[i] = y;
    l->replay->w[i] = weight;
    if (l->bandit)
        l->bandit->ring[i] = l->bandit->action;
    memcpy(l->replay->rows + l->replay->end, l->rows_at, (size_t)n * sizeof(int32_t));
    memcpy((real *)l->replay->values + l->replay->end, l->values_at, (size_t)n * sizeof(real));
    l->replay->end += n;
    l->replay->added += 1;
}

/* A number that stands for the sample at hand: the sum over its entries of a hash of row and value. Only rows up to `top`
 * count: those that could take part when it was predicted. 0: a sample without any. */
static uint64_t sample_key(const hw_learner *l, int64_t top)
{
    uint64_t sum = l->text ? l->text->digest : 0; /* which does not depend on rows */
    for (int64_t i = 0; i < l->entries; i++) {
        int32_t slot = l->entry_slots[i];
        int64_t row = slot >= 0 ? l->slots.row[slot] : -(int64_t)slot - 1;
        double x = l->entry_x[i] + 0.0; /* −0 is 0 */
        if (row <= top && x == x && i >= l->added) {
            uint64_t bits;
            memcpy(&bits, &x, 8);
            sum += hw_mix64(bits ^ hw_mix64((uint64_t)row + 1));
        }
    }
    return sum;
}

/* Store what the components predicted, and what of it was given out, in the oldest place; numbers in the answer's own
 * units. */
static void store_pending(hw_learner *l, const sample *s, const real *p)
{
    int64_t place = l->late->added % HW_MOST_PENDING;
    l->late->added += 1;
    if (l->late->oldest < l->late->added - HW_MOST_PENDING)
        l->late->oldest = l->late->added - HW_MOST_PENDING;
    l->late->key[place] = sample_key(l, l->highest_row);
    l->late->highest_row[place] = l->highest_row;
    for (int m = 0; m < components(l); m++) {
        real *kept = (real *)l->late->predictions + (place * hw_components(l) + m) * l->output_capacity;
        memcpy(kept, component_output(l, s, m), (size_t)l->outputs * sizeof(real));
        if (l->mixture == HW_NUMBERS)
            kept[0] = (real)in_answer_units(l, (double)kept[0]);
    }
    if (hw_has_words(l)) { /* what it adds to a number, in the answer's own units */
        real *kept = (real *)l->late->predictions + ((place + 1) * hw_components(l) - 1) * l->output_capacity;
        memcpy(kept, l->text->z, (size_t)l->outputs * sizeof(real));
        if (l->mixture == HW_NUMBERS)
            kept[0] *= (real)__builtin_sqrt(l->answers[1]);
    }
    if (l->answer_inputs)
        hw_read_answers(l, l->late->answers + place * HW_ANSWER_INPUTS);
    if (l->coverage)
        store_ends(l, s, p, place);
}

/* 1 + the place of the oldest predictions stored for the sample at hand, or -1; the place is free from then on. */
static int64_t match_pending(hw_learner *l)
{
    if (!HW_WHOLE || !l->late)
        return -1;
    while (l->late->oldest < l->late->added && l->late->key[l->late->oldest % HW_MOST_PENDING] == 0)
        l->late->oldest += 1;
    int64_t top = -1;
    uint64_t wanted = 0;
    for (int64_t q = l->late->oldest; q < l->late->added; q++) {
        int64_t place = q % HW_MOST_PENDING;
        if (l->late->highest_row[place] != top) {
            top = l->late->highest_row[place];
            wanted = sample_key(l, top);
        }
        if (wanted == 0 || l->late->key[place] != wanted)
            continue;
        l->late->key[place] = 0;
        return place + 1;
    }
    return -1;
}

/* The numbers stored there, standardised as answers are now. */
static void standardise_pending(hw_learner *l, int64_t place)
{
    if (!HW_WHOLE || place <= 0 || l->mixture != HW_NUMBERS)
        return;
    for (int m = 0; m < components(l); m++) {
        real *kept = (real *)l->late->predictions + ((place - 1) * hw_components(l) + m) * l->output_capacity;
        kept[0] = (real)within(((double)kept[0] - base_of(l) - l->answers[0]) / deviation(l->answers[1]), -10, 10);
    }
    if (hw_has_words(l)) {
        real *kept = (real *)l->late->predictions + (place * hw_components(l) - 1) * l->output_capacity;
        kept[0] = (real)within((double)kept[0] / deviation(l->answers[1]), -10, 10);
    }
}

#endif
