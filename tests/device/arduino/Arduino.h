/* As much of Arduino's interface as a sketch uses that reads and writes a serial port. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct SerialPort {
    void begin(unsigned long baud);
    void setTimeout(unsigned long milliseconds);
    int available();
    int read();
    float parseFloat();
    size_t print(const char *text);
    size_t print(double number, int digits);
    size_t println(const char *text);
};
extern SerialPort Serial;

void setup();
void loop();
