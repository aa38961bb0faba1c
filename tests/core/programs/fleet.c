/* Members of two fleets learn, leave, come back, move from one to the other and are removed, in any order; each must be, to
   the bit, the learner of its own that was taught the same rows. One line a case: its name, and a digest of all members.
   With any argument requests for memory fail now and then: an error each time, after which the same call succeeds. */
#include "declare.h"

enum { KEYS = 10, STEPS = 4000, COLUMNS = 4, MOST = 8 };

static bool starve;
static const char *case_at_hand = "";

static void fail(const char *what, int status)
{
    fprintf(stderr, "%s: %s (%d)\n", case_at_hand, what, status);
    exit(1);
}

/* ---- memory that is refused now and then -------------------------------------------------------------------------- */

static struct {
    int64_t asked, refused_at, held, refusals;
} heap = {.refused_at = -1};

static void *meagre_resize(void *context, void *block, size_t old, size_t size)
{
    (void)context;
    if (size && heap.asked++ == heap.refused_at) {
        heap.refused_at = -1;
        heap.refusals++;
        return NULL;
    }
    heap.held += (size != 0) - (block != NULL);
    return plain_resize(NULL, block, old, size);
}

static const hw_allocator MEAGRE = {meagre_resize, NULL};

/* Whether a call that failed is to be made again: memory was refused. */
static bool again(int64_t status)
{
    bool refused = starve && status == HW_NO_MEMORY;
    heap.refused_at = -1;
    return refused;
}

static void threaten(uint64_t step)
{
    if (starve && draw_at(step, 50) % 3 == 0)
        heap.refused_at = heap.asked + (int64_t)(draw_at(step, 51) % 12);
}

/* ---- two fleets and the learners that their members must be ------------------------------------------------------------
 */

typedef struct key {
    int fleet; /* 0 or 1; -1: no member now */
    int64_t member;
    hw_learner *alone;
    void *away; /* its record, while it is away */
    int64_t size;
} key;

static hw_fleet *fleets[2];
static key keys[KEYS];
static hw_learner *first;

static int read_row(hw_learner *l, uint64_t i, int learn)
{
    static const char *const names[COLUMNS] = {"a", "bb", "word", "late"};
    static char text[16];
    hw_value v[COLUMNS];
    int n = 0;
    for (int j = 0; j < COLUMNS; j++) {
        if (draw_at(i, (uint64_t)j) % 5 == 0 || (j == 3 && i < STEPS / 2))
            continue;
        v[n] = (hw_value){.column = -1,
                          .kind = HW_NUMBER,
                          .has = HW_HAS_NUMBER,
                          .name = names[j],
                          .name_size = (uint32_t)strlen(names[j]),
                          .number = share_at(i, 10 + (uint64_t)j) * 4 - 2};
        if (j == 2) {
            snprintf(text, sizeof text, "w%d", (int)(draw_at(i, 20) % 7));
            v[n].kind = HW_CATEGORY, v[n].has = HW_HAS_TEXT, v[n].text = text, v[n].text_size = (uint32_t)strlen(text);
        }
        n++;
    }
    return hw_read(l, v, n, learn, 0, NULL);
}

/* Learn row i; outputs grow where a class is new. */
static int learn_row(hw_learner *l, uint64_t i, int classes)
{
    double p[MOST];
    hw_shape shape;
    double y = classes ? (double)(draw_at(i, 30) % (uint64_t)classes) : share_at(i, 30);
    hw_describe(l, &shape);
    int status = classes && y >= shape.outputs ? hw_add_outputs(l, (int)y + 1, -4) : 0;
    if (status >= 0)
        status = read_row(l, i, 1);
    if (status < 0)
        return status;
    return hw_learn(l, y, 1, p);
}

static void learn(key *k, uint64_t i, int classes)
{
    int status;
    hw_learner *l;
    do {
        l = hw_fleet_take(fleets[k->fleet], k->member, 1, &status);
        if (l)
            status = learn_row(l, i, classes);
    } while (status < 0 && again(status));
    if (status < 0 || learn_row(k->alone, i, classes) < 0)
        fail("learn", status);
}

/* A copy of the first learner as a member is: units are followed, successors made and columns judged by learners of their
 * own alone. */
static hw_learner *alone(int *status)
{
    hw_array arrays[128];
    hw_fault fault;
    *status = 0;
    for (int i = 0; i < hw_states() && *status >= 0; i++) {
        *status = hw_state(first, i, arrays + i);
        if (!strncmp(arrays[i].name, "unit", 4) || !strncmp(arrays[i].name, "succes", 6) ||
            !strncmp(arrays[i].name, "relevance", 9))
            arrays[i].shape[0] = 0;
    }
    return *status < 0 ? NULL : hw_restore(&PLAIN_MEMORY, arrays, hw_states(), 0, 1, status, &fault);
}

static void make_member(key *k, int fleet)
{
    int64_t member;
    do
        member = hw_fleet_add(fleets[fleet]);
    while (member < 0 && again(member));
    int status;
    k->alone = alone(&status);
    if (member < 0 || !k->alone)
        fail("a new member", (int)member);
    k->fleet = fleet;
    k->member = member;
}

static void *record_of(key *k, int64_t *size)
{
    do
        *size = hw_fleet_write(fleets[k->fleet], k->member, NULL, 0);
    while (*size < 0 && again(*size));
    void *record = malloc((size_t)(*size < 0 ? 0 : *size) + 1);
    if (*size < 0 || !record || hw_fleet_write(fleets[k->fleet], k->member, record, *size) != *size)
        fail("write", (int)*size);
    return record;
}

