/* Images: convolution and pooling, forward beside backward. Formulas and sources: headwater/plain/images.py.
 *
 * An image's numbers lie pixel after pixel, row after row, its channels side by side. A convolution's weights have a row
 * for each number of the window (row, column, channel), and a column for each neuron (lanes of them, up to whole vectors).
 *
 * What is zero is passed over: most pixels of a drawing, units that a ReLU has silenced, deltas of pixels that a pool has
 * not picked. A zero would only be added. Every sum runs in the order of the pixels, so all machines give the same bits. */
#ifndef HW_IMAGE_C
#define HW_IMAGE_C

#include "../vec.h"

/* How many numbers wide the loops below are compiled for; wider ones go by sixteens. In a browser each would be bytes to
 * load. */
#ifdef __wasm__
#define BY_LANES(call, lanes) call(lanes)
#else
#define BY_LANES(call, lanes)                                                                                              \
    do {                                                                                                                   \
        switch (lanes) {                                                                                                   \
        case 4: call(4); break;                                                                                            \
        case 8: call(8); break;                                                                                            \
        case 16: call(16); break;                                                                                          \
        case 32: call(32); break;                                                                                          \
        default: call(lanes);                                                                                              \
        }                                                                                                                  \
    } while (0)
#endif

/* y += x w over m numbers, whole vectors. */
static inline __attribute__((always_inline)) void add_times(real *restrict y, const real *restrict w, real x, int m)
{
    int j = 0;
    for (; j + NATIVE <= m; j += NATIVE)
        store(y + j, load(y + j) + (x - (native){0}) * load(w + j));
    for (; j < m; j += 4)
        *(real4_memory *)(y + j) = load4(y + j) + (x - (real4){0}) * load4(w + j);
}

static inline __attribute__((always_inline)) void copy_lanes(real *restrict y, const real *restrict x, int m)
{
    for (int j = 0; j < m; j += 4)
        *(real4_memory *)(y + j) = load4(x + j);
}

static void clear(real *x, int64_t from, int64_t to)
{
    for (int64_t j = from; j < to; j++)
        x[j] = 0;
}

/* The first row of a window (or column) under which place y of n windows' framed image can lie: the windows begin at 0,
 * step, 2 step, … */
static inline int first_under(int y, int windows, int step)
{
    int low = y - (windows - 1) * step;
    return low < 0 ? y % step : low;
}

/* z (pixels, lanes) = b + the sum of x times its row of w, number after number of the image. */
static inline __attribute__((always_inline)) void convolve_(const hw_window *q, const real *restrict x,
                                                            const real *restrict w, const real *b, real *restrict z,
                                                            const int lanes)
{
    int pixels = q->out_height * q->out_width, channels = q->channels, step = q->step;
    for (int o = 0; o < pixels; o++)
        for (int j = 0; j < lanes; j += 4)
            *(real4_memory *)(z + (int64_t)o * lanes + j) = b ? load4(b + j) : (real4){0};
    for (int y = q->padding; y < q->padding + q->height; y++) {
        int low = first_under(y, q->out_height, step), high = y < q->size ? y : q->size - 1;
        for (int c = q->padding; c < q->padding + q->width; c++) {
            int left = first_under(c, q->out_width, step), right = c < q->size ? c : q->size - 1;
            int column = (c - left) / step;
            for (int i = 0; i < channels; i++) {
                const real value = *x++;
                if (value == 0)
                    continue;
                for (int u = low; u <= high; u += step) {
                    const real *row = w + ((int64_t)(u * q->size + left) * channels + i) * lanes;
                    real *sum = z + ((int64_t)((y - u) / step) * q->out_width + column) * lanes;
                    for (int v = left; v <= right; v += step) {
                        add_times(sum, row, value, lanes);
                        row += (int64_t)step * channels * lanes;
                        sum -= lanes;
                    }
                }
            }
        }
    }
}

static void convolve(const hw_window *q, const real *x, const real *w, const real *b, real *z, int lanes)
{
#define CALL(m) convolve_(q, x, w, b, z, m)
    BY_LANES(CALL, lanes);
#undef CALL
}

/* From z (pixels, lanes) to y (pixels, m) without gaps. A vector that reaches into the next pixel is overwritten by it; y
 * has room for sixteen numbers more. */
static void close_gaps(const real *restrict z, real *restrict y, int64_t pixels, int m, int lanes)
{
    for (int64_t o = 0; o < pixels; o++)
        copy_lanes(y + o * m, z + o * lanes, lanes);
}

/* An image with a frame of zeros of q->padding pixels. */
static void frame_image(const hw_window *q, const real *x, real *framed)
{
    int64_t row = (int64_t)q->width * q->channels, wide = row + 2LL * q->padding * q->channels;
    clear(framed, 0, wide * (q->height + 2LL * q->padding) + 64);
    for (int y = 0; y < q->height; y++)
        memcpy(framed + (y + q->padding) * wide + (int64_t)q->padding * q->channels, x + y * row,
               (size_t)row * sizeof(real));
}

