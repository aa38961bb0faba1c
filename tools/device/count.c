/* A plugin of qemu: counts the instructions that a machine executes in each function, and says how many when it stops. Declared here
 * is as much of qemu's interface (version 4, qemu 9.2 and later) as is used. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t plugin_id;
typedef struct block block;
typedef struct instruction instruction;
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*translated)(plugin_id id, block *of));
void qemu_plugin_register_vcpu_tb_exec_cb(block *of, void (*executed)(unsigned cpu, void *context), int flags, void *context);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*ended)(plugin_id id, void *context), void *context);
size_t qemu_plugin_tb_n_insns(const block *of);
instruction *qemu_plugin_tb_get_insn(const block *of, size_t index);
const char *qemu_plugin_insn_symbol(const instruction *of);

int qemu_plugin_version = 4;

enum { FUNCTIONS = 8192, MOST = 1 << 16 }; /* functions, and instructions of a block */
static struct {
    char name[120];
    uint64_t executed;
} functions[FUNCTIONS];
static int known;

static int place_of(const char *name)
{
    for (int i = 0; i < known; i++)
        if (strncmp(functions[i].name, name, sizeof functions[i].name - 1) == 0)
            return i;
    if (known == FUNCTIONS)
        return FUNCTIONS - 1;
    strncpy(functions[known].name, name, sizeof functions[known].name - 1);
    return known++;
}

static void count(unsigned cpu, void *context)
{
    (void)cpu;
    functions[(uintptr_t)context / MOST].executed += (uintptr_t)context % MOST;
}

static void look(plugin_id id, block *of)
{
    const char *name = qemu_plugin_insn_symbol(qemu_plugin_tb_get_insn(of, 0));
    uintptr_t place = (uintptr_t)place_of(name ? name : "?");
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(of, count, 0, (void *)(place * MOST + qemu_plugin_tb_n_insns(of)));
}

static void tell(plugin_id id, void *context)
{
    (void)id, (void)context;
    for (int i = 0; i < known; i++)
        fprintf(stderr, "%llu %s\n", (unsigned long long)functions[i].executed, functions[i].name);
}

int qemu_plugin_install(plugin_id id, const void *machine, int count, char **arguments)
{
    (void)machine, (void)count, (void)arguments;
    qemu_plugin_register_vcpu_tb_trans_cb(id, look);
    qemu_plugin_register_atexit_cb(id, tell, NULL);
    return 0;
}
