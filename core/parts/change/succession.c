/* Succession: after a sudden change of what is to be learned a new learner is often better than one that must first forget.
 *
 * A learner follows what its predictions cost. Where they cost more than usual for a while, a second learner of the same
 * declaration begins: its names and rows are those of the first, all else is new. It learns the rows since the costs rose,
 * and then each row beside the first. Fading losses decide which of the two predicts. The one that predicts is always the
 * learner itself, and the two change places when the other becomes better: so nothing else needs to know that there are
 * two. Once it is clear which is better, the other goes. The rules stand in headwater/plain/outputs/succession.py, what was
 * tried in benchmarks/NOTES.md. */
#include "elementary.h"
#include "learner.h"

static const double PATIENCE = 35, TOLERANCE = 0.25; /* an alarm: rows that cost 35 deviations more, each beyond 0.25 */
static const double HARDEST = 5;                     /* deviations that one row may cost more */
static const double USUAL = 0.002, YOUNG = 500;      /* weight of a row in the usual loss; rows until it is known */
static const double LEAST = 0.05, BOUNDED = 50;      /* of nats, or of the usual loss; rows until a deviation is known */
static const double SETTLED = 400;                   /* so many rows count as seen when a competition has ended */
static const double MOST_KEPT = 64;                  /* rows */
static const double DEARER = 1.2, MUCH_DEARER = 1.5, DEAREST = 800,
                    FORGIVES = 0.9995;                  /* an alarm in vain makes the next one harder, for a while */
static const double FADES = 0.02, FADES_SLOWLY = 0.005; /* weight of a row in the losses of the two, */
static const double LARGEST = 1e60;
static const double FARTHEST = 8;                    /* in which none counts as more than 8 deviations */
static const double SOONEST = 128, LONGEST = 1500;   /* rows of a competition: until the old one may win, and at most */
static const double AT_ONCE = 24, FAR_BEHIND = 0.25; /* rows and deviations after which the new one is given up */
static const double MARGIN = 0.1;                    /* deviations by which the other one must be better to predict */
static const double BACK = 0.1, BEHIND = 0.15;       /* deviations from the usual loss, and from that of the other */

static double most(double a, double b) { return a > b ? a : b; }
static double least(double a, double b) { return a < b ? a : b; }

/* ---- two learners of one structure ------------------------------------------------------------------------- */

/* Rows, slots, outputs and step sizes of the other one become those of the learner; what is new there has learned nothing.
 * Rows up to the learner's capacity fit afterwards without further memory. */
static int follow_structure(const hw_learner *l, hw_learner *to)
{
    int status = hw_reserve_rows(to, l->row_capacity > l->rows ? l->row_capacity : l->rows);
    if (status >= 0)
        status = hw_reserve_slots(to, l->slots.count);
    if (status >= 0 && to->outputs < l->outputs)
        status = hw_add_outputs(to, l->outputs, -hw_log64((double)(hw_age(to) + l->outputs)));
    if (status < 0)
        return status;
    for (int64_t r = to->rows; r < l->rows; r++)
        hw_append_row(to, l->row_keys[r]);
    for (int32_t i = to->slots.count; i < l->slots.count; i++)
        hw_append_slot(to, l->slots.row[i], l->slots.basis[i]);
    memcpy(to->slots.basis, l->slots.basis, (size_t)l->slots.count * sizeof(int32_t));
    return hw_set_step(to, l->step[0], l->step[1]);
}

/* The sample at hand becomes that of the other one, with answers before as it knows them. */
static int give_entries(hw_learner *to, const int32_t *slots, const double *x, int64_t count)
{
    double inputs[HW_ANSWER_INPUTS];
    int status = hw_reserve_entries(to, count + to->answer_inputs);
    if (status >= 0)
        status = hw_reserve_pairs(to, count + to->answer_inputs);
    if (status < 0)
        return status;
    to->entries = to->added = 0;
    if (to->answer_inputs) {
        hw_read_answers(to, inputs);
        hw_begin_entries(to, inputs);
    }
    memcpy(to->entry_slots + to->entries, slots, (size_t)count * sizeof(int32_t));
    memcpy(to->entry_x + to->entries, x, (size_t)count * sizeof(double));
    to->entries += (int32_t)count;
    if (to->answer_inputs)
        hw_end_entries(to);
    return 0;
}

