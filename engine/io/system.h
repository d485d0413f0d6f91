// What the engine asks of the system besides files.
#pragma once

#include <cstdint>

#include <daybook/types.h>

namespace daybook::io {

// Nanoseconds since 1970, to the resolution of the kernel's tick (1-4 ms): about 6 ns to read, against 26 ns for the
// precise clock.
std::int64_t coarse_now() noexcept;

Uuid random_uuid() noexcept;  // version 4
std::uint64_t random_u64() noexcept;
std::uint32_t process_id() noexcept;

// The calling thread gives way to others from now on. Best effort.
void lower_priority() noexcept;

// Identifies this boot of the machine; all zeros when the system does not say.
Uuid boot_id() noexcept;

// Counts the forks between the first call in an ancestor and this process: changes only in forked children.
std::uint32_t fork_generation() noexcept;

}  // namespace daybook::io
