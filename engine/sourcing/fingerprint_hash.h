// The hash behind the fingerprints of schemas and queries.
#pragma once

#include <cstdint>
#include <string_view>

namespace daybook::sourcing {

// FNV-1a, of sizes before what they are of, so that no two inputs run together to the same bytes. Fingerprints are stored
// with snapshots and tables: the function is set in stone.
class FingerprintHash {
 public:
  void add(std::uint64_t number) noexcept {
    for (int shift = 0; shift < 64; shift += 8) step(static_cast<std::uint8_t>(number >> shift));
  }
  void add(std::string_view text) noexcept {
    add(std::uint64_t{text.size()});
    for (const char c : text) step(static_cast<std::uint8_t>(c));
  }

  [[nodiscard]] std::uint64_t value() const noexcept { return hash_; }

 private:
  static constexpr std::uint64_t kOffset = 0xcbf29ce484222325u;
  static constexpr std::uint64_t kPrime = 0x100000001b3u;

  void step(std::uint8_t byte) noexcept { hash_ = (hash_ ^ byte) * kPrime; }

  std::uint64_t hash_ = kOffset;
};

}  // namespace daybook::sourcing