static int give_sample(const hw_learner *l, hw_learner *to)
{
    return give_entries(to, l->entry_slots + l->added, l->entry_x + l->added, l->entries - l->added);
}

/* What was told of units goes on to be told. */
static void copy_changes(const hw_learner *l, hw_learner *to)
{
    int64_t rows = l->units && to->units ? (int64_t)(hw_capacity(l->units->of) / (HW_UNIT * sizeof(double))) : 0;
    int64_t room = rows ? (int64_t)(hw_capacity(to->units->of) / (HW_UNIT * sizeof(double))) : 0;
    for (int64_t i = 0; i < (rows < room ? rows : room); i++)
        memcpy(to->units->of + i * HW_UNIT + HW_UNIT_CHANGED, l->units->of + i * HW_UNIT + HW_UNIT_CHANGED,
               (HW_UNIT - HW_UNIT_CHANGED) * sizeof(double));
}

/* Labels that are on their way will find nothing that it predicted. */
static int begin_late(const hw_learner *l, hw_learner *to)
{
    int status = l->late ? hw_make_pending(to) : 0;
    if (status >= 0 && l->late)
        to->late->added = to->late->oldest = l->late->added;
    return status;
}

static int learn_kept(const hw_learner *l, hw_learner *to)
{
    const hw_succession_t *s = l->succession;
    int64_t at = 0, kept = (int64_t)s->numbers[HW_S_KEPT];
    int status = 0;
    for (int64_t i = 0; i < kept && status >= 0; i++) {
        const double *row = s->rows + i * HW_KEPT;
        int64_t count = (int64_t)row[HW_KEPT_ENTRIES];
        status = give_entries(to, s->slots + at, s->x + at, count);
        if (status >= 0)
            status = hw_learn(to, row[HW_KEPT_LABEL], row[HW_KEPT_WEIGHT], s->p);
        at += count;
    }
    return status;
}

/* Of losses; what differs by less is no change. */
static double deviation(const hw_learner *l)
{
    const double *n = l->succession->numbers;
    return most(__builtin_sqrt(n[HW_S_VARIANCE]), most(LEAST * (l->targets ? n[HW_S_USUAL] : 1), 1e-300));
}

/* The loss of the rows kept, of which the new one knows nothing yet. */
static double loss_kept(const hw_learner *l)
{
    const hw_succession_t *s = l->succession;
    double sum = 0, bound = s->numbers[HW_S_USUAL] + FARTHEST * deviation(l);
    int64_t kept = (int64_t)s->numbers[HW_S_KEPT];
    for (int64_t i = 0; i < kept; i++)
        sum += least(s->rows[i * HW_KEPT + HW_KEPT_LOSS], bound);
    return sum / most((double)kept, 1);
}

/* A second learner begins. Nothing has changed where there was no memory for it. */
static int begin_successor(hw_learner *l)
{
    hw_succession_t *s = l->succession;
    int status = 0;
    hw_learner *to = hw_make_alike(l, &status);
    if (!to)
        return status;
    to->succession->numbers[HW_S_FOLLOWS] = 0;
    to->learned = l->learned - (int64_t)s->numbers[HW_S_KEPT];
    to->succession->numbers[HW_S_BORN] = (double)to->learned;
    status = l->outputs > to->outputs ? hw_add_outputs(to, l->outputs, 0) : 0;
    if (status >= 0)
        status = follow_structure(l, to);
    if (status >= 0)
        status = begin_late(l, to);
    if (status >= 0)
        status = learn_kept(l, to);
    if (status < 0)
        return hw_free(to), status;
    copy_changes(l, to);
    s->other = to;
    for (int i = HW_S_OLD_LOSS; i <= HW_S_NEW_MEAN; i++)
        s->numbers[i] = loss_kept(l);
    s->numbers[HW_S_DUE] = s->numbers[HW_S_AGE] = s->numbers[HW_S_SPEAKS] = 0;
    s->numbers[HW_S_KEPT] = s->numbers[HW_S_ENTRIES] = 0;
    return 0;
}

