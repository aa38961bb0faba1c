/* Kill a process at a system call: `killer PID FLAG INSIDE N`.
 *
 * Every system call of every thread of PID stops twice, before the kernel begins it and after it has ended. At stop N the process
 * gets SIGKILL. With INSIDE = 1 only stops count at which the first byte of the file FLAG is not 0: the process says so by it that
 * a transaction is open. Writes "attached", then "killed NUMBER WHEN FLAG" (WHEN: 1 before, 2 after the system call of that number)
 * or "ended STOPS". */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 1 << 16 };
static long calls[THREADS]; /* by thread, what it called last: at its end the kernel no longer says */

static int fail(const char *what)
{
    perror(what);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return fprintf(stderr, "killer PID FLAG INSIDE N\n"), 2;
    pid_t pid = atoi(argv[1]);
    int file = open(argv[2], O_RDONLY), inside = atoi(argv[3]), dead = 0;
    long last = atol(argv[4]), stops = 0;
    volatile unsigned char *flag = mmap(NULL, 1, PROT_READ, MAP_SHARED, file, 0);
    if (file < 0 || flag == MAP_FAILED)
        return fail(argv[2]);
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SEIZE, pid, 0, options) || ptrace(PTRACE_INTERRUPT, pid, 0, 0))
        return fail("ptrace");
    puts("attached");
    fflush(stdout);
    for (;;) {
        int status;
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0)
            break;
        if (!WIFSTOPPED(status))
            continue;
        int signal = WSTOPSIG(status), deliver = 0;
        if (signal == (SIGTRAP | 0x80)) {
            struct __ptrace_syscall_info info = {0};
            ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info);
            if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
                calls[thread % THREADS] = (long)info.entry.nr;
            int open = *flag != 0;
            if (!dead && (open || !inside) && ++stops == last) {
                dead = 1;
                kill(pid, SIGKILL);
                printf("killed %ld %d %d\n", calls[thread % THREADS], info.op, open);
            }
        } else if (!(status >> 16)) {
            deliver = signal; /* a signal of its own */
        }
        ptrace(PTRACE_SYSCALL, thread, 0, deliver);
    }
    if (!dead)
        printf("ended %ld\n", stops);
    return 0;
}
