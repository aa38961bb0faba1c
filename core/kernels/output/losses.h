/* Losses: what a wrong prediction costs, and which way is downhill.
 *
 * One name in the list, and a case in `loss_and_gradient`. The link turns logits z (k) into the prediction p (k). Where
 * link and loss are simpler and safer together (softmax with cross-entropy, sigmoid with binary cross-entropy, exp with
 * Poisson), the gradient d (k) is that of both. A loss over k outputs is the mean over them, cross-entropy one sum over
 * classes. `a` is the loss's own constant. y has k numbers, or one: the number of a class. Formulas and sources stand in
 * headwater/plain/losses.py. */
#ifndef HW_LEARNER_H /* alone, as an editor reads it */
#include "../vec.h"
#endif
#ifndef HW_LOSSES
/* Name, and whether its answers are numbers of classes. */
#define HW_LOSSES(X)                                                                                                       \
    X(mse, 0)                                                                                                              \
    X(mae, 0)                                                                                                              \
    X(huber, 0)                                                                                                            \
    X(binary_cross_entropy, 0)                                                                                             \
    X(cross_entropy, 1)                                                                                                    \
    X(hinge, 1)                                                                                                            \
    X(poisson, 0)                                                                                                          \
    X(quantile, 0)
#define HW_CODE(name, classes) HW_LOSS_##name,
enum { HW_LOSSES(HW_CODE) HW_LOSS_COUNT };
#undef HW_CODE
#endif

#if defined HW_MATH && !defined HW_LOSS_FUNCTIONS /* learner.h takes the list alone */
#define HW_LOSS_FUNCTIONS

static const double LIMIT = 30; /* the sigmoid and exp read logits beyond ±30 as ±30: e^30 is a probability of 1 - 1e-13 */
static const double FAINT = 1e-20; /* a probability above this has a logarithm as good as the logits' own */

/* Of two classes the likelier has e^0 = 1 above the sum: one exponential, and the same bits as below. */
static void softmax_of_two(const real *z, real *p)
{
    int top = z[1] > z[0];
    real u = z[!top] - z[top], low = HW_MATH(hw_exp)(u < (real)(-2 * LIMIT) ? (real)(-2 * LIMIT) : u), whole = 1 + low;
    p[top] = 1 / whole;
    p[!top] = low / whole;
}

/* p = e^z / sum e^z, from the largest downward so that nothing overflows */
static void softmax(const real *z, real *p, int k)
{
    if (!HW_SMALL && k == 2) {
        softmax_of_two(z, p);
        return;
    }
    real top = z[0];
    for (int j = 1; j < k; j++)
        top = z[j] > top ? z[j] : top;
    for (int j = 0; j < k; j++) {
        real u = z[j] - top;
        p[j] = HW_MATH(hw_exp)(u < (real)(-2 * LIMIT) ? (real)(-2 * LIMIT) : u);
    }
    real whole;
    SUM_UNITS(whole, k, p[j]);
    for (int j = 0; j < k; j++)
        p[j] /= whole;
}

static void apply_link(int loss, const real *z, real *p, int k)
{
    if (loss == HW_LOSS_cross_entropy)
        softmax(z, p, k);
    else if (HW_WHOLE && loss == HW_LOSS_binary_cross_entropy)
        for (int j = 0; j < k; j++)
            p[j] = HW_MATH(hw_logistic)((real)within(z[j], -LIMIT, LIMIT));
    else if (loss == HW_LOSS_poisson)
        for (int j = 0; j < k; j++)
            p[j] = HW_MATH(hw_exp)((real)within(z[j], -LIMIT, LIMIT));
    else
        for (int j = 0; j < k; j++)
            p[j] = z[j];
}

static double cross_entropy(const real *z, const real *p, const double *y, int answers, real *d, int k)
{
    int one = answers == 1;
    int c = one ? (int)y[0] : 0;
    if (one && (double)p[c] > FAINT) {
        for (int j = 0; j < k; j++)
            d[j] = p[j];
        d[c] -= 1;
        return -(double)HW_MATH(hw_log)(p[c]);
    }
    double top = z[0], sum = 0, mass = 0, value = 0;
    for (int j = 1; j < k; j++)
        top = most(top, z[j]);
    for (int j = 0; j < k; j++)
        sum += hw_exp64(most((double)z[j] - top, -700));
    double norm = top + hw_log64(sum);
    if (one) {
        for (int j = 0; j < k; j++)
            d[j] = p[j];
        d[c] -= 1;
        return norm - (double)z[c];
    }
    for (int j = 0; j < k; j++) {
        mass += y[j];
        value += y[j] * (norm - (double)z[j]);
    }
    for (int j = 0; j < k; j++)
        d[j] = (real)((double)p[j] * mass - y[j]);
    return value;
}

