# The example on this machine. For a device, compile headwater.c and model.c with its own compiler, with the same options.
CFLAGS = -std=c11 -Os -ffp-contract=off -fno-math-errno -fno-trapping-math -ffunction-sections -fdata-sections
LDFLAGS = -Wl,--gc-sections

example: example.c headwater.c model.c headwater.h
	$(CC) $(CFLAGS) example.c headwater.c model.c $(LDFLAGS) -o $@

clean:
	rm -f example

.PHONY: clean
