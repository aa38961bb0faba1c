/* What the words of a sample add to the mixture's logits, or to its number, and how they learn: from the gradient of the
 * mixture's own loss, so they learn what the experts, who read everything else, leave over.
 *
 *     z = sum of v_w W[w],   W[w] -= rate / sqrt(1 + n_w / 8) v_w (p - y)
 *
 * The values v have length 1, so a step of rate r removes r (p - y) from the sample's own logits, whatever its length;
 * words that many samples had take smaller steps.
 *
 * The numbers of an embedding of n samples (parts/text/embedding.c) step alike, each as much further as it is smaller than
 * the others: W[i] -= rate / sqrt(1 + n / 64) (n + 8) / (s_i + 8) v_i / |v|^2 (p - y), s_i the sum of d v_i^2 / |v|^2. */
#ifndef HW_TEXT_C
#define HW_TEXT_C

#include "../vec.h"

static const double OF_CLASSES = 5, OF_A_NUMBER = 1; /* rates */
static const double FASTEST = 2;                     /* times these, whatever a sample's weight */
static const double FAR_MISS = 3;                    /* deviations: no answer teaches more */
static const double SLOWS = 1.0 / 8;
static const double BLOCK_SLOWS = 1.0 / 64, EVEN = 8; /* of embeddings; samples for which all numbers count as even */

static void text_logits(hw_learner *l)
{
    const hw_words *t = l->text;
    if (hw_has_words(l)) /* before the first word there are no weights, and none are read: C moves no pointer to nothing */
        sum_rows(t->known ? t->weights : t->z, (size_t)l->output_capacity, t->rows, t->values, (int)t->known, NULL, t->z,
                 hw_lanes(l->outputs));
}

/* What text adds: now, or when the sample was predicted, if it is pending. NULL: it has none. */
static const real *text_output(const hw_learner *l)
{
    if (!hw_has_words(l))
        return NULL;
    if (l->pending_place > 0)
        return (const real *)l->late->predictions + (l->pending_place * hw_components(l) - 1) * l->output_capacity;
    return l->text->z;
}

/* How far each number of an embedding steps. */
static void steps_of_block(hw_words *t, const hw_block *b, double rate)
{
    double *heads = t->seen + b->first - 2, *restrict sums = t->seen + b->first;
    const real *v = (const real *)t->values + b->at;
    real *restrict steps = (real *)t->steps + b->at;
    double n = heads[0] + EVEN, far = rate / __builtin_sqrt(1 + heads[0] * BLOCK_SLOWS) / b->square * n;
    double share = b->size / b->square;
    for (int32_t i = 0; i < b->size; i++) {
        double x = (double)v[i];
        steps[i] = (real)(far / (sums[i] + EVEN) * x);
        sums[i] += share * x * x;
    }
    heads[0] += 1;
    heads[1] += b->length;
}

/* One step; mixed (k) is the prediction as the weights now stand. */
static void learn_text(hw_learner *l, const real *mixed, double y, double weight)
{
    hw_words *t = l->text;
    if (!hw_has_words(l))
        return;
    real *d = t->d, *steps = t->steps;
    const real *v = t->values;
    int k = l->outputs;
    bool classes = l->mixture == HW_CLASSES;
    double factor = least(weight * l->step[0] * l->step[1], FASTEST), rate = factor * (classes ? OF_CLASSES : OF_A_NUMBER);
    for (int j = 0; j < k; j++)
        d[j] = HW_EMBEDS && l->bandit ? 0 : mixed[j];
    if (classes)
        d[(int)y] -= 1;
    else if (HW_EMBEDS && l->bandit) /* only the action that was taken has an error to learn from */
        d[l->bandit->action] = (real)hw_miss_of_value(l, y);
    else
        d[0] = (real)within((double)mixed[0] - y, -FAR_MISS, FAR_MISS);
    real sum = 0;
    for (int j = 0; j < k; j++)
        sum += d[j] - d[j];
    if (sum != 0)
        return;
    for (int64_t i = 0; i < (HW_EMBEDS ? t->of_words : t->known); i++) {
        double *seen = t->seen + t->rows[i];
        steps[i] = (real)(rate / __builtin_sqrt(1 + *seen * SLOWS)) * v[i];
        *seen += 1;
    }
    t->counts[HW_TC_TEXTS] += !HW_EMBEDS || t->count > 0;
    for (int64_t i = 0; HW_EMBEDS && i < t->blocks; i++)
        if (t->block[i].first >= 0)
            steps_of_block(t, t->block + i, rate);
    if (t->known)
        step_rows(t->weights, (size_t)l->output_capacity, t->rows, steps, (int)t->known, d, hw_lanes(k));
}

#endif
