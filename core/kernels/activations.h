/* Activations: what makes a stack of layers more than one matrix.
 *
 * One name in the list, and two functions: the value f(x), and the slope f'(x) given x and y = f(x). `a` is the
 * activation's own constant. Formulas and sources stand in headwater/plain/activations.py, beside the same in NumPy. */
#ifndef HW_LEARNER_H /* alone, as an editor reads it */
#include "vec.h"
#endif
#ifndef HW_ACTIVATIONS
#define HW_ACTIVATIONS(X)                                                                                                  \
    X(identity) X(relu) X(leaky_relu) X(sigmoid) X(tanh) X(elu) X(selu) X(gelu) X(silu) X(softplus) X(hard_tanh)
#define HW_ACTIVATION_CODE(name) HW_ACT_##name,
enum { HW_ACTIVATIONS(HW_ACTIVATION_CODE) HW_ACTIVATION_COUNT };
#undef HW_ACTIVATION_CODE
#endif

#if defined HW_MATH && !defined HW_ACTIVATION_FUNCTIONS /* learner.h takes the list alone */
#define HW_ACTIVATION_FUNCTIONS

#define SELU_LAMBDA ((real)1.0507009873554805)
#define SELU_ALPHA ((real)1.6732632423543772)

static inline real identity_value(real x, real a) { return (void)a, x; }
static inline real identity_slope(real x, real y, real a) { return (void)x, (void)y, (void)a, 1; }

static inline real relu_value(real x, real a) { return (void)a, x < 0 ? 0 : x; }
static inline real relu_slope(real x, real y, real a) { return (void)y, (void)a, x > 0 ? 1 : 0; }

static inline real leaky_relu_value(real x, real a) { return x > 0 ? x : a * x; }
static inline real leaky_relu_slope(real x, real y, real a) { return (void)y, x > 0 ? 1 : a; }

static inline real sigmoid_value(real x, real a) { return (void)a, HW_MATH(hw_logistic)(x); }
static inline real sigmoid_slope(real x, real y, real a) { return (void)x, (void)a, y * (1 - y); }

static inline real tanh_value(real x, real a) { return (void)a, HW_MATH(hw_tanh)(x); }
static inline real tanh_slope(real x, real y, real a) { return (void)x, (void)a, 1 - y * y; }

static inline real elu_value(real x, real a) { return x > 0 ? x : a * HW_MATH(hw_expm1_)(x > 0 ? 0 : x); }
static inline real elu_slope(real x, real y, real a) { return x > 0 ? 1 : y + a; }

static inline real selu_value(real x, real a)
{
    return (void)a, SELU_LAMBDA * (x > 0 ? x : SELU_ALPHA * HW_MATH(hw_expm1_)(x > 0 ? 0 : x));
}
static inline real selu_slope(real x, real y, real a)
{
    return (void)a, x > 0 ? SELU_LAMBDA : y + SELU_LAMBDA * SELU_ALPHA;
}

static inline real normal_share(real x) { return (real)0.5 * (1 + HW_MATH(hw_erf)(x * (real)0.7071067811865476)); }
static inline real gelu_value(real x, real a) { return (void)a, x * normal_share(x); }
static inline real gelu_slope(real x, real y, real a)
{
    return (void)y, (void)a, normal_share(x) + x * (real)0.3989422804014327 * HW_MATH(hw_exp)((real)-0.5 * x * x);
}

static inline real silu_value(real x, real a) { return (void)a, x * HW_MATH(hw_logistic)(x); }
static inline real silu_slope(real x, real y, real a)
{
    real s = HW_MATH(hw_logistic)(x);
    return (void)y, (void)a, s * (1 + x * (1 - s));
}

static inline real softplus_value(real x, real a)
{
    return (void)a, (x > 0 ? x : 0) + HW_MATH(hw_log1p_)(HW_MATH(hw_exp)(x > 0 ? -x : x));
}
static inline real softplus_slope(real x, real y, real a) { return (void)y, (void)a, HW_MATH(hw_logistic)(x); }

static inline real hard_tanh_value(real x, real a) { return (void)a, x < -1 ? -1 : x > 1 ? 1 : x; }
static inline real hard_tanh_slope(real x, real y, real a) { return (void)y, (void)a, x > -1 && x < 1 ? 1 : 0; }

#define HW_LOOPS(name)                                                                                                     \
    static void name##_forward(const real *restrict x, real a, real *restrict y, int m)                                    \
    {                                                                                                                      \
        for (int j = 0; j < m; j++)                                                                                        \
            y[j] = name##_value(x[j], a);                                                                                  \
    }                                                                                                                      \
    static void name##_backward(const real *restrict x, const real *restrict y, const real *restrict dy, real a,           \
                                real *restrict dx, int m)                                                                  \
    {                                                                                                                      \
        for (int j = 0; j < m; j++) { /* a slope of 0 lets nothing through, an infinite derivative neither */              \
            real slope = name##_slope(x[j], y[j], a);                                                                      \
            dx[j] = slope == 0 ? 0 : dy[j] * slope;                                                                        \
        }                                                                                                                  \
    }
HW_ACTIVATIONS(HW_LOOPS)
#undef HW_LOOPS

static inline void activate(int code, const real *x, real a, real *y, int m)
{
    switch (code) {
#define HW_CASE(name)                                                                                                      \
    case HW_ACT_##name:                                                                                                    \
        if (HW_WHOLE)                                                                                                      \
            name##_forward(x, a, y, m);                                                                                    \
        break;
        HW_ACTIVATIONS(HW_CASE)
#undef HW_CASE
    }
}

static inline void differentiate(int code, const real *x, const real *y, const real *dy, real a, real *dx, int m)
{
    switch (code) {
#define HW_CASE(name)                                                                                                      \
    case HW_ACT_##name:                                                                                                    \
        if (HW_WHOLE)                                                                                                      \
            name##_backward(x, y, dy, a, dx, m);                                                                           \
        break;
        HW_ACTIVATIONS(HW_CASE)
#undef HW_CASE
    }
}
#endif
