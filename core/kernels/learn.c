/* The route of one sample: read, predict; then, with its answer: loss, mixture weights, step, replay, keep. */
#ifndef HW_LEARN_C
#define HW_LEARN_C

#include "input/units.c"
#include "layers/narrow.c"
#include "replay.c"

static const double LARGEST_COST = 1e30;
static const double TARGET_CLIP = 10; /* a standardised answer lies within ±10 */

/* What is predicted, in the unit in which answers come. */
static void predict_given(hw_learner *l, const sample *s, real *out)
{
    predict_mixture(l, s, out);
    if (l->targets)
        out[0] = (real)as_it_comes(l, (double)out[0]);
}

/* What the mixture's prediction cost, for the one of two learners that does better: nats, or in the unit in which answers
 * come. */
static double cost_of_mixture(const hw_learner *l, const real *mixed, double y)
{
    if (!l->targets)
        return (int)y < l->outputs ? least(-hw_log64(most((double)mixed[(int)y], 1e-9)), LARGEST_UNIT_LOSS) : -1;
    double miss = magnitude(with_repetition(l, (double)mixed[0]) - y) * __builtin_sqrt(l->answers[1]);
    miss = speaks_rescaled(l) ? miss / hw_unit_of(l->units, -1)[HW_UNIT_SCALE] : miss;
    return miss < LARGEST_COST ? miss : LARGEST_COST;
}

/* A net that is alone: nothing to mix or to score. Whether it has learned; what follows says the same of one expert. */
static bool learn_alone(hw_learner *l, const sample *s, const double *y, int answers, double weight)
{
    if (learn_unsuspicious(l, 0, s, l->rows_at, l->values_at, l->pairs, y, answers, weight))
        return true;
    double before = expert_loss_and_gradient(l, 0, s, y, answers);
    if (finite(before))
        learn_expert(l, 0, s, l->rows_at, l->values_at, l->active, l->pairs, y, answers, weight, before);
    return finite(before);
}

/* What the sample costs each expert, and the gradients of their losses. */
static void cost_experts(hw_learner *l, const sample *s, const double *y, int answers, bool fresh)
{
    for (int e = 0; e < l->experts; e++) {
        bool sound = l->losses[e] == 0;
        if (!fresh || l->expert[e].two_pass)
            sound = forward_and_link(l, e, s, true);
        l->losses[e] = sound ? expert_loss_and_gradient(l, e, s, y, answers) : __builtin_inf();
    }
}

static void learn_experts(hw_learner *l, const sample *s, const double *y, int answers, double weight)
{
    const double *losses = l->losses;
    for (int e = 0; e < l->experts; e++) {
        if (finite(losses[e]))
            learn_expert(l, e, s, l->rows_at, l->values_at, l->active, l->pairs, y, answers, weight, losses[e]);
        else
            running(l, e)[HW_OVERFLOW] += 1;
        if (l->experts > 1 && is_failing(l, e, losses[e]))
            l->pending_place = -1; /* noted: hw_reinitialise_failing */
    }
}

/* Every expert learns the sample at hand. fresh: all of them have just predicted it. pending: place of the predictions
 * stored when it was predicted; 0 if that was just now; below 0 if there are none, and then the mixture's weights stay. */
static void learn_sample(hw_learner *l, const sample *s, const double *y, int answers, double weight, bool fresh,
                         int64_t pending)
{
    bool lone = l->experts == 1 && !l->bandit && !l->history && !l->intervals && !l->expert[0].two_pass;
    if (lone && fresh && l->losses[0] == 0 && learn_alone(l, s, y, answers, weight))
        return;
    cost_experts(l, s, y, answers, fresh);
    if (l->history && !fresh)
        history_logits(l);
    if (!fresh)
        text_logits(l);
    real *mixed = prediction_slot(l, l->all + 1);
    l->pending_place = pending > 0 ? pending : 0;
    if (l->intervals || l->mixture)
        mix(l, s, mixed);
    if (l->succession) /* a late label of a row that was not asked says nothing of what was predicted */
        l->succession->lost = pending >= 0 ? cost_of_mixture(l, mixed, y[0]) : -1;
    if (l->mixture && pending >= 0)
        update_mixture_weights(l, s, mixed, y[0], weight);
    bool stale = l->pending_place > 0 && hw_has_words(l);
    l->pending_place = 0;
    if (stale) /* words learn from what would be predicted now: answers that come late would push them too far */
        mix(l, s, prediction_slot(l, l->all + 3));
    learn_text(l, stale ? prediction_slot(l, l->all + 3) : mixed, y[0], weight);
    if (l->bandit)
        hw_learn_values(l, y[0], weight);
    else if (!l->mixture && l->experts > 1)
        hedge_update(l, l->losses, weight);
    if (l->intervals)
        score_interval(l, s, with_repetition(l, (double)mixed[0]), y[0], weight);
    if (HW_WHOLE && l->answer_inputs)
        weigh_repetition(l, (double)mixed[0], y[0], weight);
    else if (l->history)
        record_label(l, y[0]);
    learn_experts(l, s, y, answers, weight);
}

