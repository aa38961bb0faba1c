/* Detectors of anomalies (anomaly.c, ../../kernels/kinds/anomaly.c). */
#ifndef HW_PART_ANOMALY_H
#define HW_PART_ANOMALY_H

#include "../../headwater.h"

/* Working memory of a detector of anomalies. */
typedef struct hw_anomaly_t {
    void *by_row;             /* (rows) zeros, but for the sample at hand while its distances are computed */
    void *reordered, *errors; /* values in another sample's order, and what the autoencoder failed to rebuild */
} hw_anomaly_t;

/* Its arrays in the state; HW_DERIVED: memory that is no part of it. */
#define HW_ANOMALY_ARRAYS(A, HW_DERIVED)                                                                                   \
    HW_DERIVED(anomaly, by_row)                                                                                            \
    HW_DERIVED(anomaly, reordered)                                                                                         \
    HW_DERIVED(anomaly, errors)

int hw_reserve_anomaly(hw_learner *l); /* room to look at the sample at hand beside those of the ring */

#endif