/* The numbers of a convolution's backward pass, in the learner's room for images. A neuron's weights lie row after row of
 * its window, each up to whole vectors: what a row of the window sees are neighbours in memory. */
typedef struct window_room {
    real *framed, *framed_delta; /* the image and the derivatives by it */
    real *turned, *turned_gradient;
    real *gradient, *shift; /* as the weights lie (rows, lanes), and (lanes) of the bias */
    int row;                /* numbers of a row of the window, up to whole vectors */
} window_room;

static window_room room_of(const hw_window *q, real *at, int m, int lanes)
{
    int64_t framed = (int64_t)(q->height + 2 * q->padding) * (q->width + 2 * q->padding) * q->channels + 64;
    int row = hw_lanes((int64_t)q->size * q->channels);
    int64_t turned = (int64_t)m * q->size * row + 16, rows = (int64_t)q->size * q->size * q->channels;
    real *weights = at + 2 * framed, *gradient = weights + 2 * turned;
    return (window_room){at, at + framed, weights, weights + turned, gradient, gradient + rows * lanes, row};
}

static void turn_weights(const hw_window *q, const window_room *r, const real *restrict w, int m, int lanes)
{
    int seen = q->size * q->channels;
    real *restrict out = r->turned;
    for (int j = 0; j < m; j++)
        for (int u = 0; u < q->size; u++, out += r->row) {
            for (int k = 0; k < seen; k++)
                out[k] = w[((int64_t)u * seen + k) * lanes + j];
            clear(out, seen, r->row);
        }
}

static void turn_gradient_back(const hw_window *q, const window_room *r, int m, int lanes)
{
    int seen = q->size * q->channels;
    const real *restrict in = r->turned_gradient;
    real *restrict out = r->gradient;
    clear(out, 0, (int64_t)q->size * seen * lanes);
    for (int j = 0; j < m; j++)
        for (int u = 0; u < q->size; u++, in += r->row)
            for (int k = 0; k < seen; k++)
                out[((int64_t)u * seen + k) * lanes + j] = in[k];
}

/* For each delta that is not zero: its window times the delta to the gradient, its neuron's weights times the delta to the
 * derivatives by the window (pass: somebody asks for them). */
static inline __attribute__((always_inline)) void convolve_back_(const hw_window *q, const window_room *r,
                                                                 const real *restrict dy, int m, bool pass, const int row)
{
    int64_t wide = (int64_t)(q->width + 2 * q->padding) * q->channels;
    for (int y = 0; y < q->out_height; y++)
        for (int c = 0; c < q->out_width; c++) {
            int64_t at = ((int64_t)y * wide + (int64_t)c * q->channels) * q->step;
            for (int j = 0; j < m; j++) {
                const real d = *dy++;
                if (d == 0)
                    continue;
                r->shift[j] += d;
                real *g = r->turned_gradient + (int64_t)j * q->size * row;
                const real *w = r->turned + (int64_t)j * q->size * row;
                for (int u = 0; u < q->size; u++) {
                    add_times(g + u * row, r->framed + at + u * wide, d, row);
                    if (pass)
                        add_times(r->framed_delta + at + u * wide, w + u * row, d, row);
                }
            }
        }
}

/* Leaves the gradients in the room, and in dx (NULL: nobody asks) the derivatives by the image. */
static void convolve_back(const hw_window *q, const window_room *r, const real *x, const real *w, const real *dy, real *dx,
                          int m, int lanes)
{
    frame_image(q, x, r->framed);
    int64_t wide = (int64_t)(q->width + 2 * q->padding) * q->channels, row = (int64_t)q->width * q->channels;
    clear(r->turned_gradient, 0, (int64_t)m * q->size * r->row);
    clear(r->shift, 0, lanes);
    if (dx) {
        turn_weights(q, r, w, m, lanes);
        clear(r->framed_delta, 0, wide * (q->height + 2LL * q->padding) + 64);
    }
#define CALL(n)                                                                                                            \
    if (dx)                                                                                                                \
        convolve_back_(q, r, dy, m, true, n);                                                                              \
    else                                                                                                                   \
        convolve_back_(q, r, dy, m, false, n)
    BY_LANES(CALL, r->row);
#undef CALL
    turn_gradient_back(q, r, m, lanes);
    for (int y = 0; dx && y < q->height; y++)
        memcpy(dx + y * row, r->framed_delta + (y + q->padding) * wide + (int64_t)q->padding * q->channels,
               (size_t)row * sizeof(real));
}

/* ---- pools ----------------------------------------------------------------------------------------------- */

/* Rows (or columns) of an image of n that window i covers. */
static inline void covered(const hw_window *q, int i, int n, int *from, int *to)
{
    int first = i * q->step - q->padding;
    *from = first < 0 ? 0 : first;
    *to = first + q->size < n ? first + q->size : n;
}