static void count_rows(hw_learner *l)
{
    if (l->rows_in_order) {
        for (int64_t r = 0; r < l->pairs; r++)
            l->touched[r] += 1;
        l->highest_row = (int32_t)(l->pairs - 1 > l->highest_row ? l->pairs - 1 : l->highest_row);
        return;
    }
    const int32_t *rows = l->rows_at;
    int64_t *touched = l->touched;
    int32_t highest = 0;
    for (int64_t i = 0; i < l->pairs; i++) {
        touched[rows[i]] += 1;
        highest = rows[i] > highest ? rows[i] : highest;
    }
    l->highest_row = highest > l->highest_row ? highest : l->highest_row;
}

/* The answer is there, and the sample read. place: as in match_pending. */
static void learn_answer(hw_learner *l, const sample *s, double *y, int answers, double w, bool fresh, int64_t place)
{
    double own = y[0] = as_read(l, y[0]);
    if (HW_WHOLE && l->answer_inputs) {
        if (!(l->label_history[HW_PAST_ANSWERS] > 0)) /* the first answer has nothing before it */
            l->lag->base = own;
        y[0] = own - l->lag->base;
    }
    if (l->targets)
        for (int j = 0; j < answers; j++) {
            double *a = l->answers + 3 * j;
            y[j] = standardise(a, a + 1, a + 2, y[j], TARGET_CLIP, true, running(l, 0) + HW_FAR_TARGET);
        }
    if (l->counted)
        count_rows(l);
    standardise_pending(l, place);
    learn_sample(l, s, y, answers, w, fresh, fresh && place < 0 ? 0 : place);
    if (HW_WHOLE && l->answer_inputs)
        hw_record_answer(l, own, own - l->lag->base);
    bool failing = l->pending_place < 0;
    l->pending_place = 0;
    if (l->ring) {
        int32_t action = l->bandit ? l->bandit->action : 0;
        for (int e = 0; e < l->experts; e++)
            if (l->replay->added > 0 && replays(l, e))
                replay(l, e, s);
        if (l->bandit)
            l->bandit->action = action;
        keep_sample(l, y[0], w);
    }
    if (l->relevance)
        hw_learn_relevance(l, y[0], w);
    if (HW_WHOLE && failing)
        hw_reinitialise_failing(l);
    l->learned += 1;
}

/* The answer isn't learned, but what it cost counts. */
static void hold(hw_learner *l, double loss)
{
    l->learned += 1;
    if (l->succession && loss >= 0)
        l->succession->lost = loss * usual_error(l);
}

static int kernel_predict(hw_learner *l, void *p, double *width)
{
    sample s = at_hand(l);
    take_reading(l);
    find_cells(l);
    read_entries(l, false);
    read_first_layer(l, &s);
    predict_given(l, &s, p);
    memcpy(prediction_slot(l, l->all + 2), p, (size_t)l->outputs * sizeof(real));
    if (width)
        *width = l->intervals ? width_of(l, &s, ((real *)p)[0]) : 0;
    put_back(l);
    return 0;
}