static void swap(void *a, void *b, size_t size)
{
    unsigned char *x = a, *y = b;
    for (size_t i = 0; i < size; i++) {
        unsigned char kept = x[i];
        x[i] = y[i];
        y[i] = kept;
    }
}

/* The other one predicts from now on. Names, limits and whatever tells of all rows stay where they are. */
static void change_places(hw_learner *l)
{
    static const int staying[] = {HW_PART_limit, HW_PART_coverage, HW_PART_text, HW_PART_succession};
    static const int counts[] = {HW_INFINITE, HW_HUGE, HW_FAR, HW_FAR_TARGET};
    hw_learner *other = l->succession->other;
    swap(l, other, sizeof *l);
    swap(&l->names, &other->names, sizeof l->names);
    swap(&l->columns, &other->columns, sizeof l->columns);
    swap(&l->names_borrowed, &other->names_borrowed, sizeof l->names_borrowed);
    swap(&l->shared_from, &other->shared_from, sizeof l->shared_from);
    swap(&l->shared_names, &other->shared_names, sizeof l->shared_names);
    swap(&l->shared_slots, &other->shared_slots, sizeof l->shared_slots);
    swap(&l->sharing, &other->sharing, sizeof l->sharing);
    for (size_t i = 0; i < sizeof staying / sizeof *staying; i++)
        swap(&l->parts[staying[i]], &other->parts[staying[i]], sizeof(void *));
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        swap(l->running + counts[i], other->running + counts[i], sizeof(double));
    swap(l->succession->numbers + HW_S_BORN, other->succession->numbers + HW_S_BORN, sizeof(double));
    swap(&l->succession->lost, &other->succession->lost, sizeof(double));
    l->predicted_count = other->predicted_count = -1;
    l->succession->numbers[HW_S_SPEAKS] = !l->succession->numbers[HW_S_SPEAKS];
}

/* ---- following losses -------------------------------------------------------------------------------------- */

static void forget_kept(hw_succession_t *s) { s->numbers[HW_S_KEPT] = s->numbers[HW_S_ENTRIES] = 0; }

static void drop_other(hw_learner *l)
{
    hw_succession_t *s = l->succession;
    if (HW_WHOLE)
        hw_free(s->other);
    hw_release(s->packed);
    s->other = NULL;
    s->packed = NULL;
    if (!HW_WHOLE || !s->numbers)
        return;
    s->numbers[HW_S_BYTES] = s->numbers[HW_S_AGE] = s->numbers[HW_S_SPEAKS] = s->numbers[HW_S_DUE] = 0;
    s->numbers[HW_S_OLD_LOSS] = s->numbers[HW_S_NEW_LOSS] = s->numbers[HW_S_OLD_MEAN] = s->numbers[HW_S_NEW_MEAN] = 0;
    s->numbers[HW_S_EXCESS] = 0;
    s->numbers[HW_S_ROWS] = least(s->numbers[HW_S_ROWS], SETTLED);
    forget_kept(s);
}

/* The loss joins the usual one, and the sum of what rows cost more (Page 1954). */
static void follow_one(hw_learner *l)
{
    hw_succession_t *s = l->succession;
    double *n = s->numbers, spread = deviation(l), d = s->lost - n[HW_S_USUAL];
    n[HW_S_ROWS] += 1;
    n[HW_S_PATIENCE] = PATIENCE + (n[HW_S_PATIENCE] - PATIENCE) * FORGIVES;
    double rate = most(1 / n[HW_S_ROWS], USUAL);
    if (n[HW_S_ROWS] > BOUNDED)
        d = least(d, HARDEST * spread);
    n[HW_S_USUAL] += rate * d;
    n[HW_S_VARIANCE] = (1 - rate) * (n[HW_S_VARIANCE] + rate * d * d);
    n[HW_S_EXCESS] = n[HW_S_ROWS] < YOUNG ? 0 : most(n[HW_S_EXCESS] + d / spread - TOLERANCE, 0);
    if (n[HW_S_EXCESS] <= 0)
        forget_kept(s);
    n[HW_S_DUE] = n[HW_S_EXCESS] > n[HW_S_PATIENCE];
}

