/* The limit to come near: predict, then learn, row by row, written for 20-64-1 and nothing else.
 *
 * Every size is a constant, every loop is plain and runs along the 64 units, so that the compiler can keep the
 * sums of one layer in registers and vectorise everything (-O3 -march=native -ffast-math). Weights lie as
 * W[input][unit]: the other natural choice, W[unit][input], took 1.8 times as long (NOTES.md).
 *
 *   z = b + W'x,  h = relu(z),  p = sigmoid(c + v'h)          the prediction that is given out
 *   d = lr (p - y);  c -= d,  v -= d h,  b -= d v [z > 0],  W -= x (d v [z > 0])'
 */
#include <math.h>

enum { N = 20, M = 64 };

void learn_rows(long rows, float lr, const float *restrict X, const float *restrict y, float W[restrict N][M],
                float *restrict b, float *restrict v, float *restrict c, float *restrict proba)
{
    for (long r = 0; r < rows; r++) {
        const float *x = X + r * N;
        float h[M], g[M];
        float logit = *c;

        for (int j = 0; j < M; j++)
            h[j] = b[j];
        for (int i = 0; i < N; i++)
            for (int j = 0; j < M; j++)
                h[j] += x[i] * W[i][j];
        for (int j = 0; j < M; j++) {
            h[j] = h[j] > 0.0f ? h[j] : 0.0f;
            logit += v[j] * h[j];
        }
        proba[r] = 1.0f / (1.0f + expf(-logit));

        float d = lr * (proba[r] - y[r]);
        *c -= d;
        for (int j = 0; j < M; j++) {
            g[j] = h[j] > 0.0f ? d * v[j] : 0.0f;
            v[j] -= d * h[j];
            b[j] -= g[j];
        }
        for (int i = 0; i < N; i++)
            for (int j = 0; j < M; j++)
                W[i][j] -= x[i] * g[j];
    }
}