/* predicted: the prediction that kernel_predict left is of this very sample, so it is not computed again. */
static int kernel_learn(hw_learner *l, double y, double w, void *p, bool predicted)
{
    sample s = at_hand(l);
    int64_t place = w > 0 ? match_pending(l) : -1;
    bool watched = w > 0 && l->units;
    if (watched && compare_readings(l, &s, y))
        predicted = false;
    take_reading(l);
    if (predicted) {
        learn_entries(l);
        memcpy(p, prediction_slot(l, l->all + 2), (size_t)l->outputs * sizeof(real));
    } else {
        find_cells(l);
        read_entries(l, w > 0);
        read_first_layer(l, &s);
        predict_given(l, &s, p);
    }
    if (!(w > 0))
        return put_back(l), 0;
    if (place > 0)
        follow_late(l, place, y, w);
    else
        follow_now(l, &s, p, y, w);
    double own = y, loss = watched ? unit_loss_given(l, p, y) : -1;
    if (watched && is_held(l, y))
        hold(l, loss);
    else
        learn_answer(l, &s, &y, 1, w, true, l->mixture ? place : -1);
    if (watched)
        watch_units(l, own, loss);
    return 1;
}

static int kernel_predict_pending(hw_learner *l, void *p)
{
    sample s = at_hand(l);
    take_reading(l);
    find_cells(l);
    read_entries(l, false);
    read_first_layer(l, &s);
    predict_given(l, &s, p);
    put_back(l);
    if (l->mixture || l->coverage)
        store_pending(l, &s, p);
    return 0;
}

static int kernel_learn_late(hw_learner *l, double y, double w)
{
    if (!(w > 0))
        return 0;
    sample s = at_hand(l);
    int64_t place = match_pending(l);
    if (l->answer_inputs) { /* what was known when it was predicted; nothing, if that was too long ago */
        static const double nothing[] = {__builtin_nan(""), __builtin_nan(""), __builtin_nan(""), __builtin_nan("")};
        hw_replace_answers(l, place > 0 ? l->late->answers + (place - 1) * HW_ANSWER_INPUTS : nothing);
    }
    double own = y, loss = l->units ? compare_late(l, &s, y) : -1;
    take_reading(l);
    find_cells(l);
    read_entries(l, true);
    read_first_layer(l, &s);
    follow_late(l, place, y, w);
    if (l->units && is_held(l, y))
        hold(l, loss);
    else
        learn_answer(l, &s, &y, 1, w, false, l->mixture ? place : -1);
    if (l->units)
        watch_units(l, own, loss);
    return 1;
}

/* Pairs of a row in which a number is missing, infinite or huge; n: of the bias. Returns how many there are. */
static int64_t read_odd_row(hw_learner *l, const real *x, int64_t inputs, int32_t *rows, real *v, int64_t n)
{
    double *run = running(l, 0);
    l->rows_in_order = false;
    for (int64_t j = 0; j < inputs; j++) {
        double value = x[j];
        if (value != value)
            continue;
        if (magnitude(value) > HUGE_INPUT) {
            bool infinite = magnitude(value) > 1.7976931348623157e308 || x[j] - x[j] != 0;
            run[infinite ? HW_INFINITE : HW_HUGE] += 1;
            if (infinite)
                continue;
            value = value < 0 ? -HUGE_INPUT : HUGE_INPUT;
        }
        rows[n] = (int32_t)j + 1;
        v[n++] = (real)value;
    }
    return n;
}

/* Pairs of a row with a fixed number of inputs: input j scales row j + 1, or names it. Missing ones have none. */
static void read_row(hw_learner *l, const real *x, int64_t inputs, int32_t *rows, real *v, int64_t *count)
{
    int64_t n = 0;
    if (l->bias) {
        rows[n] = 0;
        v[n++] = 1;
    }
    if (l->embedding) {
        l->rows_in_order = false;
        for (int64_t j = 0; j < inputs; j++) {
            rows[n] = (int32_t)x[j] + 1;
            v[n++] = 1;
        }
        *count = n;
        return;
    }
    lane odd = 0;
    real *restrict to = v + n;
    for (int64_t j = 0; j < inputs; j++) {
        to[j] = x[j];
        odd |= !(x[j] < (real)HUGE_INPUT && x[j] > -(real)HUGE_INPUT);
    }
    if (odd) {
        *count = read_odd_row(l, x, inputs, rows, v, n);
        return;
    }
    if (!l->rows_in_order)
        for (int64_t j = 0; j < inputs; j++)
            rows[n + j] = (int32_t)j + 1;
    l->rows_in_order = l->bias;
    *count = n + inputs;
}

