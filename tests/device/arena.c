/* Learns rows in an arena, and says how many were refused because it is too small. After these it must still predict. */
#include "headwater.h"

#include <stdio.h>

int main(void)
{
    float p;
    int refused = 0, status = model_begin();
    if (status < 0)
        return printf("begin %d\n", status), 0;
    for (int i = 0; i < 200; i++) {
        double x[MODEL_INPUTS] = {i % 7};
        status = model_learn(x, 0, 1, &p);
        if (status < 0 && (status != MODEL_NO_MEMORY || model_predict(x, &p) < 0 || !(p >= 0 && p <= 1)))
            return printf("row %d: %d\n", i, status), 0;
        refused += status < 0;
    }
    printf("%d refused\n", refused);
    return 0;
}