/* Whether it is clear which of the two is better: the old one, where the new one is far behind or where it has not become
 * worse itself, or what they cost after a long time. The first rows of a learner cost five times the later ones, so a false
 * alarm must end soon. */
static bool is_decided(const hw_learner *l)
{
    const double *n = l->succession->numbers;
    double spread = deviation(l), old = n[HW_S_OLD_MEAN], behind = n[HW_S_NEW_MEAN] - old;
    bool hopeless = n[HW_S_AGE] >= AT_ONCE && behind > most(FAR_BEHIND * spread, old - n[HW_S_USUAL]);
    bool false_alarm = n[HW_S_AGE] >= SOONEST && old < n[HW_S_USUAL] + BACK * spread && behind > BEHIND * spread;
    return n[HW_S_AGE] >= LONGEST || (n[HW_S_SPEAKS] == 0 && (hopeless || false_alarm));
}

static void take_over(hw_learner *l)
{
    double *n = l->succession->numbers;
    n[HW_S_COUNT] += 1;
    n[HW_S_SINCE] = n[HW_S_BORN];
    n[HW_S_TAKEN] = (double)l->learned;
}

static void count_losses(hw_learner *l, double old, double new)
{
    double *n = l->succession->numbers, bound = n[HW_S_USUAL] + FARTHEST * deviation(l);
    double rate = most(1 / (n[HW_S_AGE] + 1), FADES), slow = most(1 / (n[HW_S_AGE] + 1), FADES_SLOWLY);
    old = least(old, bound);
    new = least(new, bound);
    n[HW_S_OLD_LOSS] += rate * (old - n[HW_S_OLD_LOSS]);
    n[HW_S_NEW_LOSS] += rate * (new - n[HW_S_NEW_LOSS]);
    n[HW_S_OLD_MEAN] += slow * (old - n[HW_S_OLD_MEAN]);
    n[HW_S_NEW_MEAN] += slow * (new - n[HW_S_NEW_MEAN]);
}

/* The better one stays. */
static void end_competition(hw_learner *l)
{
    double *n = l->succession->numbers;
    bool succeeds = n[HW_S_NEW_MEAN] < n[HW_S_OLD_MEAN];
    if (succeeds != (n[HW_S_SPEAKS] != 0) && follow_structure(l, l->succession->other) >= 0)
        change_places(l);
    n[HW_S_USUAL] = succeeds ? n[HW_S_NEW_MEAN] : n[HW_S_OLD_MEAN];
    if (succeeds)
        take_over(l);
    else
        n[HW_S_PATIENCE] = least((n[HW_S_AGE] < SOONEST ? MUCH_DEARER : DEARER) * n[HW_S_PATIENCE], DEAREST);
    drop_other(l);
}

static void compete(hw_learner *l)
{
    hw_succession_t *s = l->succession;
    double *n = s->numbers, mine = s->lost, its = s->other->succession->lost;
    n[HW_S_AGE] += 1;
    if (mine >= 0 && its >= 0)
        count_losses(l, n[HW_S_SPEAKS] != 0 ? its : mine, n[HW_S_SPEAKS] != 0 ? mine : its);
    double more = (n[HW_S_SPEAKS] != 0 ? -1 : 1) * (n[HW_S_OLD_LOSS] - n[HW_S_NEW_LOSS]);
    if (more > MARGIN * deviation(l) && follow_structure(l, s->other) >= 0) /* there is room: reserve */
        change_places(l);
    if (is_decided(l))
        end_competition(l);
}

/* The label comes in another unit, and so do losses. */
static void follow_unit(hw_succession_t *s, double *n)
{
    static const int losses[] = {HW_S_USUAL, HW_S_OLD_LOSS, HW_S_NEW_LOSS, HW_S_OLD_MEAN, HW_S_NEW_MEAN};
    for (size_t i = 0; s->rescaled > 0 && i < sizeof losses / sizeof *losses; i++)
        n[losses[i]] = least(n[losses[i]] / s->rescaled, LARGEST);
    if (s->rescaled > 0)
        n[HW_S_VARIANCE] = least(n[HW_S_VARIANCE] / (s->rescaled * s->rescaled), LARGEST);
    s->rescaled = 0;
}

