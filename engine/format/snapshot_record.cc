#include "format/snapshot_record.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "format/checksum.h"

namespace daybook::format {
namespace {

bool all_zero(std::span<const std::uint8_t> bytes) noexcept {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

SnapshotFileHeader make_snapshot_file_header(const Uuid& log, std::uint64_t number, std::uint64_t salt) noexcept {
  SnapshotFileHeader header{};
  header.magic = kSnapshotMagic;
  header.format_version = kSnapshotVersion;
  header.log = log;
  header.number = number;
  header.salt = salt;
  header.crc = crc32c(kCrcInit, &header, offsetof(SnapshotFileHeader, crc));
  return header;
}

std::optional<SnapshotFileHeader> check_snapshot_file_header(std::span<const std::byte> file, const Uuid& log,
                                                             std::uint64_t number) noexcept {
  SnapshotFileHeader header;
  if (file.size() < sizeof(header)) return std::nullopt;
  std::memcpy(&header, file.data(), sizeof(header));
  const bool whole = header.magic == kSnapshotMagic && header.format_version == kSnapshotVersion &&
                     header.incompatible == 0 && header.zero == 0 && header.zero_too == 0 &&
                     header.crc == crc32c(kCrcInit, &header, offsetof(SnapshotFileHeader, crc));
  if (!whole || header.log != log || header.number != number) return std::nullopt;
  return header;
}

std::uint32_t snapshot_crc(const SnapshotRecord& record, std::string_view key, SnapshotPlace place) noexcept {
  SnapshotRecord covered = record;
  // A record that was removed is checked as what it was.
  if (snapshot_kind(covered.word) == SnapshotKind::removed) {
    covered.word = (covered.word & ~std::uint64_t{0xff}) | static_cast<std::uint64_t>(SnapshotKind::saved);
  }
  const std::uint32_t crc = crc32c_framed(place.salt, place.offset, &covered, offsetof(SnapshotRecord, crc));
  return crc32c(crc, key.data(), key.size());
}

std::uint32_t snapshot_state_crc(std::span<const std::byte> state) noexcept {
  return crc32c(kCrcInit, state.data(), state.size());
}

void encode_snapshot(SnapshotRecord fields, std::string_view key, std::span<const std::byte> state, SnapshotPlace place,
                     std::span<std::byte> out) noexcept {
  fields.word = snapshot_word(out.size(), SnapshotKind::saved);
  fields.state_size = state.size();
  fields.state_crc = snapshot_state_crc(state);
  fields.key_size = static_cast<std::uint8_t>(key.size());
  std::ranges::fill(fields.zero, std::uint8_t{0});
  fields.zero_too = 0;
  fields.crc = snapshot_crc(fields, key, place);
  std::byte* at = out.data();
  const auto put = [&at](const void* bytes, std::size_t size) {
    if (size > 0) std::memcpy(at, bytes, size);
    std::memset(at + size, 0, align_up(size) - size);
    at += align_up(size);
  };
  put(&fields, sizeof(fields));
  put(key.data(), key.size());
  put(state.data(), state.size());
}

SnapshotRecord make_snapshot_end(SnapshotPlace place) noexcept {
  SnapshotRecord end{};
  end.word = snapshot_word(sizeof(end), SnapshotKind::end);
  end.crc = snapshot_crc(end, {}, place);
  return end;
}

std::uint64_t load_snapshot_word(std::span<const std::byte> file, std::uint64_t offset) noexcept {
  // atomic_ref of a const object comes with C++26; nothing is written through it.
  auto* const word = reinterpret_cast<std::uint64_t*>(const_cast<std::byte*>(file.data() + offset));
  return std::atomic_ref<std::uint64_t>(*word).load();
}

SnapshotAt check_snapshot(std::span<const std::byte> file, SnapshotPlace place) noexcept {
  constexpr SnapshotAt kBad{.kind = SnapshotAt::Kind::bad};
  if (place.offset > file.size() || file.size() - place.offset < sizeof(SnapshotRecord)) return {};
  const std::uint64_t word = load_snapshot_word(file, place.offset);
  if (word == 0) return {};
  const auto& record = *reinterpret_cast<const SnapshotRecord*>(file.data() + place.offset);
  const std::uint64_t room = file.size() - place.offset;
  const std::uint64_t size = (word >> 8) * kAlign;
  const SnapshotKind kind = snapshot_kind(word);
  const bool is_end = kind == SnapshotKind::end;
  const bool is_record = kind == SnapshotKind::saved || kind == SnapshotKind::removed;
  if ((!is_end && !is_record) || size > room || record.state_size > kSnapshotStateSizeMax ||
      size != snapshot_record_size(record.key_size, record.state_size)) {
    return kBad;
  }
  SnapshotRecord checked = record;
  checked.word = word;
  if (checked.crc != snapshot_crc(checked, snapshot_key(record), place) || !all_zero(checked.zero) ||
      checked.zero_too != 0) {
    return kBad;
  }
  if (is_end) return {.kind = record.key_size == 0 ? SnapshotAt::Kind::end : SnapshotAt::Kind::bad, .size = size};
  if (record.key_size == 0 || record.position == 0) return kBad;
  return {.kind = SnapshotAt::Kind::record, .record = &record, .size = size};
}

}  // namespace daybook::format
