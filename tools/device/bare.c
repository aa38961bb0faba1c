/* A program without a C library for an emulated processor: rows of numbers come in, as doubles with the label last; out come
 * the digest of the state, how deep the stack was, and the flash with the state that was saved. The kernel is asked to read, write and end, and for nothing else. */
#include "headwater.h"

#include <string.h>

#if defined SYSTEM /* the whole machine: files of the host stand for the sensor and for flash (ARM's semihosting) */
#define READ 6
#define WRITE 5
#define EXIT 0x18
static long host(long what, const void *block)
{
#if defined __arm__
    register long r0 __asm__("r0") = what;
    register const void *r1 __asm__("r1") = block;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
#else
    register long a0 __asm__("a0") = what;
    register const void *a1 __asm__("a1") = block;
    __asm__ volatile(".option push\n.option norvc\n.balign 16\nslli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return a0;
#endif
}

static long file(const char *name, long size, long mode)
{
    const long block[3] = {(long)name, mode, size};
    return host(1, block);
}

/* As the kernel: how many bytes were read; the files are opened when they are first asked for. */
static long ask(long what, long a, long b, long c)
{
    static long rows = -1, out = -1;
    if (what == EXIT) {
        host(EXIT, (const void *)(a ? 0x20023l : 0x20026l));
        return 0;
    }
    rows = rows < 0 ? file("rows", 4, 1) : rows; /* rb */
    out = out < 0 ? file("out", 3, 5) : out;     /* wb */
    const long block[3] = {what == READ ? rows : out, b, c};
    return c - host(what, block);
}
#elif defined __arm__
#define READ 3
#define WRITE 4
#define EXIT 1
static long ask(long what, long a, long b, long c)
{
    register long r7 __asm__("r7") = what, r0 __asm__("r0") = a, r1 __asm__("r1") = b, r2 __asm__("r2") = c;
    __asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2) : "memory");
    return r0;
}
#elif defined __riscv
#define READ 63
#define WRITE 64
#define EXIT 93
static long ask(long what, long a, long b, long c)
{
    register long a7 __asm__("a7") = what, a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
    return a0;
}
#else
#define READ 63
#define WRITE 64
#define EXIT 93
static long ask(long what, long a, long b, long c)
{
    register long x8 __asm__("x8") = what, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
#endif

/* What zig's own library lacks of string.h. */
#ifdef __clang__
int strncmp(const char *a, const char *b, size_t bytes)
{
    while (bytes && *a && *a == *b)
        a++, b++, bytes--;
    return bytes ? (unsigned char)*a - (unsigned char)*b : 0;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}

#endif

static int read_flash(void *context, uint32_t at, void *to, uint32_t bytes)
{
    return memcpy(to, (const char *)context + at, bytes) == NULL;
}

static int erase_flash(void *context, uint32_t at, uint32_t bytes)
{
    return memset((char *)context + at, 0xFF, bytes) == NULL;
}

static int program_flash(void *context, uint32_t at, const void *from, uint32_t bytes)
{
    return memcpy((char *)context + at, from, bytes) == NULL;
}

/* In the place of flash. */
__attribute__((section(".flash"), aligned(8))) static char flash[2 * MODEL_FLASH_BYTES];

enum { PAINTED = 65536, PAINT = 0xA5 };

static int next_row(double *row)
{
    char *to = (char *)row;
    long wanted = (MODEL_INPUTS + 1) * sizeof(double);
    while (wanted > 0) {
        long got = ask(READ, 0, (long)to, wanted);
        if (got <= 0)
            return 0;
        to += got;
        wanted -= got;
    }
    return 1;
}

static __attribute__((noinline)) void work(void)
{
    const model_flash memory = {read_flash, erase_flash, program_flash, flash, 0, MODEL_FLASH_BYTES, (const unsigned char *)flash};
    double row[MODEL_INPUTS + 1];
    float p[MODEL_OUTPUTS];
#ifdef EXPLAINS
    float contributions[MODEL_INPUTS + 1];
#endif
    if (model_begin() < 0)
        ask(EXIT, 2, 0, 0);
    model_load(&memory);
    while (next_row(row)) {
        if (model_learn(row, row[MODEL_INPUTS], 1, p) < 0)
            ask(EXIT, 3, 0, 0);
#ifdef PREDICTS
        model_predict(row, p);
#endif
#ifdef EXPLAINS
        model_explain(row, -1, contributions, p);
#endif
    }
#ifndef ROWS_ALONE /* rows alone */
    if (model_save(&memory) != 0 || model_load(&memory) != 0)
        ask(EXIT, 1, 0, 0);
#endif
}

static void write_word(uint64_t word)
{
    char text[17];
    for (int i = 0; i < 16; i++)
        text[i] = "0123456789abcdef"[word >> (60 - 4 * i) & 15];
    text[16] = '\n';
    ask(WRITE, 1, (long)text, sizeof text);
}

__attribute__((noreturn, used)) void begin(char *stack)
{
#ifdef SYSTEM /* what the machine found in its flash when it was switched on */
    long before = file("flash", 5, 1);
    const long block[3] = {before, (long)flash, sizeof flash};
    memset(flash, 0xFF, sizeof flash);
    if (before >= 0)
        host(6, block);
#endif
    volatile char *bottom = stack - PAINTED - 256;
    for (int i = 0; i < PAINTED; i++)
        bottom[i] = (char)PAINT;
    work();
    int untouched = 0;
    while (untouched < PAINTED && bottom[untouched] == (char)PAINT)
        untouched++;
#ifdef ROWS_ALONE
    ask(EXIT, 0, 0, 0);
#endif
    write_word(model_digest());
    write_word((uint64_t)(PAINTED + 256 - untouched));
    ask(WRITE, 1, (long)flash, sizeof flash);
    ask(EXIT, 0, 0, 0);
    for (;;)
        ;
}

#if defined SYSTEM && defined __arm__
extern char top[];
void _start(void);
__attribute__((section(".vectors"), used)) static const void *const vectors[] = {top, (const void *)_start};
#if defined __ARM_FP && !defined __SOFTFP__ /* the unit for floats is off at first */
#define WAKE_FLOATS " ldr r0, =0xE000ED88\n ldr r1, [r0]\n orr r1, #0xF00000\n str r1, [r0]\n dsb\n isb\n"
#else
#define WAKE_FLOATS
#endif
__asm__(".syntax unified\n.thumb\n.thumb_func\n.global _start\n_start:\n"
        WAKE_FLOATS " mov r0, sp\n bl begin\n.pool\n");
#elif defined SYSTEM
__asm__(".section .vectors,\"ax\"\n.global _start\n_start:\n.option push\n.option norelax\n la gp, __global_pointer$\n.option pop\n"
        " la sp, top\n mv a0, sp\n call begin\n");
#elif defined __arm__
__asm__(".syntax unified\n.thumb\n.thumb_func\n.global _start\n_start:\n mov r0, sp\n bl begin\n");
#elif defined __riscv
__asm__(".global _start\n_start:\n.option push\n.option norelax\n la gp, __global_pointer$\n.option pop\n mv a0, sp\n call begin\n");
#else
__asm__(".global _start\n_start:\n mov x0, sp\n bl begin\n");
#endif
