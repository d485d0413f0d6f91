// System calls that fail because the test says so, below the code under test and below libc.
#pragma once

namespace daybook::test {

// From now on, for the rest of this process's life, the system call `number` (SYS_...) fails with `error_number`.
// So it belongs into a Child. False: the kernel has no seccomp.
bool refuse_syscall(long number, int error_number);

}  // namespace daybook::test
