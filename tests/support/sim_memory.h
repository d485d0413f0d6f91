// Memory that stands for the page cache of one simulated file.
#pragma once

#include <cstddef>
#include <cstdint>

namespace daybook::test {

// Zeros, page-aligned, at one address for life, however much of it is used: mappings of a growing file stay valid. Comes
// from a pool, because a fresh page costs more than all the rest of a crash image.
// Under AddressSanitizer, touching it after it went back to the pool is an error.
class SimMemory {
 public:
  static constexpr std::size_t kCapacity = std::size_t{1} << 30;  // of address space; pages come when touched

  // Ready for `size` bytes.
  explicit SimMemory(std::size_t size);
  ~SimMemory();
  SimMemory(const SimMemory&) = delete;
  SimMemory& operator=(const SimMemory&) = delete;

  [[nodiscard]] std::byte* data() const noexcept { return data_; }

  void grow(std::size_t size);

  // Stores by the code under test then end in SIGSEGV, as in a real mapping that was protected.
  void set_writable(bool writable);
  [[nodiscard]] bool writable() const noexcept { return writable_; }

 private:
  std::byte* data_;
  std::size_t used_ = 0;
  bool writable_ = true;
};

}  // namespace daybook::test
