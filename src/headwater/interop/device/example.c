/* Learns rows from standard input, "x1 x2 … y" a line, and saves its state to the file that is named: in the place of a
 * sensor and of flash. A first argument that exists is loaded, so that a second run goes on where the first one ended. */
#include "headwater.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two areas of flash in memory: erased bytes are 0xFF, and programming can only make ones to zeros. */
static unsigned char flash[2 * MODEL_FLASH_BYTES];

static int read_flash(void *context, uint32_t at, void *to, uint32_t bytes)
{
    (void)context;
    memcpy(to, flash + at, bytes);
    return 0;
}

static int erase_flash(void *context, uint32_t at, uint32_t bytes)
{
    (void)context;
    memset(flash + at, 0xFF, bytes);
    return 0;
}

static int program_flash(void *context, uint32_t at, const void *from, uint32_t bytes)
{
    (void)context;
    for (uint32_t i = 0; i < bytes; i++)
        flash[at + i] &= ((const unsigned char *)from)[i];
    return 0;
}

/* A row, and its label; 0 at the end. "nan" is a number that is missing. */
static int next_row(double *x, double *y)
{
    for (int i = 0; i < MODEL_INPUTS; i++)
        if (scanf("%lf", x + i) != 1)
            return 0;
    return scanf("%lf", y) == 1;
}

static int is_right(const float *p, double y)
{
    int best = 0;
    for (int j = 1; j < MODEL_OUTPUTS; j++)
        best = p[j] > p[best] ? j : best;
    return MODEL_OUTPUTS > 1 ? best == (int)y : (p[0] > 0.5f) == (y > 0.5);
}

int main(int count, char **arguments)
{
    const model_flash memory = {read_flash, erase_flash, program_flash, NULL, 0, MODEL_FLASH_BYTES};
    const char *name = count > 1 ? arguments[1] : NULL;
    double x[MODEL_INPUTS], y, sum = 0;
    float p[MODEL_OUTPUTS];
    long rows = 0;
    memset(flash, 0xFF, sizeof flash);
    FILE *file = name ? fopen(name, "rb") : NULL;
    if (file && fread(flash, 1, sizeof flash, file) != sizeof flash)
        fprintf(stderr, "%s is shorter than two areas of flash.\n", name);
    if (file)
        fclose(file);
    model_begin();
    if (model_load(&memory) == 0)
        printf("goes on from %s\n", name);
    while (next_row(x, &y)) {
        if (model_learn(x, y, 1, p) < 0)
            continue; /* a label that can't be: the row is left out */
        rows += 1;
        sum += MODEL_CLASSES ? is_right(p, y) : fabs((double)p[0] - y);
    }
    int saved = model_save(&memory);
    file = name && saved == 0 ? fopen(name, "wb") : NULL;
    if (file && (fwrite(flash, 1, sizeof flash, file) != sizeof flash || fclose(file) != 0))
        saved = MODEL_BAD_FLASH;
    printf("%ld rows, %s %.4f, state %016" PRIx64 "\n", rows, MODEL_CLASSES ? "accuracy" : "mean absolute error",
           rows ? sum / (double)rows : 0, model_digest());
    return saved == 0 ? 0 : 1;
}
