/* Schedules: how the step size moves with the number t of steps taken (t = 1 at the first). A stream has no last epoch, so
 * each says what it does for ever after. */
#ifndef HW_SCHEDULE_C
#define HW_SCHEDULE_C

#ifndef HW_LEARNER_H /* alone, as an editor reads it */
#include "../vec.h"
#endif

static double rate_at(int schedule, double lr, double a, double b, double t)
{
    switch (HW_WHOLE ? schedule : HW_SCHEDULE_constant) {
    case HW_SCHEDULE_inverse_scaling: /* lr / t^a */ return lr / hw_pow64(t, a);
    case HW_SCHEDULE_cosine: /* half a cosine from lr to b over a steps, then b */
        return b + (lr - b) * 0.5 * (1 + hw_cos2pi64(0.5 * ((t - 1) / a < 1 ? (t - 1) / a : 1)));
    case HW_SCHEDULE_step: { /* times b after every a steps */
        double stages = (t - 1) / a;
        return lr * hw_ipow64(b, stages < 1e9 ? (uint64_t)stages : (uint64_t)1000000000);
    }
    case HW_SCHEDULE_warm_up: /* a straight rise over a steps, then lr */ return lr * (t / a < 1 ? t / a : 1);
    default: return lr;
    }
}

#endif