static int kernel_learn_array(hw_learner *l, const void *X, const double *y, const double *w, int64_t count, int answers,
                              void *p)
{
    sample s = at_hand(l);
    int64_t inputs = l->embedding ? l->ids : (int64_t)l->declaration[HW_D_INPUTS];
    double target[256];
    double *own = answers <= 256 ? target : l->staging;
    bool narrow = answers == 1 && is_narrow(l);
    for (int64_t i = 0; i < count; i++) {
        if (l->image)
            read_image((const real *)X + i * inputs, l->image_channels, inputs / l->image_channels, (real)HUGE_INPUT,
                       s.x + LANES, running(l, 0) + HW_INFINITE, running(l, 0) + HW_HUGE);
        else
            read_row(l, (const real *)X + i * inputs, inputs, l->rows_at, l->values_at, &l->pairs);
        l->active = l->pairs = l->image ? 0 : l->pairs;
        if (narrow && w[i] == 1 && l->rows_in_order && learn_narrow(l, &s, y[i], (real *)p + i)) {
            if (l->counted)
                count_rows(l);
            l->learned += 1;
            continue;
        }
        if (l->recurrent)
            hw_find_state(l, 0, __builtin_nan(""));
        read_first_layer(l, &s);
        predict_mixture(l, &s, (real *)p + i * l->outputs);
        if (!(w[i] > 0))
            continue;
        for (int j = 0; j < answers; j++)
            own[j] = y[i * answers + j];
        learn_answer(l, &s, own, answers, w[i], true, -1);
    }
    return 0;
}

static void kernel_find_cells(hw_learner *l)
{
    take_reading(l);
    find_cells(l);
    put_back(l);
}

/* The statistics as they stand: every number at its mean, and no category. */
static int kernel_pairs(hw_learner *l, int at_mean)
{
    if (!at_mean) {
        take_reading(l);
        read_entries(l, false);
        put_back(l);
        return 0;
    }
    int64_t n = 0;
    for (int64_t i = 0; i < l->entries; i++) {
        int32_t slot = l->entry_slots[i];
        double x = l->entry_x[i];
        if (slot < 0 || x - x != 0)
            continue;
        l->entry_slots[n] = slot;
        l->entry_x[n++] = l->standard ? l->slots.mean[slot] : 0;
    }
    l->entries = (int32_t)n;
    read_entries(l, false);
    return 0;
}

/* Rows that follow one another through a net with a recurrence, whose weights stand still: what it predicts, p (may be
 * NULL), or the loss over `total` and its gradient, added to g: that of backpropagation through the whole sequence. */
static int kernel_sequence(hw_learner *l, const void *X, const double *y, const double *w, int64_t count, int answers,
                           double total, void *p, void *g, double *loss)
{
    sample s = at_hand(l);
    const hw_expert_t *e = l->expert;
    int64_t inputs = (int64_t)l->declaration[HW_D_INPUTS];
    double value = 0;
    for (int64_t i = 0; i < count; i++) {
        real *d = s.d + e->logits;
        read_row(l, (const real *)X + i * inputs, inputs, l->rows_at, l->values_at, &l->pairs);
        l->active = l->pairs;
        hw_find_state(l, 0, __builtin_nan(""));
        read_first_layer(l, &s);
        forward_and_link(l, 0, &s, false);
        if (p)
            memcpy((real *)p + i * l->outputs, prediction_slot(l, 0), (size_t)l->outputs * sizeof(real));
        advance_traces(l, e, &s, l->rows_at, l->values_at, l->pairs, l->pairs);
        if (g) {
            value += w[i] * expert_loss_and_gradient(l, 0, &s, y + i * answers, answers);
            for (int j = 0; j < e->outputs; j++)
                d[j] *= (real)(w[i] / total);
            gradient_sink sum = {.gradient = g, .scratch = l->row_gradient};
            backward_expert(l, e, &s, l->rows_at, l->values_at, l->pairs, &sum);
        }
        keep_state(l);
    }
    if (loss)
        *loss = value / total;
    return 0;
}

#endif
