/* Two learners of the same rows, whose classes and columns are rotated at a row: of one, requests for memory fail now and
   then, an error each time, after which the same call succeeds. Both must end with the same bits, and all memory is given
   back. Prints how often memory was refused, and how many learners took over. */
#include "declare.h"

enum { ROWS = 2600, CHANGE = 900, COLUMNS = 5, CLASSES = 4 };

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

static void fail(const char *what, int64_t status)
{
    fprintf(stderr, "%s (%d)\n", what, (int)status);
    exit(1);
}

static int learn_row(hw_learner *l, uint64_t i)
{
    static const char *const names[COLUMNS] = {"a", "b", "c", "word", "new"};
    char text[16];
    float p[64];
    hw_value v[COLUMNS];
    hw_shape shape;
    int n = 0, kind = (share_at(i, 0) > 0.5) + 2 * (share_at(i, 1) * share_at(i, 2) > 0.25);
    for (int j = 0; j < (i > CHANGE + 200 ? COLUMNS : COLUMNS - 1); j++) {
        v[n] = (hw_value){.column = -1,
                          .kind = HW_NUMBER,
                          .has = HW_HAS_NUMBER,
                          .name = names[j],
                          .name_size = (uint32_t)strlen(names[j]),
                          .number = share_at(i, (uint64_t)(j < 3 && i >= CHANGE ? (j + 1) % 3 : j))};
        if (j == 3) {
            snprintf(text, sizeof text, "w%d", (int)(draw_at(i, 20) % 7 + i / 200));
            v[n].kind = HW_CATEGORY, v[n].has = HW_HAS_TEXT, v[n].text = text, v[n].text_size = (uint32_t)strlen(text);
        }
        n++;
    }
    double y = i < CHANGE ? kind : i > CHANGE + 300 && i % 16 == 0 ? CLASSES : (kind + 1) % CLASSES;
    hw_describe(l, &shape);
    int status = y >= shape.outputs ? hw_add_outputs(l, (int)y + 1, -4) : 0;
    if (status >= 0)
        status = hw_read(l, v, n, 1, 0, NULL);
    return status < 0 ? status : hw_learn(l, y, 1, p);
}

/* Where a second learner begins, each request of the row is refused once. */
static void teach(hw_learner *l, bool starve)
{
    for (uint64_t i = 0; i < ROWS; i++) {
        int status;
        int64_t place = i > CHANGE && i < CHANGE + 40 ? 0 : (int64_t)(draw_at(i, 51) % 6);
        do {
            heap.refused_at = starve ? heap.asked + place++ : -1;
            status = learn_row(l, i);
        } while (starve && status == HW_NO_MEMORY);
        if (status < 0)
            fail("learn", status);
    }
    heap.refused_at = -1;
}

int main(void)
{
    declaration a = declare(false, true, 0, 1);
    add_pool(&a, "cross_entropy", "default");
    add_lean(&a, 0.01, 0.25);
    int status;
    hw_fault fault;
    hw_learner *l[2];
    for (int i = 0; i < 2; i++) {
        l[i] = hw_make(i ? &MEAGRE : &PLAIN_MEMORY, a.numbers, a.count, 0, 1, &status, &fault);
        if (!l[i])
            fail(fault.at, status);
        teach(l[i], i);
    }
    hw_array numbers;
    if (hw_view(l[1], "succession", &numbers) < 0 || hw_digest(l[0]) != hw_digest(l[1]))
        fail("other bits where memory was refused", 0);
    printf("%d %d\n", (int)heap.refusals, (int)((double *)numbers.data)[2]);

    for (int i = 0; i < 2; i++)
        hw_free(l[i]);
    if (heap.held)
        fail("memory that was not given back", heap.held);
    return 0;
}
