/* Clipped gradients of a linear model and the normal noise that hides each of them.

   The noise comes from a cipher whose key is the secret: who can't predict the stream can't subtract the noise. It lies on
   a grid, so that the last bits of a sum of doubles don't tell what was added (Mironov 2012). */
#include "private.h"

#include "../../elementary.h"

static uint32_t turned(uint32_t x, int by) { return x << by | x >> (32 - by); }

static void quarter_round(uint32_t *x, int a, int b, int c, int d)
{
    x[a] += x[b], x[d] = turned(x[d] ^ x[a], 16);
    x[c] += x[d], x[b] = turned(x[b] ^ x[c], 12);
    x[a] += x[b], x[d] = turned(x[d] ^ x[a], 8);
    x[c] += x[d], x[b] = turned(x[b] ^ x[c], 7);
}

static void block_words(const uint8_t *key, uint64_t block, uint32_t *out)
{
    uint32_t first[16] = {0x61707865u, 0x3320646eu, 0x79622d32u, 0x6b206574u};
    for (int i = 0; i < 8; i++)
        first[4 + i] =
            key[4 * i] | (uint32_t)key[4 * i + 1] << 8 | (uint32_t)key[4 * i + 2] << 16 | (uint32_t)key[4 * i + 3] << 24;
    first[12] = (uint32_t)block, first[13] = (uint32_t)(block >> 32);
    for (int i = 0; i < 16; i++)
        out[i] = first[i];
    for (int i = 0; i < 10; i++) {
        for (int k = 0; k < 4; k++)
            quarter_round(out, k, 4 + k, 8 + k, 12 + k);
        for (int k = 0; k < 4; k++)
            quarter_round(out, k, 4 + (k + 1) % 4, 8 + (k + 2) % 4, 12 + (k + 3) % 4);
    }
    for (int i = 0; i < 16; i++)
        out[i] += first[i];
}

void hw_secret_block(const uint8_t *key, uint64_t block, uint8_t *out)
{
    uint32_t words[16];
    block_words(key, block, words);
    for (int i = 0; i < HW_SECRET_BLOCK; i++)
        out[i] = (uint8_t)(words[i / 4] >> 8 * (i % 4));
}

static double on_grid(double x)
{
    const double shift = 6755399441055744.0 / 1048576.0; /* 1.5 · 2^52 · 2^-20: adding it rounds to a multiple of 2^-20 */
    return (x + shift) - shift;
}

/* Box and Muller 1958: two uniform numbers give two normal ones. */
void hw_secret_normals(const uint8_t *key, uint64_t block, double *out, int64_t n)
{
    uint32_t words[16];
    for (int64_t i = 0; i < n; i += 2) {
        int at = (int)(i % HW_NORMALS_A_BLOCK);
        if (at == 0)
            block_words(key, block++, words);
        const uint32_t *four = words + 2 * at;
        double above_0 = (double)(((uint64_t)four[1] << 32 | four[0]) >> 11) + 1.0; /* in (0, 2^53] */
        double turn = (double)(((uint64_t)four[3] << 32 | four[2]) >> 11) * 0x1p-53;
        double radius = __builtin_sqrt(-2.0 * hw_log64(above_0 * 0x1p-53));
        out[i] = on_grid(radius * hw_cos2pi64(turn));
        if (i + 1 < n)
            out[i + 1] = on_grid(radius * hw_sin2pi64(turn));
    }
}

static void row_scores(const double *weights, int64_t outputs, const hw_entries_t *rows, int64_t i, double *scores)
{
    for (int64_t k = 0; k < outputs; k++)
        scores[k] = 0.0;
    for (int64_t e = i ? rows->end[i - 1] : 0; e < rows->end[i]; e++) {
        const double *of = weights + rows->feature[e] * outputs;
        for (int64_t k = 0; k < outputs; k++)
            scores[k] += rows->value[e] * of[k];
    }
}

static void to_shares(const double *scores, int64_t outputs, double *shares)
{
    double most = 0.0, sum = 0.0;
    for (int64_t k = 0; k < outputs; k++)
        most = scores[k] > most ? scores[k] : most;
    for (int64_t k = 0; k <= outputs; k++)
        sum += shares[k] = hw_exp64((k ? scores[k - 1] : 0.0) - most);
    for (int64_t k = 0; k <= outputs; k++)
        shares[k] /= sum;
}

void hw_entries_predict(const double *weights, int64_t outputs, const hw_entries_t *rows, int classes, double *out,
                        double *work)
{
    int64_t width = outputs + (classes ? 1 : 0);
    for (int64_t i = 0; i < rows->rows; i++) {
        row_scores(weights, outputs, rows, i, classes ? work : out + i * width);
        if (classes)
            to_shares(work, outputs, out + i * width);
    }
}

/* What each output was off in a row: p - y, times its weight, scaled down to a norm of at most `clip`. */
static void row_error(double *scores, int64_t outputs, double y, double w, int classes, double clip, double *shares)
{
    double squares = 0.0;
    if (classes)
        to_shares(scores, outputs, shares);
    for (int64_t k = 0; k < outputs; k++) {
        double off = classes ? shares[k + 1] - (y == (double)(k + 1) ? 1.0 : 0.0) : scores[k] - y;
        scores[k] = w * off;
        squares += scores[k] * scores[k];
    }
    double norm = __builtin_sqrt(squares);
    for (int64_t k = 0; k < outputs && norm > clip; k++)
        scores[k] *= clip / norm;
}

void hw_entries_gradient(const double *weights, int64_t outputs, const hw_entries_t *rows, const double *y, const double *w,
                         int classes, double clip, double *sums, double *work)
{
    for (int64_t i = 0; i < rows->rows; i++) {
        row_scores(weights, outputs, rows, i, work);
        row_error(work, outputs, y[i], w[i], classes, clip, work + outputs);
        for (int64_t e = i ? rows->end[i - 1] : 0; e < rows->end[i]; e++)
            for (int64_t k = 0; k < outputs; k++)
                sums[rows->feature[e] * outputs + k] += rows->value[e] * work[k];
    }
}
