/* Weights of rows, of series and of transitions. */
#ifndef HW_WEIGHTS_H
#define HW_WEIGHTS_H

#ifdef HW_PAGE /* values of a series and transitions count once each */
enum { HW_WEIGHS = 0 };
#else
enum { HW_WEIGHS = 1 };
#endif
#define HW_MOST_WEIGHT 1e15

/* How far a row of weight w, above 0, moves what one of weight 1 moves by `rate`: the gain of least squares where its
 * squared error counts w times, and what was learned before as it did. */
static inline double hw_weighed(double rate, double w)
{
    return !HW_WEIGHS || w == 1 ? rate : w * rate / (1 - rate + w * rate);
}

#endif
