#include "io/system.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <optional>

#include "io/file_descriptor.h"

namespace daybook::io {
namespace {

std::int64_t nanoseconds_of(clockid_t clock) noexcept {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

// Unique, if not secret, for a sandbox that denies getrandom: salts and identities need no more (splitmix64).
std::uint64_t unique_u64() noexcept {
  static std::atomic<std::uint64_t> calls{0};
  std::uint64_t x = static_cast<std::uint64_t>(nanoseconds_of(CLOCK_REALTIME));
  x ^= static_cast<std::uint64_t>(nanoseconds_of(CLOCK_MONOTONIC)) << 20;
  x ^= static_cast<std::uint64_t>(process_id()) << 40;
  x += 0x9e3779b97f4a7c15u * (1 + calls.fetch_add(1));
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

std::optional<std::uint8_t> hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  return std::nullopt;
}

// "fe3a6d0c-..." with 32 hexadecimal digits; all zeros when it is not that.
Uuid parse_uuid(std::string_view text) noexcept {
  Uuid uuid{};
  std::size_t digits = 0;
  for (const char c : text) {
    const auto digit = hex_digit(c);
    if (!digit) continue;
    if (digits == 2 * uuid.size()) return {};
    uuid[digits / 2] = static_cast<std::uint8_t>(uuid[digits / 2] << 4 | *digit);
    ++digits;
  }
  return digits == 2 * uuid.size() ? uuid : Uuid{};
}

std::atomic<std::uint32_t> forks{0};

Uuid read_boot_id() noexcept {
  const FileDescriptor file = open_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", O_RDONLY);
  if (!file.is_open()) return {};
  std::array<char, 64> text{};
  const ssize_t n = ::read(file.get(), text.data(), text.size());
  return parse_uuid({text.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0))});
}

}  // namespace

std::int64_t coarse_now() noexcept { return nanoseconds_of(CLOCK_REALTIME_COARSE); }

std::uint64_t random_u64() noexcept {
  std::uint64_t x = 0;
  ssize_t n = -1;
  do {
    n = ::getrandom(&x, sizeof(x), 0);
  } while (n < 0 && errno == EINTR);
  return n == sizeof(x) ? x : unique_u64();
}

Uuid random_uuid() noexcept {
  const std::array<std::uint64_t, 2> bits{random_u64(), random_u64()};
  Uuid uuid;
  static_assert(sizeof(bits) == sizeof(uuid));
  std::memcpy(uuid.data(), bits.data(), sizeof(bits));
  uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0f) | 0x40);  // version 4
  uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3f) | 0x80);  // variant 1
  return uuid;
}

std::uint32_t process_id() noexcept { return static_cast<std::uint32_t>(::getpid()); }

void lower_priority() noexcept {
  constexpr int kNice = 10;
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kNice);
}

// Read once: a reader that stops at what is durable asks for every few events, and a process does not outlive its boot.
Uuid boot_id() noexcept {
  static const Uuid id = read_boot_id();
  return id;
}

std::uint32_t fork_generation() noexcept {
  static const bool counting = ::pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1); }) == 0;
  // Without memory for the handler: the process id changes in a child just as well, at the price of a system call.
  return counting ? forks.load() : process_id();
}

}  // namespace daybook::io