void hw_follow_losses(hw_learner *l)
{
    hw_succession_t *s = l->succession;
    double *n = s->numbers;
    if (n[HW_S_FOLLOWS] == 0)
        return;
    follow_unit(HW_WHOLE && n[HW_S_SPEAKS] != 0 ? s->other->succession : s, n);
    if (hw_has_words(l)) { /* no second learner reads texts */
        if (s->other && n[HW_S_SPEAKS] != 0)
            take_over(l);
        drop_other(l);
    } else if (HW_WHOLE && s->other) {
        compete(l);
    } else if (s->lost >= 0 && !l->late) { /* labels that come late: errors of stale predictions go up and down together */
        if (n[HW_S_KEPT] > 0)
            s->rows[((int64_t)n[HW_S_KEPT] - 1) * HW_KEPT + HW_KEPT_LOSS] = s->lost;
        follow_one(l);
    }
}

/* ---- a row ------------------------------------------------------------------------------------------------- */

/* The oldest row gives way. */
static void forget_oldest(hw_succession_t *s)
{
    double *n = s->numbers;
    int64_t first = (int64_t)s->rows[HW_KEPT_ENTRIES], rest = (int64_t)n[HW_S_ENTRIES] - first;
    n[HW_S_KEPT] -= 1;
    n[HW_S_ENTRIES] = (double)rest;
    memmove(s->rows, s->rows + HW_KEPT, (size_t)n[HW_S_KEPT] * HW_KEPT * sizeof(double));
    memmove(s->slots, s->slots + first, (size_t)rest * sizeof(int32_t));
    memmove(s->x, s->x + first, (size_t)rest * sizeof(double));
}

static void keep_row(hw_learner *l, double y, double w)
{
    hw_succession_t *s = l->succession;
    double *n = s->numbers;
    if (n[HW_S_KEPT] >= MOST_KEPT)
        forget_oldest(s);
    int64_t at = (int64_t)n[HW_S_ENTRIES], count = 0;
    for (int64_t e = l->added; e < l->entries; e++) {
        if (l->entry_x[e] - l->entry_x[e] != 0) /* missing or infinite: it teaches nothing */
            continue;
        s->slots[at + count] = l->entry_slots[e];
        s->x[at + count++] = l->entry_x[e];
    }
    double *row = s->rows + (int64_t)n[HW_S_KEPT] * HW_KEPT;
    row[HW_KEPT_LABEL] = y;
    row[HW_KEPT_WEIGHT] = w;
    row[HW_KEPT_LOSS] = n[HW_S_USUAL];
    row[HW_KEPT_ENTRIES] = (double)count;
    n[HW_S_KEPT] += 1;
    n[HW_S_ENTRIES] += (double)count;
}

void hw_learn_beside(hw_learner *l, double y, double w, bool late)
{
    hw_succession_t *s = l->succession;
    s->lost = -1;
    if (s->numbers[HW_S_FOLLOWS] == 0 || hw_has_words(l))
        return;
    if (!HW_WHOLE || !s->other)
        keep_row(l, y, w);
    else if (late)
        hw_learn_late(s->other, y, w);
    else
        hw_learn(s->other, y, w, s->p);
}

int hw_predict_beside(hw_learner *l)
{
    hw_succession_t *s = l->succession;
    if (!s->other)
        return 0;
    int status = hw_extend(&l->memory, &s->p, (uint64_t)l->output_capacity * sizeof(double)) ? 0 : HW_NO_MEMORY;
    if (status >= 0)
        status = follow_structure(l, s->other);
    if (status >= 0)
        status = give_sample(l, s->other);
    return status < 0 ? status : hw_predict_pending(s->other, s->p);
}

