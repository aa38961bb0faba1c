/* What a fuzzer draws declares a learner and calls it: samples, answers, growth, whatever stress.c can think of. */
#define FUZZED
#include "../../programs/stress.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input = data;
    input_end = data + size;
    find_offset();
    live(0);
    return 0;
}
