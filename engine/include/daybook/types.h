// The nouns of the log: positions, versions, times, identities.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace daybook {

// The number of an event in the log: 1, 2, 3 ... without gaps, never reused. 0 = before the first.
using Position = std::uint64_t;

// The number of an event in its stream: 1, 2, 3 ... without gaps. 0 = the stream has no events yet.
using Version = std::uint64_t;

// Nanoseconds since 1970-01-01 UTC. Times are data: order comes from positions only.
using Timestamp = std::chrono::sys_time<std::chrono::nanoseconds>;

// A log's identity, or an event's id (any 16 bytes; a UUID usually).
using Uuid = std::array<std::uint8_t, 16>;
using EventId = Uuid;

// A view of bytes that text converts to, so that a payload may be given as "...", a std::string or a span.
// Views nothing longer than the append call they are passed to.
class Bytes {
 public:
  constexpr Bytes() noexcept = default;
  constexpr Bytes(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}
  Bytes(std::string_view text) noexcept : bytes_(std::as_bytes(std::span(text))) {}
  Bytes(const char* text) noexcept : Bytes(std::string_view(text)) {}
  Bytes(const std::string& text) noexcept : Bytes(std::string_view(text)) {}

  [[nodiscard]] constexpr const std::byte* data() const noexcept { return bytes_.data(); }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] constexpr bool empty() const noexcept { return bytes_.empty(); }
  [[nodiscard]] constexpr operator std::span<const std::byte>() const noexcept { return bytes_; }
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }

 private:
  std::span<const std::byte> bytes_;
};

// What an append expects of a stream, decided at publish, in log order. The same four as KurrentDB's
// ExpectedVersion, counted from 1.
class Expect {
 public:
  enum class Kind : std::uint8_t { any = 0, no_stream = 1, exists = 2, exactly = 3 };

  constexpr Expect() noexcept = default;  // any
  static constexpr Expect any() noexcept { return {Kind::any, 0}; }
  static constexpr Expect no_stream() noexcept { return {Kind::no_stream, 0}; }
  static constexpr Expect exists() noexcept { return {Kind::exists, 0}; }
  static constexpr Expect exactly(Version version) noexcept { return {Kind::exactly, version}; }

  [[nodiscard]] constexpr Kind kind() const noexcept { return kind_; }
  [[nodiscard]] constexpr Version version() const noexcept { return version_; }
  [[nodiscard]] constexpr bool met_by(Version actual) const noexcept {
    switch (kind_) {
      case Kind::any: return true;
      case Kind::no_stream: return actual == 0;
      case Kind::exists: return actual != 0;
      case Kind::exactly: return actual == version_;
    }
    return false;
  }
  friend constexpr bool operator==(const Expect&, const Expect&) = default;

 private:
  constexpr Expect(Kind kind, Version version) noexcept : kind_(kind), version_(version) {}

  Kind kind_ = Kind::any;
  Version version_ = 0;
};

// Limits of the format. An append that breaks one is refused with Errc::invalid_argument or too_large.
inline constexpr std::size_t kStreamIdSizeMax = 255;   // 1..255 bytes, any bytes but NUL
inline constexpr std::size_t kEventTypeSizeMax = 255;  // 1..255 bytes
inline constexpr std::size_t kTagSizeMax = 255;        // 1..255 bytes each
inline constexpr std::size_t kTagsMax = 64;            // per event
inline constexpr std::size_t kAppendEventsMax = 65'535;
inline constexpr std::size_t kAppendStreamsMax = 1'024;
inline constexpr std::size_t kAppendConditionsMax = 256;

}  // namespace daybook