/* Memory for all that learning the sample at hand takes of this part; a successor that is due begins. */
static int reserve(hw_learner *l, int64_t pairs)
{
    hw_succession_t *s = l->succession;
    (void)pairs;
    if (s->numbers[HW_S_FOLLOWS] == 0 || hw_has_words(l))
        return 0;
    uint64_t entries = (uint64_t)(s->numbers[HW_S_ENTRIES] + (double)l->entries);
    if (!hw_extend(&l->memory, &s->p, (uint64_t)l->output_capacity * sizeof(double)))
        return HW_NO_MEMORY;
    if (!s->other && (!hw_extend(&l->memory, &s->slots, (entries + entries / 2) * sizeof(int32_t) + 8) ||
                      !hw_extend(&l->memory, &s->x, (entries + entries / 2) * sizeof(double) + 8)))
        return HW_NO_MEMORY;
    int status = HW_WHOLE && s->numbers[HW_S_DUE] != 0 ? begin_successor(l) : 0;
    if (!HW_WHOLE || !s->other || status < 0)
        return status;
    status = follow_structure(l, s->other);
    if (status >= 0)
        status = give_sample(l, s->other);
    return status < 0 ? status : hw_reserve_learning(s->other);
}

/* ---- the state of the other one, as bytes ------------------------------------------------------------------ */

static int64_t bytes_of(const hw_array *a) { return a->shape[0] * a->shape[1] * (int64_t)hw_size_of(a->type); }
static int64_t padded(int64_t bytes) { return (bytes + 7) / 8 * 8; }

enum { NAME = 24, HEAD = NAME + 2 * sizeof(int64_t) }; /* of each array: its name and shape */

/* Write all arrays that hold something, but for the declaration; to NULL: only say how many bytes they are. Later versions
 * may have more arrays. */
static int64_t write_state(hw_learner *other, uint8_t *to)
{
    int64_t at = 0;
    for (int i = 1; i < hw_states(); i++) {
        hw_array a;
        hw_array_at(other, i, &a);
        int64_t bytes = bytes_of(&a);
        if (!bytes)
            continue;
        if (to) {
            memset(to + at, 0, (size_t)(HEAD + padded(bytes)));
            memcpy(to + at, a.name, strlen(a.name));
            memcpy(to + at + NAME, a.shape, HEAD - NAME);
            memcpy(to + at + HEAD, a.data, (size_t)bytes);
        }
        at += HEAD + padded(bytes);
    }
    return at;
}

static int pack(hw_learner *l)
{
    hw_succession_t *s = l->succession;
    hw_array first;
    if (!HW_WHOLE || !s->other)
        return 0;
    int status = follow_structure(l, s->other);
    if (status >= 0)
        status = hw_state(s->other, 0, &first); /* makes all of them ready */
    if (status < 0)
        return status;
    int64_t bytes = write_state(s->other, NULL);
    if (!hw_extend(&l->memory, &s->packed, (uint64_t)bytes))
        return HW_NO_MEMORY;
    write_state(s->other, s->packed);
    s->numbers[HW_S_BYTES] = (double)bytes;
    return 0;
}

/* Find the arrays in the bytes, where the learner's say which types they have; those that are not there are empty. */
static int find_arrays(hw_learner *l, hw_array *arrays, hw_fault *fault)
{
    const hw_succession_t *s = l->succession;
    int64_t at = 0, size = (int64_t)s->numbers[HW_S_BYTES];
    int found = 0;
    for (int i = 0; i < hw_states(); i++) {
        hw_array_at(l, i, arrays + i);
        if (i && bytes_of(arrays + i)) /* one without bytes (no knots a column) has its shape yet */
            arrays[i].shape[0] = 0;
    }
    while (at < size) {
        SAVED(size - at >= HEAD, "successor", "whole arrays", at);
        do /* in order, so each is there once */
            found++;
        while (found < hw_states() && strncmp(arrays[found].name, (const char *)s->packed + at, NAME));
        SAVED(found < hw_states(), "successor", "names of arrays in their order", at);
        hw_array *a = arrays + found;
        memcpy(a->shape, s->packed + at + NAME, HEAD - NAME);
        at += HEAD;
        int64_t room = (size - at) / (int64_t)hw_size_of(a->type);
        SAVED(a->shape[0] >= 1 && a->shape[1] >= 1 && a->shape[0] <= room / a->shape[1] && padded(bytes_of(a)) <= size - at,
              "successor", "arrays within its bytes", found);
        a->data = s->packed + at;
        at += padded(bytes_of(a));
    }
    return 0;
}

