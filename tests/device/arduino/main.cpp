/* A core for a Cortex-M4 in qemu: the serial port is the files "rows" and "out" of the host (ARM's semihosting). */
#include <Arduino.h>
#include <string.h>

SerialPort Serial;

static long host(long what, const void *block)
{
    register long r0 __asm__("r0") = what;
    register const void *r1 __asm__("r1") = block;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static long opened(const char *name, long mode)
{
    const long block[3] = {reinterpret_cast<long>(name), mode, static_cast<long>(strlen(name))};
    return host(1, block);
}

static int next = -2; /* the letter that comes next; -1: there is none */

static int peek()
{
    static long rows = -1;
    if (rows < 0)
        rows = opened("rows", 1);
    if (next == -2) {
        char letter;
        const long block[3] = {rows, reinterpret_cast<long>(&letter), 1};
        next = host(6, block) == 0 ? letter : -1;
    }
    return next;
}

void SerialPort::begin(unsigned long) {}
void SerialPort::setTimeout(unsigned long) {}
int SerialPort::available() { return peek() >= 0; }

int SerialPort::read()
{
    int letter = peek();
    next = letter < 0 ? -1 : -2;
    return letter;
}

float SerialPort::parseFloat()
{
    bool negative = false, point = false;
    double number = 0, scale = 1;
    while (peek() == ' ' || peek() == '\n')
        read();
    for (; peek() == '-' || peek() == '.' || (peek() >= '0' && peek() <= '9'); read()) {
        negative |= peek() == '-';
        point |= peek() == '.';
        if (peek() >= '0') {
            number = 10 * number + (peek() - '0');
            scale *= point ? 10 : 1;
        }
    }
    return static_cast<float>((negative ? -number : number) / scale);
}

size_t SerialPort::print(const char *text)
{
    static long out = -1;
    if (out < 0)
        out = opened("out", 5);
    const long block[3] = {out, reinterpret_cast<long>(text), static_cast<long>(strlen(text))};
    return static_cast<size_t>(block[2] - host(5, block));
}

size_t SerialPort::print(double number, int digits)
{
    char text[40];
    char *at = text + sizeof text - 1;
    double scale = 1;
    for (int i = 0; i < digits; i++)
        scale *= 10;
    bool negative = number < 0;
    uint64_t whole = static_cast<uint64_t>((negative ? -number : number) * scale + 0.5);
    *at = 0;
    for (int i = 0; i < digits || whole || i == digits; i++, whole /= 10) {
        if (i == digits && digits)
            *--at = '.';
        *--at = static_cast<char>('0' + whole % 10);
    }
    if (negative)
        *--at = '-';
    return print(at);
}

size_t SerialPort::println(const char *text) { return print(text) + print("\n"); }

extern "C" {
extern char top[];
void _start();
__attribute__((section(".vectors"), used)) const void *const vectors[] = {top, reinterpret_cast<const void *>(_start)};

__attribute__((noreturn)) void _start()
{
    *reinterpret_cast<volatile uint32_t *>(0xE000ED88) |= 0xF00000; /* the unit for floats is off at first */
    __asm__ volatile("dsb\n isb");
    setup();
    while (Serial.available())
        loop();
    host(0x18, reinterpret_cast<const void *>(0x20026));
    for (;;)
        ;
}
}