/* max(z, 0) - z y - ln max(p, 1 - p): nothing cancels */
static inline double binary_cross_entropy(real z, real p, double y, real *d)
{
    real sure = p > (real)0.5 ? p : 1 - p;
    *d = (real)((double)p - y);
    return most(z, 0) - (double)z * y - (double)HW_MATH(hw_log)(sure);
}

/* What the loss of one answer cannot exceed, found without a logarithm; infinite where no such bound is known. Of k classes
 * the likeliest has at least p = 1/k, so a class that lies d below it costs at most d + ln k, and ln k < 0.7 (k - 1). */
static inline double loss_at_most(int loss, const real *z, const double *y, int answers, int k)
{
    if (HW_WHOLE && loss == HW_LOSS_binary_cross_entropy && k == 1)
        return most(z[0], 0) - (double)z[0] * y[0] + 0.7;
    if (loss != HW_LOSS_cross_entropy || answers != 1)
        return __builtin_inf();
    double top = z[0];
    for (int j = 1; j < k; j++)
        top = most(top, z[j]);
    return top - (double)z[(int)y[0]] + 0.7 * (k > 1 ? k - 1 : 1);
}

/* The gradient by the logits of a loss with such a bound: p - y. */
static inline void bounded_loss_gradient(int loss, const real *p, const double *y, real *d, int k)
{
    if (HW_WHOLE && loss == HW_LOSS_binary_cross_entropy) {
        d[0] = (real)((double)p[0] - y[0]);
        return;
    }
    for (int j = 0; j < k; j++)
        d[j] = p[j];
    d[(int)y[0]] -= 1;
}

/* Returns the value of the loss and writes its gradient by the logits into d. */
/* What one output costs, whose slope is put down. own: whether its class is the sample's. */
static inline double loss_of_output(int loss, double a, double z, double p, double y, bool own, double *slope)
{
    double r = p - (loss == HW_LOSS_hinge ? 0 : y);
    switch (loss) {
    case HW_LOSS_mse: /* a r² */ *slope = 2 * a * r; return a * r * r;
    case HW_LOSS_mae: /* |r| */ *slope = r > 0 ? 1 : r < 0 ? -1 : 0; return magnitude(r);
    case HW_LOSS_huber: /* r²/2 up to |r| = a, then linear */ *slope = within(r, -a, a); return *slope * (r - 0.5 * *slope);
    case HW_LOSS_hinge: { /* max(0, 1 - s z) */
        double s = own ? 1 : -1, gap = 1 - s * z;
        *slope = gap > 0 ? -s : 0;
        return most(gap, 0);
    }
    case HW_LOSS_poisson: /* p - y z, z = ln p */ *slope = r; return p - y * z;
    default: /* quantile: a (y - p) above, (1 - a)(p - y) below */
        *slope = r < 0 ? -a : 1 - a;
        return r < 0 ? -a * r : (1 - a) * r;
    }
}

static double loss_and_gradient(int loss, double a, const real *z, const real *p, const double *y, int answers, real *d,
                                int k)
{
    if (loss == HW_LOSS_cross_entropy)
        return cross_entropy(z, p, y, answers, d, k);
    if (HW_WHOLE && loss == HW_LOSS_binary_cross_entropy && k == 1)
        return binary_cross_entropy(z[0], p[0], y[0], d);
    double sum = 0;
    bool named = !(answers == k && !(k > 1 && answers == 1)); /* the one answer is the number of a class */
    for (int j = 0; j < k; j++) {
        double slope = 0;
        if (loss == HW_LOSS_binary_cross_entropy) {
            sum += binary_cross_entropy(z[j], p[j], y[j], d + j);
            slope = (double)p[j] - y[j];
        } else {
            bool own = loss == HW_LOSS_hinge && (named ? (int)y[0] == j : y[j] > 0.5);
            sum += loss_of_output(loss, a, (double)z[j], (double)p[j], loss == HW_LOSS_hinge ? 0 : y[j], own, &slope);
        }
        d[j] = (real)(slope / k);
    }
    return sum / k;
}
#endif