static bool same(const void *a, const void *b, int64_t count, size_t size)
{
    return count <= 0 || !memcmp(a, b, (size_t)count * size);
}

static int restore_other(hw_learner *l, hw_fault *fault)
{
    hw_succession_t *s = l->succession;
    hw_array arrays[HW_MOST_ARRAYS];
    int status = find_arrays(l, arrays, fault);
    if (status < 0)
        return status;
    const hw_array *own = arrays + hw_first_array(HW_PART_succession);
    const double *n = own->data;
    SAVED(own->shape[0] == HW_S_NUMBERS && own->shape[1] == 1 && n[HW_S_FOLLOWS] == 0 && n[HW_S_BYTES] == 0, "successor",
          "a learner that none succeeds", own->shape[0]);
    s->other = hw_restore(&l->memory, arrays, hw_states(), l->level, l->names.key, &status, fault);
    const hw_learner *o = s->other;
    if (!o)
        return status;
    SAVED(o->rows == l->rows && same(o->row_keys, l->row_keys, l->rows, sizeof *l->row_keys), "successor",
          "the rows of its learner", o->rows);
    SAVED(o->slots.count == l->slots.count && same(o->slots.row, l->slots.row, l->slots.count, 4) &&
              same(o->slots.basis, l->slots.basis, l->slots.count, 4),
          "successor", "the slots of its learner", o->slots.count);
    SAVED(o->outputs == l->outputs && o->output_capacity == l->output_capacity, "successor", "the outputs of its learner",
          o->outputs);
    SAVED(!o->shared_from && !o->coverage && !hw_has_words(o), "successor", "a learner of rows alone", o->shared_from);
    SAVED(!l->late == !o->late && (!l->late || l->late->added == o->late->added), "successor",
          "as many predictions as its learner", o->late ? o->late->added : 0);
    return 0;
}

/* ---- the part ---------------------------------------------------------------------------------------------- */

/* A learner of its own, of several experts that are mixed, which reads numbers that it standardises, and has labels. */
static bool suits(const hw_learner *l)
{
    return l->growing && l->standard && (l->mixture == HW_CLASSES || l->mixture == HW_NUMBERS) && l->experts > 1 &&
           !l->recurrent && !l->forecast && !l->bandit && !l->agent && l->outputs >= 1;
}

static int make(hw_learner *l)
{
    hw_succession_t *s = l->succession;
    if (!s)
        return 0;
    uint64_t entries = s->numbers ? (uint64_t)s->numbers[HW_S_ENTRIES] : 0,
             bytes = s->numbers ? (uint64_t)s->numbers[HW_S_BYTES] : 0;
    bool room = hw_extend(&l->memory, &s->numbers, HW_S_NUMBERS * sizeof(double)) &&
                hw_extend(&l->memory, &s->rows, (uint64_t)MOST_KEPT * HW_KEPT * sizeof(double)) &&
                (!entries || (hw_extend(&l->memory, &s->slots, entries * sizeof(int32_t)) &&
                              hw_extend(&l->memory, &s->x, entries * sizeof(double)))) &&
                (!bytes || hw_extend(&l->memory, &s->packed, bytes));
    return room ? 0 : HW_NO_MEMORY;
}

static int begin(hw_learner *l)
{
    l->succession->numbers[HW_S_FOLLOWS] = 1;
    l->succession->numbers[HW_S_PATIENCE] = PATIENCE;
    return 0;
}

/* Whether losses are followed is said by the array alone. */
static int read(hw_learner *l, const hw_array *first, hw_fault *fault)
{
    if (!first->shape[0])
        return 0;
    SAVED(suits(l), "succession", "none of such a learner", first->shape[0]);
    SAVED(first->type == HW_F64 && first->dimensions == 1 && first->shape[0] == HW_S_NUMBERS, "succession", "its numbers",
          first->shape[0]);
    hw_succession_t *s = hw_begin_part(l, HW_PART_succession);
    if (!s || !hw_extend(&l->memory, &s->numbers, HW_S_NUMBERS * sizeof(double)))
        return HW_NO_MEMORY;
    const double *n = first->data;
    for (int i = HW_S_KEPT; i <= HW_S_BYTES; i++)
        SAVED(hw_countable(n[i]) && n[i] == (double)(int64_t)n[i] && n[i] < 1e12, "succession", "counts", n[i]);
    SAVED(n[HW_S_KEPT] <= MOST_KEPT, "succession", "as many rows as are kept", n[HW_S_KEPT]);
    memcpy(s->numbers, n, HW_S_NUMBERS * sizeof(double));
    return 0;
}