static void put(int fleet, int64_t member, const void *record, int64_t size)
{
    hw_fault fault = {"", "", 0};
    int status;
    do
        status = hw_fleet_read(fleets[fleet], member, record, size, NULL, 0, &fault);
    while (status < 0 && again(status));
    if (status < 0)
        fail(fault.at, status);
}

static void leave(key *k)
{
    int status;
    k->away = record_of(k, &k->size);
    do
        status = hw_fleet_drop(fleets[k->fleet], k->member);
    while (status < 0 && again(status));
    if (status < 0 || hw_fleet_is_present(fleets[k->fleet], k->member))
        fail("drop", status);
}

static void come_back(key *k)
{
    if (k->away)
        put(k->fleet, k->member, k->away, k->size);
    free(k->away);
    k->away = NULL;
}

/* Remove a member, which may be away; the last one has its number from then on. */
static void remove_member(key *k)
{
    int64_t last = hw_fleet_count(fleets[k->fleet]) - 1;
    int status = hw_fleet_remove(fleets[k->fleet], k->member);
    if (status < 0 || hw_fleet_count(fleets[k->fleet]) != last)
        fail("remove", status);
    for (int j = 0; j < KEYS; j++)
        if (keys[j].fleet == k->fleet && keys[j].member == last)
            keys[j].member = k->member;
    k->fleet = -1;
}

static void move_member(key *k)
{
    come_back(k);
    int64_t size, member;
    void *record = record_of(k, &size);
    int other = !k->fleet;
    do
        member = hw_fleet_add(fleets[other]);
    while (member < 0 && again(member));
    put(other, member, record, size);
    free(record);
    remove_member(k);
    k->fleet = other;
    k->member = member;
}

static void forget(key *k)
{
    remove_member(k);
    hw_free(k->alone);
    free(k->away);
    *k = (key){.fleet = -1};
}

static uint64_t check(key *k)
{
    int status;
    hw_learner *l;
    come_back(k);
    do
        l = hw_fleet_take(fleets[k->fleet], k->member, 0, &status);
    while (!l && again(status));
    heap.refused_at = -1; /* a digest has no way to say that memory was refused */
    if (!l || hw_digest(l) != hw_digest(k->alone))
        fail("a member is not what it must be", status);
    return hw_digest(k->alone);
}

static void run(const char *name, const declaration *a, int classes)
{
    int status = 0;
    case_at_hand = name;
    heap.held = 0;
    first = made(&PLAIN_MEMORY, a, 0);
    for (int f = 0; f < 2; f++) {
        fleets[f] = hw_fleet_make(&MEAGRE, first, NULL, 0, &status);
        if (!fleets[f])
            fail("make", status);
    }
    for (int j = 0; j < KEYS; j++)
        keys[j] = (key){.fleet = -1};
    uint64_t digest = 0;
    for (uint64_t i = 0; i < STEPS; i++) {
        key *k = keys + draw_at(i, 40) % KEYS;
        uint64_t what = draw_at(i, 41) % 100;
        threaten(i);
        if (k->fleet < 0)
            make_member(k, (int)(draw_at(i, 42) % 2));
        else if (what < 3)
            forget(k);
        else if (what < 10)
            move_member(k);
        else if (what < 18 && !k->away)
            leave(k);
        else if (what < 24)
            digest ^= check(k) + i;
        else {
            come_back(k);
            learn(k, i, classes);
        }
        heap.refused_at = -1;
    }
    for (int j = 0; j < KEYS; j++)
        if (keys[j].fleet >= 0) {
            digest = digest * 31 + check(keys + j);
            hw_free(keys[j].alone);
        }
    if (hw_fleet_remove(fleets[0], -1) >= 0 || hw_fleet_remove(fleets[0], hw_fleet_count(fleets[0])) >= 0)
        fail("removed a member that is none", 0);
    for (int f = 0; f < 2; f++)
        hw_fleet_free(fleets[f]);
    hw_free(first);
    if (heap.held)
        fail("memory was lost", (int)heap.held);
    printf("%s %016llx\n", name, (unsigned long long)digest);
}

int main(int count, char **arguments)
{
    (void)arguments;
    starve = count > 1;
    declaration a = declare(false, true, 0, 2);
    add_expert(&a, "cross_entropy", "adam", 0.01);
    add_dense(&a, 8, "glorot");
    add_activation(&a, "relu");
    add_dense(&a, 2, "zeros");
    run("net", &a, 4);
    a = declare(true, true, 0, 1);
    a.numbers[HW_D_TARGETS] = 1;
    add_expert(&a, "huber", "sgd", 0.01);
    add_dense(&a, 8, "glorot");
    add_activation(&a, "tanh");
    add_dense(&a, 1, "zeros");
    run("regression", &a, 0);
    a = declare(false, true, 0, 2);
    a.numbers[HW_D_HISTORY] = 1;
    add_pool(&a, "cross_entropy", "fast");
    add_lean(&a, 0.01, 0.25);
    run("fast pool", &a, 3);
    a = declare(false, true, 0, 2);
    add_pool(&a, "cross_entropy", "normal");
    add_lean(&a, 0.01, 0.25);
    run("pool", &a, 3);
    if (starve && heap.refusals < 100)
        fail("memory was hardly ever refused", (int)heap.refusals);
    return 0;
}
