/* Lean learning of a pool (lean.c). */
#ifndef HW_PART_LEAN_H
#define HW_PART_LEAN_H

/* As declared (HW_LEAN). */
typedef struct hw_lean_t {
    double gradient, weight, apart;
} hw_lean_t;

/* It has no arrays of its own: what rules keep lies where it lies without it, only shorter (hw_numbers). */
#define HW_LEAN_ARRAYS(A, HW_DERIVED)

#endif
