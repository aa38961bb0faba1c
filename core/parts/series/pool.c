/* The second level of a pool of forecasters: the bank, least squares with the nets, least squares without season, and the
 * season before speak by the errors of what each of them said. One level of all would dilute those that are strong.
 *
 * A speaker's weight is 1/R^12, R its fading error at a horizon relative to the median of the speakers, drawn towards the
 * mean over horizons while there are few errors. joint.c starts from these weights. headwater/plain/kinds/smoothing.py has
 * the formulas.
 */
#include "learner.h"

static const double FADES = 0.005;
static const double SHRINKS = 10;
static const double NO_BETTER = 1e-4, NO_WORSE = 100;
static const double UNIT = 1e-3;                           /* of an error's size: a difference below it is none */
static const double FIRST[HW_SPEAKERS] = {0.5, 1, 1, 1.2}; /* losses that are believed at first, */
static const double BELIEVED = 80;                         /* as if so many errors had shown them */

static int64_t least_of(int64_t a, int64_t b) { return a < b ? a : b; }

/* Least squares on the last answers alone, as if there was no season. */
static hw_least_squares plain_of(hw_learner *l)
{
    hw_bank_t *b = l->bank;
    return (hw_least_squares){.lags = b->plain,
                              .features = b->plain,
                              .origins = l->forecast->horizon,
                              .needed = 8,
                              .scale = b->numbers + HW_BN_SCALE,
                              .start = b->numbers + HW_BN_START,
                              .inverse = b->inverse,
                              .weights = b->weights,
                              .inputs = b->inputs,
                              .gains = b->gains,
                              .said = b->said};
}

static double *given_at(const hw_learner *l, int64_t o, int64_t h)
{
    int64_t horizon = l->forecast->horizon;
    return l->bank->given + (o % horizon * horizon + h - 1) * HW_POOL_GIVEN;
}

static float *shares_at(const hw_learner *l, int64_t o, int64_t h)
{
    int64_t horizon = l->forecast->horizon;
    return l->bank->shares + (o % horizon * horizon + h - 1) * HW_SPEAKERS;
}

double hw_pool_says(const hw_learner *l, int64_t o, int64_t h, double linear)
{
    const double *given = given_at(l, o, h);
    const float *share = shares_at(l, o, h);
    const double said[HW_SPEAKERS] = {given[HW_G_BANK], linear, given[HW_G_PLAIN], hw_season_before(l->forecast, o, h)};
    double base = hw_past_at(l->forecast, o), ahead = 0, sum = 0; /* from the answer of that time: shares are rounded */
    for (int k = 0; k < HW_SPEAKERS; k++) {
        ahead += (double)share[k] * (said[k] - base);
        sum += (double)share[k];
    }
    return hw_within(sum > 0 ? base + ahead / sum : base, l->bank->low, l->bank->high);
}

static double middle(double a, double b, double c)
{
    double low = a < b ? a : b, high = a < b ? b : a;
    return hw_within(c, low, high);
}

/* The median of what speakers lie off; of four the mean of the two in the middle. */
double hw_usual_of(const double *miss, bool plain)
{
    const double *m = miss;
    if (!plain)
        return middle(m[HW_OF_BANK], m[HW_OF_LINEAR], m[HW_OF_SEASON]);
    double least = m[0], most = m[0], sum = m[0];
    for (int k = 1; k < HW_SPEAKERS; k++) {
        least = m[k] < least ? m[k] : least;
        most = m[k] > most ? m[k] : most;
        sum += m[k];
    }
    return (sum - least - most) / 2;
}

void hw_score_pool(hw_learner *l, int64_t t, int64_t h, double y, double linear, double own)
{
    hw_forecast_t *f = l->forecast;
    hw_bank_t *b = l->bank;
    const double *given = given_at(l, t - h, h);
    double *loss = b->speakers + (h - 1) * b->scores, n = f->errors[(h - 1) * HW_ERRORS + HW_E_COUNT];
    double miss[HW_SPEAKERS] = {y - given[HW_G_BANK], y - linear, y - given[HW_G_PLAIN], y - hw_season_before(f, t - h, h)};
    if (b->pull > 0)
        hw_score_joint(l, h, miss, own);
    for (int k = 0; k < HW_SPEAKERS; k++)
        miss[k] = __builtin_fabs(miss[k]);
    double rate = hw_weigh(f, 1 / (n + 1) > FADES ? 1 / (n + 1) : FADES);
    for (int k = 0; k < HW_SPEAKERS; k++)
        loss[k] += rate * (miss[k] - loss[k]);
}

