/* Declarations with numbers that a fuzzer draws: refused, or a learner that can be used. */
#define FUZZED
#include "../../programs/stress.c"

/* A number as a declaration may hold it, small and whole most of the time; or any eight bytes. */
static double drawn_number(void)
{
    if (!once_in(4))
        return (double)below(once_in(2) ? 8 : 1 << 12);
    if (once_in(3))
        return hostile();
    uint64_t bits = draw() << 48 ^ draw() << 32 ^ draw() << 16 ^ draw();
    double x;
    memcpy(&x, &bits, 8);
    return x;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input = data;
    input_end = data + size;
    exhausted = false;
    wild = true;
    find_offset();
    heap.most = (size_t)1 << 26;
    declaration a;
    if (once_in(3)) { /* all of it is drawn */
        a.count = (int)below(200);
        for (int i = 0; i < a.count; i++)
            a.numbers[i] = i ? drawn_number() : (double)(HW_FIRST_VERSION + below(5));
    } else {
        a = random_declaration();
        if (once_in(3))
            a = untagged(&a);
        for (int i = (int)below(5); i > 0; i--)
            a.numbers[below((uint64_t)a.count)] = drawn_number();
        if (once_in(8))
            a.count += (int)below(20) - 10;
    }
    /* as large as it says, and not larger: a read beyond the end is seen */
    declaration *exact = malloc((size_t)(a.count > 0 ? a.count : 1) * sizeof *a.numbers);
    memcpy(exact, a.numbers, (size_t)(a.count > 0 ? a.count : 0) * sizeof *a.numbers);
    learner s = {.level = 1};
    int status;
    hw_fault fault = {"", "", 0};
    at_hand = "hw_make";
    s.l = hw_make(&WATCHED, (double *)exact, a.count, 0, draw(), &status, &fault);
    if (s.l ? status < 0 : status > HW_NO_MEMORY || status < HW_TOO_LARGE)
        stop("a status that does not fit");
    if (!s.l && status == HW_BAD_DECLARATION && a.count > 0 && (!fault.at || !fault.expected))
        stop("a fault without a place");
    free(exact);
    if (s.l)
        use(&s, 20);
    let_go(&s);
    return 0;
}
