// encode_sidecar: from the index in memory to the bytes of a file.
#include <cassert>
#include <cstring>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "index/sidecar.h"
#include "index/sidecar_layout.h"

namespace daybook::index {
namespace {

SidecarHeader header_of(const MemoryIndex& index, const SidecarIdentity& identity) {
  SidecarHeader header{};
  header.magic = kSidecarMagic;
  header.format_version = kSidecarVersion;
  header.log = identity.log;
  header.segment = identity.segment;
  header.number = identity.number;
  header.epoch = identity.epoch;
  header.base_position = identity.base_position;
  header.valid_end = identity.valid_end;
  header.events = identity.events;
  header.frames = identity.frames;
  header.recorded_first = index.recorded().first;
  header.recorded_last = index.recorded().last;
  header.occurred_first = index.occurred().first;
  header.occurred_last = index.occurred().last;
  return header;
}

// Appends one section after the other, and notes where they are.
class Writer {
 public:
  Writer(const MemoryIndex& index, const SidecarIdentity& identity)
      : index_(index), header_(header_of(index, identity)), out_(sizeof(SidecarHeader)) {}

  std::vector<std::byte> run() && {
    for (std::size_t kind = 0; kind < kKeyKinds; ++kind) small_table(static_cast<KeyKind>(kind));
    section(kFrameUnitsSection, [&] { MonotoneList::encode(index_.frame_units(), out_); });
    section(kFrameFirstsSection, [&] {
      if (header_.frames != header_.events) MonotoneList::encode(index_.frame_firsts(), out_);
    });
    for (std::size_t kind = 0; kind < kKeyKinds; ++kind) large_table(static_cast<KeyKind>(kind));
    finish();
    return std::move(out_);
  }

 private:
  template <typename Encode>
  void section(std::size_t number, const Encode& encode) {
    const std::uint64_t start = out_.size();
    encode();
    assert(out_.size() % 8 == 0);
    header_.sections[number] = {start, out_.size() - start};
  }

  // What it cannot take is left for the large one.
  void small_table(KeyKind kind) {
    std::vector<HashedKey> small;
    std::vector<HashedKey>& large = large_[static_cast<std::size_t>(kind)];
    const std::uint32_t keys = index_.keys(kind);
    for (std::uint32_t number = 0; number < keys; ++number) {
      const HashedKey key{index_.hash_of({kind, index_.key_text(kind, number)}), number};
      (index_.key_count(kind, number) < kLargeFrom ? small : large).push_back(key);
    }
    section(small_section(kind), [&] {
      const std::vector<HashedKey> rest = SmallTable::encode(index_, kind, small, large, out_);
      large.insert(large.end(), rest.begin(), rest.end());
    });
  }

  void large_table(KeyKind kind) {
    std::vector<HashedKey>& keys = large_[static_cast<std::size_t>(kind)];
    section(large_section(kind), [&] { LargeTable::encode(index_, kind, std::move(keys), out_); });
  }

  void finish() {
    header_.body_size = out_.size() - sizeof(header_);
    const SidecarHash hash = sidecar_body_hash(out_.data() + sizeof(header_), header_.body_size);
    header_.hash_low = hash.low;
    header_.hash_high = hash.high;
    header_.check = sidecar_header_check(header_);
    std::memcpy(out_.data(), &header_, sizeof(header_));
  }

  const MemoryIndex& index_;
  SidecarHeader header_;
  std::array<std::vector<HashedKey>, kKeyKinds> large_;  // keys of the large tables, by kind
  std::vector<std::byte> out_;
};

}  // namespace

std::uint64_t sidecar_header_check(const SidecarHeader& header) noexcept {
  return XXH3_64bits(&header, offsetof(SidecarHeader, check));
}

SidecarHash sidecar_body_hash(const std::byte* body, std::size_t size) noexcept {
  const XXH128_hash_t hash = XXH3_128bits(body, size);
  return {hash.low64, hash.high64};
}

std::vector<std::byte> encode_sidecar(const MemoryIndex& index, const SidecarIdentity& identity) {
  assert(identity.events == index.events() && identity.frames == index.frame_units().size());
  assert(identity.events <= kSidecarEventsMax);
  return Writer(index, identity).run();
}

}  // namespace daybook::index
