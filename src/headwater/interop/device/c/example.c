/* Learns rows from standard input, "x1 x2 … y" a line, and saves its state to the file that is named: in the place of a
 * sensor and of flash. A first argument that exists is loaded, so that a second run goes on where the first one ended. */
#include "headwater.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two areas of flash in memory: erased bytes are 0xFF, and programming can only make ones to zeros. */
static _Alignas(8) unsigned char flash[2 * MODEL_FLASH_BYTES];

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

/* The row of a line, and its label, where it has one; false: the line holds something else. "nan" is a number that is
 * missing. */
static bool row_of(const char *line, double *x, double *y, long row)
{
    const int wanted = MODEL_INPUTS + !MODEL_SCORES;
    int found = 0;
    char *end;
    for (; found < wanted; found++, line = end) {
        *(found < MODEL_INPUTS ? x + found : y) = strtod(line, &end);
        if (end == line)
            break;
    }
    line += strspn(line, " \t\r\n");
    if (found == wanted && !*line)
        return true;
    if (found || *line)
        fprintf(stderr, "expected %d numbers%s, got %s after %d, at row %ld; it was left out.\n", MODEL_INPUTS,
                MODEL_SCORES ? "" : " and a label", *line ? "something else" : "the end", found, row);
    return false;
}

/* What a row was left out for. */
static void tell(int status, double y, long row)
{
    if (status == MODEL_NO_MEMORY)
        fprintf(stderr, "the arena is too small for what row %ld brings; it was left out.\n", row);
    else if (MODEL_CLASSES)
        fprintf(stderr, "expected a class from 0 to %d, got %g, at row %ld; it was left out.\n", MODEL_CLASSES - 1, y, row);
    else
        fprintf(stderr, "expected a finite number as label, got %g, at row %ld; it was left out.\n", y, row);
}

/* What a prediction is judged by: whether it is right, how far off it is, or the score of how unusual the row is. */
static double judged(const float *p, double y)
{
    int best = 0;
    if (MODEL_SCORES || !MODEL_CLASSES)
        return MODEL_SCORES ? (double)p[0] : fabs((double)p[0] - y);
    for (int j = 1; j < MODEL_OUTPUTS; j++)
        best = p[j] > p[best] ? j : best;
    return MODEL_OUTPUTS > 1 ? best == (int)y : (p[0] > 0.5f) == (y > 0.5);
}

#ifdef MODEL_EXPLAINS
/* What moved the prediction for a row, column by column. */
static void explain(const double *x)
{
    float parts[MODEL_INPUTS + 1], baseline = 0;
    if (model_explain(x, -1, parts, &baseline) < 0)
        return;
    printf("baseline %.4f, contributions", (double)baseline);
    for (int i = 0; i < MODEL_INPUTS; i++)
        printf(" %.4f", (double)parts[i]);
    printf("\n");
}
#endif

int main(int count, char **arguments)
{
    const model_flash memory = {read_flash, erase_flash, program_flash, NULL, 0, MODEL_FLASH_BYTES, flash};
    const char *name = count > 1 ? arguments[1] : NULL;
    static char line[32 * (MODEL_INPUTS + 2)];
    double x[MODEL_INPUTS + 1], y = 0, sum = 0;
    float p[MODEL_OUTPUTS];
    long rows = 0;
    memset(flash, 0xFF, sizeof flash);
    FILE *file = name ? fopen(name, "rb") : NULL;
    if (file && fread(flash, 1, sizeof flash, file) != sizeof flash)
        fprintf(stderr, "%s is shorter than two areas of flash.\n", name);
    if (file)
        fclose(file);
    if (model_begin() < 0)
        return fprintf(stderr, "The arena is too small.\n"), 1;
    if (model_load(&memory) == 0)
        printf("goes on from %s\n", name);
    for (long row = 1; fgets(line, sizeof line, stdin); row++) {
        if (!row_of(line, x, &y, row))
            continue;
        int status = model_learn(x, y, 1, p);
        if (status < 0)
            tell(status, y, row);
        else if (y == y) {
            rows += 1;
            sum += judged(p, y);
        }
    }
#ifdef MODEL_EXPLAINS
    if (rows)
        explain(x);
#endif
    int saved = model_save(&memory);
    file = name && saved == 0 ? fopen(name, "wb") : NULL;
    if (file && (fwrite(flash, 1, sizeof flash, file) != sizeof flash || fclose(file) != 0))
        saved = MODEL_BAD_FLASH;
    const char *what = MODEL_SCORES ? "mean score" : MODEL_CLASSES ? "accuracy" : "mean absolute error";
    printf("%ld rows, %s %.4f, state %016" PRIx64 "\n", rows, what, rows ? sum / (double)rows : 0, model_digest());
    return saved == 0 ? 0 : 1;
}