static int64_t count(const hw_learner *l, int code) { return (int64_t)l->succession->numbers[code]; }

static int check_rows(const hw_learner *l, hw_fault *fault)
{
    const hw_succession_t *s = l->succession;
    bool classes = hw_is_of_classes(l->expert[0].loss);
    double entries = 0;
    for (int64_t i = 0; i < (int64_t)s->numbers[HW_S_KEPT]; i++) {
        const double *row = s->rows + i * HW_KEPT;
        double y = row[HW_KEPT_LABEL];
        SAVED(!classes || (y >= 0 && y < l->outputs && y == (double)(int)y), "succession_rows", "a class", y);
        SAVED(row[HW_KEPT_WEIGHT] > 0 && row[HW_KEPT_WEIGHT] <= 1e15, "succession_rows", "weights above 0",
              row[HW_KEPT_WEIGHT]);
        SAVED(row[HW_KEPT_ENTRIES] >= 0 && row[HW_KEPT_ENTRIES] == (double)(int32_t)row[HW_KEPT_ENTRIES], "succession_rows",
              "counts of entries", row[HW_KEPT_ENTRIES]);
        entries += row[HW_KEPT_ENTRIES];
    }
    SAVED(entries == s->numbers[HW_S_ENTRIES], "succession_rows", "all entries", entries);
    for (int64_t i = 0; i < (int64_t)entries; i++)
        SAVED(s->slots[i] < l->slots.count && s->slots[i] >= -l->rows, "succession_slots", "slots or rows that there are",
              s->slots[i]);
    return 0;
}

static int check(hw_learner *l, hw_fault *fault)
{
    static const int switches[] = {HW_S_FOLLOWS, HW_S_DUE, HW_S_SPEAKS};
    const double *n = l->succession->numbers;
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
        SAVED(n[switches[i]] == 0 || n[switches[i]] == 1, "succession", "switches of 0 or 1", n[switches[i]]);
    for (int i = HW_S_BORN; i <= HW_S_ROWS; i++)
        SAVED(hw_countable(n[i]), "succession", "counts", n[i]);
    SAVED(n[HW_S_BORN] <= (double)l->learned && n[HW_S_KEPT] <= (double)l->learned, "succession", "rows that were learned",
          n[HW_S_BORN]);
    SAVED(n[HW_S_VARIANCE] >= 0 && hw_countable(n[HW_S_AGE]), "succession", "a variance of 0 or more, and a count",
          n[HW_S_VARIANCE]);
    SAVED(n[HW_S_BYTES] == 0 || n[HW_S_FOLLOWS] == 1, "successor", "none of a learner without", n[HW_S_BYTES]);
    SAVED(n[HW_S_BYTES] > 0 || n[HW_S_SPEAKS] == 0, "succession", "a successor, if it speaks", n[HW_S_SPEAKS]);
    int status = check_rows(l, fault);
    BUILT(n[HW_S_BYTES] == 0, "successor", "none", n[HW_S_BYTES]);
    if (!HW_WHOLE)
        return status;
    return status < 0 || n[HW_S_BYTES] == 0 ? status : restore_other(l, fault);
}

static bool descends(const hw_learner *base, const hw_learner *l)
{
    const hw_succession_t *a = base->succession, *b = l->succession;
    return !b || b->numbers[HW_S_COUNT] <= a->numbers[HW_S_COUNT];
}

const hw_part hw_part_succession = {.alone = true,
                                    .in_fleet = true,
                                    .merges = true,
                                    .suits = suits,
                                    .read = read,
                                    .count = count,
                                    .make = make,
                                    .begin = begin,
                                    .check = check,
                                    .pack = pack,
                                    .reserve = reserve,
                                    .drop = drop_other,
                                    .descends = HW_MERGING(descends)};