/* The losses of a horizon relative to the median of the speakers. */
static void relative(const hw_bank_t *b, int64_t h, double *out)
{
    const double *loss = b->speakers + (h - 1) * b->scores;
    double none = UNIT * b->sizes[h - 1], usual = hw_usual_of(loss, b->plain) + none;
    for (int k = 0; k < HW_SPEAKERS; k++) {
        double ratio = usual > 0 ? (loss[k] + none) / usual : 1;
        out[k] = ratio < NO_WORSE ? ratio : NO_WORSE;
    }
}

/* Who is to speak of each horizon, and how loud. */
static void share_out(hw_learner *l, int64_t t)
{
    const hw_forecast_t *f = l->forecast;
    const hw_bank_t *b = l->bank;
    double mean[HW_SPEAKERS] = {0}, past[HW_SPEAKERS], scored = 0;
    for (int64_t h = 1; h <= least_of(f->horizon, t); h++, scored++) {
        relative(b, h, past);
        for (int k = 0; k < HW_SPEAKERS; k++)
            mean[k] += past[k];
    }
    for (int64_t h = 1; h <= f->horizon; h++) {
        double n = f->errors[(h - 1) * HW_ERRORS + HW_E_COUNT], own = n < 1 / FADES ? n : 1 / FADES;
        double w[HW_SPEAKERS], sum = 0;
        relative(b, h, past);
        for (int k = 0; k < HW_SPEAKERS; k++) {
            double loss = scored > 0 ? mean[k] / scored : 1;
            loss = (own * past[k] + SHRINKS * loss) / (own + SHRINKS);
            loss += (FIRST[k] - loss) * BELIEVED / (n + BELIEVED);
            double x = 1 / (loss > NO_BETTER ? loss : NO_BETTER), square = x * x, fourth = square * square;
            w[k] = k == HW_OF_PLAIN && !b->plain ? 0 : fourth * fourth * fourth;
            sum += w[k];
        }
        for (int k = 0; k < HW_SPEAKERS; k++)
            w[k] /= sum;
        if (b->pull > 0)
            hw_join_shares(l, h, w);
        for (int k = 0; k < HW_SPEAKERS; k++)
            shares_at(l, t, h)[k] = (float)w[k];
    }
}

/* How large an error of each horizon is. Of one that has few it is that of the nearest that has some: mean squares grow
 * with the power 3/2 of the horizon, between those of a random walk and of a trend that is missed. */
static void keep_sizes(hw_learner *l, int64_t t)
{
    const hw_forecast_t *f = l->forecast;
    int64_t k = 1;
    for (int64_t h = 1; h <= f->horizon; h++) {
        k = f->errors[(h - 1) * HW_ERRORS + HW_E_COUNT] >= 4 ? h : k;
        double longer = (double)h / (double)k;
        given_at(l, t, h)[HW_G_SCALE] = l->bank->sizes[k - 1] * __builtin_sqrt(longer * __builtin_sqrt(longer));
    }
}

void hw_learn_pool(hw_learner *l, int64_t t, double y, bool known)
{
    hw_forecast_t *f = l->forecast;
    hw_bank_t *b = l->bank;
    hw_least_squares plain = plain_of(l);
    double said[HW_MOST_HORIZON];
    bool learned = known && (!HW_WEIGHS || f->weight > 0);
    if (learned)
        hw_bank_score(l, t, y);
    if (known && b->plain)
        hw_learn_linear(f, &plain, t, y);
    hw_bank_learn(l, t, y, learned);
    if (b->plain) {
        hw_begin_linear(f, &plain, t);
        hw_say_linear(f, &plain, t, known);
    }
    hw_bank_say(l, t, said);
    share_out(l, t);
    keep_sizes(l, t);
    for (int64_t h = 1; h <= f->horizon; h++) {
        given_at(l, t, h)[HW_G_BANK] = said[h - 1];
        given_at(l, t, h)[HW_G_PLAIN] = b->plain ? b->said[t % f->horizon * f->horizon + h - 1] : said[h - 1];
    }
}
