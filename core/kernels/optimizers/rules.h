/* The update rules. One row in the list, and one function of some weights side by side: from the weights w, their gradients
 * g and the rule's own numbers s0, s1, … (which it moves) to the new weights. `c` holds the constants of this step.
 * Formulas and sources stand in headwater/plain/optimizers/rules.py. */
#ifndef HW_LEARNER_H /* alone, as an editor reads it: for one width */
#include "../vec.h"
#define VECTOR native
#define VECTOR_NAME(name) name##_native
#endif
#ifndef HW_RULES
/* Name · numbers kept for each weight · whether a zero gradient changes nothing, so that skipping a row is exact · place of
 * epsilon among the rule's constants, -1 without one · whether its moments are bias-corrected, as Adam's. */
#define HW_RULES(X)                                                                                                        \
    X(sgd, 0, 1, -1, 0)                                                                                                    \
    X(momentum, 1, 0, -1, 0)                                                                                               \
    X(nesterov, 1, 0, -1, 0)                                                                                               \
    X(adagrad, 1, 1, 0, 0)                                                                                                 \
    X(rmsprop, 1, 0, 1, 0)                                                                                                 \
    X(adadelta, 2, 0, 1, 0)                                                                                                \
    X(adam, 2, 0, 2, 1)                                                                                                    \
    X(adamw, 2, 0, 2, 1)                                                                                                   \
    X(amsgrad, 3, 0, 2, 1)                                                                                                 \
    X(nadam, 2, 0, 2, 1)                                                                                                   \
    X(ftrl, 2, 1, -1, 0)                                                                                                   \
    X(cocob, 5, 1, -1, 0)
#define HW_MOST_STATES 5
#define HW_ROW(name, states, exact, epsilon, corrected) HW_RULE_##name,
enum { HW_RULES(HW_ROW) HW_RULE_COUNT };
#undef HW_ROW
#endif

/* The functions are read once for each width of vectors: VECTOR is the type, RULE(name) the head of a function. */
#ifdef VECTOR
#ifndef RULE
typedef struct constants {
    real lr;         /* the step of this moment, after the schedule */
    real a, b, c, e; /* the rule's numbers */
    real one_minus_a, one_minus_b;
    real correction;      /* on the second moment, of Adam's family */
    real shrink;          /* AdamW's decay */
    real ahead, gradient; /* NAdam's two steps */
} constants;

#define UNUSED (void)c, (void)s0, (void)s1, (void)s2, (void)s3, (void)s4
#define choose(mask, yes, no) VECTOR_NAME(select)(mask, yes, no)
#define decayed(x) VECTOR_NAME(decay)(x)
#define root(x) VECTOR_NAME(square_root)(x)
#define RULE(name)                                                                                                         \
    static inline __attribute__((always_inline)) VECTOR VECTOR_NAME(name)(                                                 \
        const constants *c, VECTOR w, VECTOR g, VECTOR *s0, VECTOR *s1, VECTOR *s2, VECTOR *s3, VECTOR *s4)
#endif

RULE(sgd) /* w - lr g */
{
    UNUSED;
    return w - c->lr * g;
}

RULE(momentum) /* u = mu u + g; w - lr u */
{
    UNUSED;
    *s0 = decayed(c->a * *s0 + g);
    return w - c->lr * *s0;
}

RULE(nesterov) /* u = mu u + g; w - lr (g + mu u) */
{
    UNUSED;
    *s0 = decayed(c->a * *s0 + g);
    return w - c->lr * (g + c->a * *s0);
}

RULE(adagrad) /* G = G + g²; w - lr g / (sqrt G + eps) */
{
    UNUSED;
    *s0 += g * g;
    return w - c->lr * g / (root(*s0) + c->a);
}

RULE(rmsprop) /* v = rho v + (1 - rho) g²; w - lr g / (sqrt v + eps) */
{
    UNUSED;
    *s0 = decayed(c->a * *s0 + c->one_minus_a * g * g);
    return w - c->lr * g / (root(*s0) + c->b);
}

