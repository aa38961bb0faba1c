/* What a learner is made of, number by number: for whoever writes one learner down as a program of its own. */
#include "learner.h"

typedef struct field {
    const char *name; /* as C writes it */
    uint16_t at;
    uint8_t kind;
} field;

enum { OF_BOOL, OF_INT, OF_LONG, OF_WIDE, OF_DOUBLE, OF_ARRAY };
#define KIND(x)                                                                                                            \
    _Generic((x), bool: OF_BOOL, int32_t: OF_INT, int64_t: OF_LONG, uint64_t: OF_WIDE, double: OF_DOUBLE, default: OF_ARRAY)
#define FIELD(type, f) {#f, offsetof(type, f), KIND(((type *)0)->f)}
#define L(f) FIELD(hw_learner, f)
#define E(f) FIELD(hw_expert_t, f)
#define O(f) FIELD(hw_op, f)

static const field LEARNER[] = {L(is_double),     L(growing),
                                L(standard),      L(targets),
                                L(embedding),     L(bias),
                                L(counted),       L(history),
                                L(knots),         L(ring),
                                L(intervals),     L(mixture),
                                L(answer_inputs), L(max_rows),
                                L(image),         L(image_channels),
                                L(ids),           L(experts),
                                L(all),           L(ops),
                                L(outputs),       L(output_capacity),
                                L(dense),         L(stride),
                                L(buffers),       L(length),
                                L(lists),         L(widest),
                                L(states),        L(numbers.units),
                                L(numbers.rows),  L(numbers.stride),
                                L(slots.count),   L(names.count),
                                L(rows),          L(drawn),
                                L(fan_in),        L(learned),
                                L(shared_from),   L(shared_names),
                                L(highest_row),   L(entry_slots),
                                L(entry_x),       L(rows_at),
                                L(values_at),     L(values),
                                L(deltas),        L(list_rows),
                                L(list_values),   L(predictions),
                                L(row_undo),      L(losses),
                                L(staging)};
static const field EXPERT[] = {E(first),
                               E(last),
                               E(loss),
                               E(rule),
                               E(schedule),
                               E(outputs),
                               E(logits),
                               E(column),
                               E(width),
                               E(lanes),
                               E(most_lanes),
                               E(two_pass),
                               E(exact),
                               E(states),
                               E(numbers),
                               E(factored),
                               E(cells),
                               E(recurrent),
                               E(plain),
                               E(replays),
                               E(first_replays),
                               E(loss_number),
                               E(lr),
                               E(schedule_numbers[0]),
                               E(schedule_numbers[1]),
                               E(rule_numbers[0]),
                               E(rule_numbers[1]),
                               E(rule_numbers[2]),
                               E(rule_numbers[3]),
                               E(l1),
                               E(l2),
                               E(clip_norm),
                               E(clip_value),
                               E(dense_first),
                               E(dense_last)};
static const field OPERATION[] = {O(kind),     O(code),    O(n),      O(m),      O(n_lanes), O(m_lanes),
                                  O(source),   O(target),  O(single), O(sparse), O(list),    O(layer),
                                  O(constant), O(weights), O(stride), O(bias),   O(buffer),  O(squares)};
#define PART(name, type) {#name, offsetof(hw_learner, name), OF_ARRAY},
static const field PARTS[] = {HW_PARTS(PART)};

static double number_of(const void *owner, const field *f)
{
    const char *at = (const char *)owner + f->at;
    switch (f->kind) {
    case OF_BOOL: return *(const bool *)at;
    case OF_INT: return *(const int32_t *)(const void *)at;
    case OF_LONG: return (double)*(const int64_t *)(const void *)at;
    case OF_WIDE: return (double)*(const uint64_t *)(const void *)at;
    case OF_DOUBLE: return *(const double *)(const void *)at;
    default: return (double)hw_capacity(*(void *const *)(const void *)at);
    }
}

int hw_inside(const hw_learner *l, int table, int index, int i, const char **name, double *value)
{
    const struct {
        const field *fields;
        int count, owners;
        const char *owner;
        size_t size;
    } tables[] = {{LEARNER, sizeof LEARNER / sizeof *LEARNER, 1, (const char *)l, 0},
                  {EXPERT, sizeof EXPERT / sizeof *EXPERT, l->experts, (const char *)l->expert, sizeof *l->expert},
                  {OPERATION, sizeof OPERATION / sizeof *OPERATION, l->ops, (const char *)l->op, sizeof *l->op},
                  {PARTS, sizeof PARTS / sizeof *PARTS, 1, (const char *)l, 0}};
    if (table < 0 || table >= HW_INSIDES || index < 0 || index >= tables[table].owners || i < 0 || i >= tables[table].count)
        return HW_BAD_ARGUMENT;
    const field *f = tables[table].fields + i;
    *name = f->name;
    *value = number_of(tables[table].owner + (size_t)index * tables[table].size, f);
    return 0;
}
