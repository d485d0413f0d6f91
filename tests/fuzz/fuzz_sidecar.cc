// Any bytes as a sidecar, or as a Roaring bitmap: they are refused, or answer without a step outside them, and answers
// agree with each other.
//
// The first byte of an input says what the rest is: 0 a bitmap, else a sidecar, whose checksums and sizes are made right
// before it is looked at. It is read with the identity that it claims.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "index/ordinals.h"
#include "index/roaring_validator.h"
#include "index/sidecar.h"
#include "index/sidecar_layout.h"

namespace {

using namespace daybook;         // NOLINT(google-build-using-namespace): one file, no header
using namespace daybook::index;  // NOLINT(google-build-using-namespace)

constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 32;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "fuzz_sidecar: %s\n", what);
  std::abort();
}

// Ascends, and says how many there are.
void check_set(const Ordinals& set) {
  std::vector<std::uint32_t> all(set.size());
  require(set.read(0, all) == all.size(), "a set has fewer elements than it says");
  for (std::size_t i = 1; i < all.size(); ++i) require(all[i - 1] < all[i], "a set does not ascend");
  if (all.empty()) return;
  require(set.first() == all.front() && set.last() == all.back(), "a set has other ends than it says");
  require(set.rank(set.last()) == all.size() - 1, "a set ranks its last element elsewhere");
}

void check_bitmap(std::span<const std::byte> bytes) {
  const auto content = validate_roaring(bytes, kNoLimit);
  if (!content) return;
  const Ordinals set = Ordinals::view(bytes);
  check_set(set);
  require(set.size() == content->count, "a bitmap has another count than the validator saw");
  if (set.empty()) return;
  require(set.first() == content->first && set.last() == content->last, "a bitmap has other ends");
  const std::vector<std::byte> again = set.to_roaring();
  const bool same = again.size() == bytes.size() && std::memcmp(again.data(), bytes.data(), bytes.size()) == 0;
  require(same || again.size() < bytes.size(), "a bitmap is not what is written of it");
}

// Events that carry any key, or none: the sidecar must not depend on what it is told.
class AnyKeys final : public EventKeys {
 public:
  [[nodiscard]] std::size_t carrier(std::span<const std::uint32_t> ordinals, const Key& key) const override {
    const auto carries = [&](std::uint32_t ordinal) { return (key_hash(key) + ordinal) % 2 == 0; };
    return static_cast<std::size_t>(std::ranges::find_if(ordinals, carries) - ordinals.begin());
  }
  void each(std::uint32_t ordinal, KeyKind /*kind*/,
            const std::function<void(std::string_view)>& visit) const override {
    const std::string text = "key-" + std::to_string(ordinal % 64);
    visit(text);
    visit("key-0");
  }
};

void check_events(const Sidecar& sidecar) {
  Place before;
  for (std::uint32_t ordinal = 0; ordinal < std::min(sidecar.events(), 10'000u); ++ordinal) {
    const Place place = sidecar.place(ordinal);
    require(place.offset < sidecar.identity().valid_end, "an event is behind the end");
    if (place.index == 0) {
      require(sidecar.ordinal_at(place.offset) == ordinal, "a frame begins with another event");
      require(ordinal == 0 || place.offset > before.offset, "frames do not ascend");
    } else {
      require(place.offset == before.offset && place.index == before.index + 1, "a frame has a gap");
    }
    before = place;
  }
}

void check_key(const Sidecar& sidecar, const Key& key) {
  const Postings found = sidecar.find(key, AnyKeys());
  check_set(*found);
  require(found->size() == sidecar.count(key, AnyKeys()), "a key has another count than events");
  require(!found || found->last() < sidecar.events(), "a key is of an event that is not there");
}

void check_sidecar(std::span<const std::uint8_t> input) {
  std::vector<std::uint64_t> words(input.size() / 8);
  const auto bytes = std::as_writable_bytes(std::span(words));
  if (bytes.size() < sizeof(SidecarHeader)) return;
  std::memcpy(bytes.data(), input.data(), bytes.size());

  auto& header = *reinterpret_cast<SidecarHeader*>(bytes.data());
  header.body_size = bytes.size() - sizeof(header);
  const SidecarHash hash = sidecar_body_hash(bytes.data() + sizeof(header), header.body_size);
  header.hash_low = hash.low;
  header.hash_high = hash.high;
  header.check = sidecar_header_check(header);
  const auto parsed = Sidecar::parse(bytes, {.log = header.log,
                                             .segment = header.segment,
                                             .number = header.number,
                                             .epoch = header.epoch,
                                             .base_position = header.base_position,
                                             .valid_end = header.valid_end,
                                             .events = header.events,
                                             .frames = header.frames});
  if (!parsed) return;
  const Sidecar& sidecar = **parsed;
  check_events(sidecar);
  for (std::size_t kind = 0; kind < kKeyKinds; ++kind) {
    for (int i = 0; i < 64; ++i) {
      const std::string text = "key-" + std::to_string(i);
      check_key(sidecar, {static_cast<KeyKind>(kind), text});
    }
    const auto visit = [&](std::string_view text, std::uint64_t count, std::uint32_t first, std::uint32_t last) {
      require(first <= last && last < sidecar.events() && count <= last - first + std::uint64_t{1}, "a key's ends");
      check_key(sidecar, {static_cast<KeyKind>(kind), text});
    };
    sidecar.each_key(static_cast<KeyKind>(kind), AnyKeys(), visit);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::span<const std::uint8_t> rest(data + 1, size - 1);
  if (data[0] == 0) {
    check_bitmap(std::as_bytes(rest));
  } else {
    check_sidecar(rest);
  }
  return 0;
}
