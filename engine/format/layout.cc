#include "format/layout.h"

#include <charconv>
#include <cstdio>
#include <cstring>

namespace daybook::format {
namespace {

constexpr std::string_view kSegmentSuffix = ".seg";
constexpr std::string_view kSidecarSuffix = ".idx";
constexpr std::string_view kCheckpointSuffix = ".ckpt";
constexpr std::string_view kSnapshotsSuffix = ".snapshots";
constexpr std::string_view kTemporarySuffix = ".tmp";
constexpr std::size_t kDigits = 20;

constexpr std::uint64_t kSegmentBits = 26;
constexpr std::uint64_t kUnitBits = 26;
constexpr std::uint64_t kCheckBits = 12;
static_assert(kSegmentBits + kUnitBits + kCheckBits == 64);
static_assert(kSegmentSizeMax / kAlign <= std::uint64_t{1} << kUnitBits);

std::string numbered_name(std::uint64_t number, std::string_view suffix) {
  std::string digits = std::to_string(number);
  return std::string(kDigits - digits.size(), '0') + digits + std::string(suffix);
}

std::optional<std::uint64_t> parse_numbered_name(std::string_view name, std::string_view suffix) noexcept {
  if (name.size() != kDigits + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, number);
  if (error != std::errc() || end != name.data() + kDigits || number == 0) return std::nullopt;
  return number;
}

std::uint64_t durable_check(std::uint64_t bits, const Uuid& log) noexcept {
  return crc32c_u64(crc32c(kCrcInit, log.data(), log.size()), bits) >> (32 - kCheckBits);
}

}  // namespace

std::uint64_t segment_salt(const SegmentHeader& header) noexcept {
  struct {
    Uuid log;
    Uuid segment;
    std::uint64_t epoch;
  } const salted{header.log, header.segment, header.epoch};
  static_assert(std::has_unique_object_representations_v<decltype(salted)>);
  return xxh3_128(std::as_bytes(std::span(&salted, 1))).low;
}

std::uint32_t header_crc(const SegmentHeader& header) noexcept {
  return crc32c(kCrcInit, &header, offsetof(SegmentHeader, crc));
}

std::uint32_t footer_crc(const SegmentFooter& footer, std::uint64_t salt) noexcept {
  return crc32c(crc32c_u64(kCrcInit, salt), &footer, offsetof(SegmentFooter, crc));
}

std::uint64_t base_check(std::uint64_t position, std::uint64_t salt) noexcept {
  const std::uint32_t crc = crc32c_u64(crc32c_u64(kCrcInit, salt), position);
  return std::uint64_t{~crc} << 32 | crc;
}

std::uint64_t seal_durable(Address address, const Uuid& log) noexcept {
  if (address.segment == 0 || address.segment >= std::uint64_t{1} << kSegmentBits) return 0;
  const std::uint64_t bits = std::uint64_t{address.segment} << kUnitBits | address.offset / kAlign;
  return bits << kCheckBits | durable_check(bits, log);
}

std::optional<Address> open_durable(std::uint64_t sealed, const Uuid& log) noexcept {
  const std::uint64_t bits = sealed >> kCheckBits;
  if (sealed == 0 || (sealed & ((1u << kCheckBits) - 1)) != durable_check(bits, log)) return std::nullopt;
  return Address{static_cast<std::uint32_t>(bits >> kUnitBits),
                 static_cast<std::uint32_t>((bits & ((std::uint64_t{1} << kUnitBits) - 1)) * kAlign)};
}

std::string segment_name(std::uint64_t number) { return numbered_name(number, kSegmentSuffix); }
std::string sidecar_name(std::uint64_t number) { return numbered_name(number, kSidecarSuffix); }

std::optional<std::uint64_t> parse_segment_name(std::string_view name) noexcept {
  return parse_numbered_name(name, kSegmentSuffix);
}
std::optional<std::uint64_t> parse_sidecar_name(std::string_view name) noexcept {
  return parse_numbered_name(name, kSidecarSuffix);
}
std::string checkpoint_name(std::uint64_t position) { return numbered_name(position, kCheckpointSuffix); }
std::optional<std::uint64_t> parse_checkpoint_name(std::string_view name) noexcept {
  return parse_numbered_name(name, kCheckpointSuffix);
}

std::string snapshots_name(std::uint64_t number) { return numbered_name(number, kSnapshotsSuffix); }
std::optional<std::uint64_t> parse_snapshots_name(std::string_view name) noexcept {
  return parse_numbered_name(name, kSnapshotsSuffix);
}

std::string temporary_name(std::uint64_t number, std::uint64_t random) {
  std::string name = segment_name(number);
  name.resize(kDigits);
  return name + '-' + std::to_string(random) + std::string(kTemporarySuffix);
}

bool is_temporary_name(std::string_view name) noexcept {
  return name.size() > kDigits + kTemporarySuffix.size() && name[kDigits] == '-' &&
         name.find_first_not_of("0123456789") == kDigits && name.ends_with(kTemporarySuffix);
}

}  // namespace daybook::format
