/* The value of a rank among others, of either width (Hoare 1961). */
#ifndef HW_RANK_H
#define HW_RANK_H

#include <stdint.h>

/* The value of that rank, as if x[low] ... x[high] were sorted; these are put into another order, with none larger before
 * it and none smaller behind it. */
#define HW_SELECT_RANK(name, number)                                                                                       \
    static inline number name(number *x, int64_t low, int64_t high, int64_t rank)                                          \
    {                                                                                                                      \
        while (low < high) {                                                                                               \
            number pivot = x[low + (high - low) / 2], swap;                                                                \
            int64_t i = low, j = high;                                                                                     \
            while (i <= j) {                                                                                               \
                while (i < high && x[i] < pivot)                                                                           \
                    i++;                                                                                                   \
                while (j > low && pivot < x[j])                                                                            \
                    j--;                                                                                                   \
                if (i > j)                                                                                                 \
                    break;                                                                                                 \
                swap = x[i];                                                                                               \
                x[i++] = x[j];                                                                                             \
                x[j--] = swap;                                                                                             \
            }                                                                                                              \
            if (rank <= j)                                                                                                 \
                high = j;                                                                                                  \
            else if (rank >= i)                                                                                            \
                low = i;                                                                                                   \
            else                                                                                                           \
                break;                                                                                                     \
        }                                                                                                                  \
        return x[rank];                                                                                                    \
    }

#endif