/* The largest number of each window, channel by channel, and where it lies (the first, if there are several). */
static inline __attribute__((always_inline)) void pool_largest_(const hw_window *q, const real *x, real *y, real *where,
                                                                const int lanes)
{
    static const real4 side_by_side = {0, 1, 2, 3};
    for (int v = 0; v < q->out_height; v++) {
        int top, bottom;
        covered(q, v, q->height, &top, &bottom);
        for (int c = 0; c < q->out_width; c++, y += q->channels, where += q->channels) {
            int left, right;
            covered(q, c, q->width, &left, &right);
            for (int j = 0; j < lanes; j += 4) {
                int64_t first = ((int64_t)top * q->width + left) * q->channels + j;
                real4 best = load4(x + first), at = ((real)first - (real4){0}) + side_by_side;
                for (int u = top; u < bottom; u++)
                    for (int k = left; k < right; k++) {
                        int64_t place = ((int64_t)u * q->width + k) * q->channels + j;
                        real4 value = load4(x + place);
                        real4_mask more = value > best;
                        best = select_real4(more, value, best);
                        at = select_real4(more, ((real)place - (real4){0}) + side_by_side, at);
                    }
                *(real4_memory *)(y + j) = best;
                *(real4_memory *)(where + j) = at;
            }
        }
    }
}

static void pool_largest(const hw_window *q, const real *x, real *y, real *where)
{
#define CALL(m) pool_largest_(q, x, y, where, m)
    BY_LANES(CALL, hw_lanes(q->channels));
#undef CALL
}

static void pool_mean(const hw_window *q, const real *x, real *y)
{
    real count = (real)(q->size * q->size);
    for (int v = 0; v < q->out_height; v++)
        for (int c = 0; c < q->out_width; c++, y += q->channels) {
            int top, bottom, left, right;
            covered(q, v, q->height, &top, &bottom);
            covered(q, c, q->width, &left, &right);
            clear(y, 0, q->channels);
            for (int u = top; u < bottom; u++)
                for (int k = left; k < right; k++)
                    for (int j = 0; j < q->channels; j++)
                        y[j] += x[((int64_t)u * q->width + k) * q->channels + j];
            for (int j = 0; j < q->channels; j++)
                y[j] /= count;
        }
}

static void pool_mean_back(const hw_window *q, const real *dy, real *dx)
{
    real count = (real)(q->size * q->size);
    for (int v = 0; v < q->out_height; v++)
        for (int c = 0; c < q->out_width; c++, dy += q->channels) {
            int top, bottom, left, right;
            covered(q, v, q->height, &top, &bottom);
            covered(q, c, q->width, &left, &right);
            for (int u = top; u < bottom; u++)
                for (int k = left; k < right; k++)
                    for (int j = 0; j < q->channels; j++)
                        dx[((int64_t)u * q->width + k) * q->channels + j] += dy[j] / count;
        }
}

static void pool_forward(const hw_op *o, const real *x, real *y, real *own)
{
    if (o->code == 0)
        pool_largest(&o->window, x, y, own + 16);
    else
        pool_mean(&o->window, x, y);
    clear(y, o->m, o->m_lanes);
}

static void pool_backward(const hw_op *o, const real *own, const real *dy, real *dx)
{
    clear(dx, 0, o->n_lanes);
    if (o->code == 1) {
        pool_mean_back(&o->window, dy, dx);
        return;
    }
    for (int j = 0; j < o->m; j++)
        dx[(int32_t)own[16 + j]] += dy[j];
}

/* ---- from pixels to numbers side by side ------------------------------------------------------------------ */

/* y (channels, pixels) of x (pixels, channels), and back. */
static void flatten(const hw_op *o, const real *restrict x, real *restrict y)
{
    int channels = o->window.channels, pixels = o->window.height;
    for (int c = 0; c < channels; c++)
        for (int p = 0; p < pixels; p++)
            *y++ = x[p * channels + c];
    clear(y, 0, o->m_lanes - o->m);
}

static void flatten_back(const hw_op *o, const real *restrict dy, real *restrict dx)
{
    int channels = o->window.channels, pixels = o->window.height;
    for (int c = 0; c < channels; c++)
        for (int p = 0; p < pixels; p++)
            dx[p * channels + c] = *dy++;
    clear(dx, o->n, o->n_lanes);
}

/* A sample (channels, pixels) as the net reads it. Missing numbers are zeros, huge ones 1e30. Counts what was not finite
 * and what was huge. */
static void read_image(const real *restrict in, int channels, int64_t pixels, real limit, real *restrict x, double *odd,
                       double *huge)
{
    for (int c = 0; c < channels; c++)
        for (int64_t p = 0; p < pixels; p++) {
            real v = *in++;
            if (!(v >= -limit && v <= limit)) {
                bool infinite = v - v != 0;
                *odd += infinite && v == v;
                *huge += !infinite;
                v = infinite ? 0 : v < 0 ? -limit : limit;
            }
            x[p * channels + c] = v;
        }
}

#endif
