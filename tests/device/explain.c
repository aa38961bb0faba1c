/* Reads rows as doubles, each with its label, and writes of each as floats: the baseline, and what each column contributes. */
#include "headwater.h"

#include <stdio.h>
#include <string.h>

int main(void)
{
    double row[MODEL_INPUTS + 1];
    float out[MODEL_INPUTS + 1], p[MODEL_OUTPUTS], again[MODEL_OUTPUTS];
    if (model_begin() < 0)
        return 1;
    while (fread(row, sizeof row, 1, stdin) == 1) {
        if (model_predict(row, p) < 0 || model_explain(row, -1, out + 1, out) < 0)
            return 2;
        if (model_predict(row, again) < 0 || memcmp(p, again, sizeof p) != 0) /* nothing has moved */
            return 3;
        fwrite(out, sizeof out, 1, stdout);
        model_learn(row, row[MODEL_INPUTS], 1, p);
    }
    return MODEL_CLASSES && model_explain(row, MODEL_CLASSES, out, NULL) != MODEL_BAD_LABEL ? 4 : 0;
}
