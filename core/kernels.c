/* All that computes, compiled once for each number type (HW_DOUBLE) and level of the processor (HW_LEVEL). */
#include "learner.h"

#include "kernels/vec.h"
#include "kernels/activations.h"
#include "kernels/output/losses.h"
#include "kernels/optimizers/optim.c"
#include "kernels/optimizers/schedule.c"
#include "kernels/layers/norm.c"
#include "kernels/layers/image.c"
#include "kernels/net.c"
#include "kernels/layers/recurrent.c"
#include "kernels/step.c"
#include "kernels/input/input.c"
#include "kernels/input/cells.c"

/* A page loads the core. No loop of these runs over the units of a layer, so there they are compiled for size. */
#ifdef __wasm__
#pragma clang attribute push(__attribute__((minsize)), apply_to = function)
#endif
#include "kernels/input/text.c"
#include "kernels/output/mixture.c"
#include "kernels/output/coverage.c"
#include "kernels/replay.c"
#include "kernels/learn.c"
#include "kernels/batch.c"
#ifdef __wasm__
#pragma clang attribute pop
#endif

#ifndef HW_WITHOUT_anomaly
#include "kernels/kinds/anomaly.c"
#else /* parts/left_out.c */
static int kernel_score(hw_learner *l, void *p) { return (void)l, (void)p, HW_BAD_ARGUMENT; }
static int kernel_learn_unusual(hw_learner *l, double w, void *p) { return (void)l, (void)w, (void)p, HW_BAD_ARGUMENT; }
static void kernel_contributions(hw_learner *l, double *row, double *score, double *of_new)
{
    (void)l, (void)row, (void)score, (void)of_new;
}
#endif
#ifdef HW_WITHOUT_agent
#define AGENT NULL, NULL, NULL
#else
#include "kernels/kinds/agent.c"
#define AGENT kernel_look, kernel_learn_transition, end_traces
#endif

#define JOIN_(type, level) hw_kernels_##type##_##level
#define JOIN(type, level) JOIN_(type, level)
#if HW_DOUBLE
#define BITS 64
#else
#define BITS 32
#endif

#ifdef HW_PAGE /* nothing there asks for labels that come late */
#define LATE (0 ? kernel_predict_pending : NULL), (0 ? kernel_learn_late : NULL)
#else
#define LATE kernel_predict_pending, kernel_learn_late
#endif
#define WHOLE(function) (HW_WHOLE ? function : NULL)

const hw_kernels JOIN(BITS, HW_LEVEL) = {kernel_predict,
                                         HW_LEARNS ? kernel_learn : NULL,
                                         LATE,
                                         WHOLE(kernel_learn_array),
                                         WHOLE(kernel_forward),
                                         WHOLE(kernel_gradient),
                                         WHOLE(kernel_apply),
                                         WHOLE(kernel_pairs),
                                         WHOLE(kernel_find_cells),
                                         WHOLE(kernel_score),
                                         WHOLE(kernel_learn_unusual),
                                         WHOLE(kernel_contributions),
                                         WHOLE(kernel_sequence),
                                         AGENT};
