/* Sums of a private learner (private.c, src/headwater/kinds/private/engine.py). */
#ifndef HW_PART_PRIVATE_H
#define HW_PART_PRIVATE_H

#include <stdint.h>

enum { HW_SECRET_KEY = 32, HW_SECRET_BLOCK = 64, HW_NORMALS_A_BLOCK = 8 }; /* bytes, bytes, numbers */

/* Rows as entries (feature, value): those of row i end before end[i]. */
typedef struct hw_entries_t {
    const int64_t *feature;
    const double *value;
    const int64_t *end;
    int64_t rows;
} hw_entries_t;

/* The stream of ChaCha20 (Bernstein 2008; RFC 8439 with nonce 0), from a 64-byte block on. */
void hw_secret_block(const uint8_t *key, uint64_t block, uint8_t *out);

/* Standard normal numbers on a grid of 2^-20, from that stream: n numbers take ceil(n / 8) blocks. */
void hw_secret_normals(const uint8_t *key, uint64_t block, double *out, int64_t n);

/* What a linear model says of rows: the probabilities of outputs + 1 classes, of which the first has the score 0, or its
   outputs. weights (features, outputs), out (rows, outputs, or one more of classes); `work`: outputs numbers. */
void hw_entries_predict(const double *weights, int64_t outputs, const hw_entries_t *rows, int classes, double *out,
                        double *work);

/* Add to `sums` (features, outputs) the gradient of each row, scaled down to a norm of at most `clip`, where the entries of
   a row have norm 1. y: classes, or of a regressor numbers; w: weights. `work`: 2 · outputs + 1 numbers. */
void hw_entries_gradient(const double *weights, int64_t outputs, const hw_entries_t *rows, const double *y, const double *w,
                         int classes, double clip, double *sums, double *work);

#endif
