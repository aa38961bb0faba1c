# A user module of MicroPython: make USER_C_MODULES=FOLDER, where FOLDER is the one that headwater has exported to.
HEADWATER := $(USERMOD_DIR)
SRC_USERMOD_C += $(HEADWATER)/module.c
SRC_USERMOD_LIB_C += $(HEADWATER)/../headwater.c $(HEADWATER)/../model.c
CFLAGS_USERMOD += -I$(HEADWATER)