RULE(adadelta) /* v as above; step = g sqrt(u + eps) / sqrt(v + eps); u = rho u + (1 - rho) step²; w - lr step */
{
    UNUSED;
    *s0 = decayed(c->a * *s0 + c->one_minus_a * g * g);
    VECTOR step = g * root(*s1 + c->b) / root(*s0 + c->b);
    *s1 = decayed(c->a * *s1 + c->one_minus_a * step * step);
    return w - c->lr * step;
}

RULE(adam) /* m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g²; w - lr m / (sqrt v * correction + eps) */
{
    UNUSED;
    *s0 = decayed(c->a * *s0 + c->one_minus_a * g);
    *s1 = decayed(c->b * *s1 + c->one_minus_b * g * g);
    return w - c->lr * *s0 / (root(*s1) * c->correction + c->c);
}

RULE(adamw) /* w (1 - lr lambda), then Adam */
{
    UNUSED;
    *s0 = decayed(c->a * *s0 + c->one_minus_a * g);
    *s1 = decayed(c->b * *s1 + c->one_minus_b * g * g);
    return c->shrink * w - c->lr * *s0 / (root(*s1) * c->correction + c->c);
}

RULE(amsgrad) /* Adam with the largest second moment so far */
{
    UNUSED;
    *s0 = decayed(c->a * *s0 + c->one_minus_a * g);
    *s1 = decayed(c->b * *s1 + c->one_minus_b * g * g);
    *s2 = choose(*s1 > *s2, *s1, *s2);
    return w - c->lr * *s0 / (root(*s2) * c->correction + c->c);
}

RULE(nadam) /* Adam with Nesterov's look-ahead */
{
    UNUSED;
    *s0 = decayed(c->a * *s0 + c->one_minus_a * g);
    *s1 = decayed(c->b * *s1 + c->one_minus_b * g * g);
    return w - (c->ahead * *s0 + c->gradient * g) / (root(*s1) * c->correction + c->c);
}

/* z = z + g - sigma w, n = n + g²; w = -(z - sign(z) l1) / ((beta + sqrt n) / lr + l2), or 0 where |z| <= l1. z starts
 * where w is the initial weight. A gradient of 0 changes nothing: the closed form would give w back only up to rounding. */
RULE(ftrl)
{
    UNUSED;
    VECTOR none = w - w, lean = choose(w > 0, none + c->b, choose(w < 0, none - c->b, none));
    VECTOR z = choose(*s1 == 0, -w * (c->a / c->lr + c->c) - lean, *s0);
    VECTOR before = root(*s1), n = *s1 + g * g, after = root(n);
    z += g - (after - before) / c->lr * w;
    VECTOR next = -(z - choose(z > 0, none + c->b, none - c->b)) / ((c->a + after) / c->lr + c->c);
    next = choose((z <= c->b) & (z >= -c->b), none, next);
    *s0 = choose(g != 0, z, *s0);
    *s1 = choose(g != 0, n, *s1);
    return choose(g != 0, next, w);
}

/* L = max(L, |g|), A = A + |g|, R = max(R - (w - w0) g, 0), theta = theta - g; w0 + theta (L + R) / (L max(A + L, alpha
 * L)). Bets start from the initial weight. */
RULE(cocob)
{
    UNUSED;
    VECTOR none = w - w, size = choose(g < 0, -g, g), first = choose(*s0 == 0, w, *s4);
    VECTOR largest = choose(*s0 == 0, none + (real)1e-8, *s0);
    largest = choose(size > largest, size, largest);
    VECTOR sum = *s1 + size, reward = *s2 - (w - first) * g, theta = *s3 - g;
    reward = choose(reward > 0, reward, none);
    VECTOR bound = choose(sum + largest > c->a * largest, sum + largest, c->a * largest);
    VECTOR next = first + theta / (largest * bound) * (largest + reward);
    *s0 = choose(g != 0, largest, *s0);
    *s1 = choose(g != 0, sum, *s1);
    *s2 = choose(g != 0, reward, *s2);
    *s3 = choose(g != 0, theta, *s3);
    *s4 = choose(g != 0, first, *s4);
    return choose(g != 0, next, w);
}
#endif
